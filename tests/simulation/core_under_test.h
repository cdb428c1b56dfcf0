// The broker's core, put together as the broker does it, without the edge.
#ifndef TESTS_SIMULATION_CORE_UNDER_TEST_H_
#define TESTS_SIMULATION_CORE_UNDER_TEST_H_

#include <utility>

#include "absl/time/time.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"

namespace rmq {

// Thread-safe as its parts are. `observer` is borrowed, and hears of events
// after the policy and the notifier.
struct CoreUnderTest {
  CoreUnderTest(GroupPolicy::Options policy_options,
                ClientEventListener* observer, absl::Time now)
      : policy(std::move(policy_options),
               [this](absl::string_view group) {
                 return table.FindConsumerGroup(group).has_value();
               }),
        notifier(ConsumerIdsNotifier::Options()),
        table(ClientTable::Options(), {&policy, &notifier, observer}),
        processor(&table, &policy, &notifier),
        housekeeping(Housekeeping::Options(), &table, &notifier, now) {}

  GroupPolicy policy;
  ConsumerIdsNotifier notifier;
  ClientTable table;
  ClientManageProcessor processor;
  Housekeeping housekeeping;
};

}  // namespace rmq

#endif  // TESTS_SIMULATION_CORE_UNDER_TEST_H_
