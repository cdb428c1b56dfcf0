// The broker's core without the edge.
#ifndef TESTS_SIMULATION_CORE_UNDER_TEST_H_
#define TESTS_SIMULATION_CORE_UNDER_TEST_H_

#include <utility>

#include "absl/time/time.h"
#include "broker/core/broker_core.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/watch/event_history.h"

namespace rmq {

// Thread-safe as its parts are. `observer` is borrowed; it receives events
// after the policy and the notifier.
struct CoreUnderTest {
  CoreUnderTest(GroupPolicy::Options policy_options,
                ClientEventListener* observer, absl::Time now)
      : core(WithPolicy(std::move(policy_options)), {observer}, now) {}

  static BrokerCore::Options WithPolicy(GroupPolicy::Options policy_options) {
    BrokerCore::Options options;
    options.policy = std::move(policy_options);
    // So that those who watch slowly are too slow.
    options.watch.watch_history = EventHistory::kFewestEvents;
    return options;
  }

  BrokerCore core;
  GroupPolicy& policy = core.policy();
  ConsumerIdsNotifier& notifier = core.notifier();
  ClientTable& table = core.table();
  ClientManageProcessor& processor = core.processor();
  Housekeeping& housekeeping = core.housekeeping();
  ClientKicker& kicker = core.kicker();
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_CORE_UNDER_TEST_H_
