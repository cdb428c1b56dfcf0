// The deterministic parts of the broker, put together once: for the product,
// the simulation, the conformance tests and the benchmarks.
#ifndef BROKER_CORE_BROKER_CORE_H_
#define BROKER_CORE_BROKER_CORE_H_

#include <vector>

#include "absl/time/time.h"
#include "broker/housekeeping/drain.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watches.h"

namespace rmq {

// Owns the parts of the core and connects them. The parts of the core start no
// thread and read no clock: `now` is an argument of each call, and effects
// leave through ClientChannel, ClientEventListener and the deadline listener.
//
// Thread-safe, as each part is.
class BrokerCore {
 public:
  struct Options {
    ClientTable::Options table;
    GroupPolicy::Options policy;
    ConsumerIdsNotifier::Options notifier;
    Housekeeping::Options housekeeping;
    ClientKicker::Options kicker;
    Watches::Options watch;
  };

  // The options of each part must validate. `listeners` are borrowed; they
  // receive each event after the policy and the notifier. `now` is when the
  // first housekeeping period begins. `on_deadline`, which may be null, is
  // called when the notifier, housekeeping, the drain, the kicker or the
  // watches become due earlier than they were.
  BrokerCore(const Options& options,
             const std::vector<ClientEventListener*>& listeners, absl::Time now,
             ConsumerIdsNotifier::DeadlineListener on_deadline = nullptr);
  BrokerCore(const BrokerCore&) = delete;
  BrokerCore& operator=(const BrokerCore&) = delete;

  ClientTable& table() { return table_; }
  const ClientTable& table() const { return table_; }
  GroupPolicy& policy() { return policy_; }
  const GroupPolicy& policy() const { return policy_; }
  ConsumerIdsNotifier& notifier() { return notifier_; }
  const ConsumerIdsNotifier& notifier() const { return notifier_; }
  ClientManageProcessor& processor() { return processor_; }
  Housekeeping& housekeeping() { return housekeeping_; }
  Drain& drain() { return drain_; }
  ClientKicker& kicker() { return kicker_; }
  const EventHistory& history() const { return history_; }
  Watches& watches() { return watches_; }
  const Watches& watches() const { return watches_; }

 private:
  GroupPolicy policy_;
  ConsumerIdsNotifier notifier_;
  EventHistory history_;
  ClientTable table_;
  ClientManageProcessor processor_;
  Housekeeping housekeeping_;
  Drain drain_;
  ClientKicker kicker_;
  Watches watches_;
};

}  // namespace rmq

#endif  // BROKER_CORE_BROKER_CORE_H_
