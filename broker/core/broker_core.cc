#include "broker/core/broker_core.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace rmq {
namespace {

// The policy stands first: the configs that it keeps are those of the groups
// that have members when the notifier pushes and the others are called.
std::vector<ClientEventListener*> InOrder(
    GroupPolicy* policy, ConsumerIdsNotifier* notifier, EventHistory* history,
    const std::vector<ClientEventListener*>& others) {
  std::vector<ClientEventListener*> listeners = {policy, notifier, history};
  listeners.insert(listeners.end(), others.begin(), others.end());
  return listeners;
}

}  // namespace

BrokerCore::BrokerCore(const Options& options,
                       const std::vector<ClientEventListener*>& listeners,
                       absl::Time now,
                       ConsumerIdsNotifier::DeadlineListener on_deadline)
    : policy_(options.policy,
              [this](absl::string_view group) {
                return table_.FindConsumerGroup(group).has_value();
              }),
      notifier_(options.notifier, on_deadline),
      history_(options.watch),
      table_(options.table,
             InOrder(&policy_, &notifier_, &history_, listeners)),
      processor_(&table_, &policy_, &notifier_),
      housekeeping_(options.housekeeping, &table_, &notifier_, now,
                    on_deadline),
      drain_(&table_, &notifier_, on_deadline),
      kicker_(options.kicker, &table_, &notifier_, on_deadline),
      watches_(options.watch, &table_, &history_, on_deadline) {}

}  // namespace rmq
