// The subscriptions of one consumer group, by topic.
#ifndef BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_
#define BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"

namespace rmq {

// What a group reads of one topic. Reference: SubscriptionData.java.
struct SubscriptionData {
  std::string expression;
  std::string expression_type;
  int64_t sub_version = 0;
};

// A value that is shared and never changed: a group whose subscriptions change
// gets a new table, so events and answers can keep the one they saw. Most
// groups have one or two topics, for which a tree is smaller and faster than a
// hash.
using SubscriptionTable = absl::btree_map<std::string, SubscriptionData>;
using SubscriptionTablePtr = std::shared_ptr<const SubscriptionTable>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_SUBSCRIPTION_TABLE_H_
