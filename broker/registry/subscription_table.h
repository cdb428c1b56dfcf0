// The subscriptions of one consumer group, by topic.
#ifndef BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_
#define BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace rmq {

// What a group reads of one topic. Reference: SubscriptionData.java.
struct SubscriptionData {
  std::string expression;
  std::string expression_type;
  int64_t sub_version = 0;
};

// A value that is shared and never changed: a group whose subscriptions change
// gets a new table, so events and answers can keep the one they saw.
using SubscriptionTable = absl::flat_hash_map<std::string, SubscriptionData>;
using SubscriptionTablePtr = std::shared_ptr<const SubscriptionTable>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_
