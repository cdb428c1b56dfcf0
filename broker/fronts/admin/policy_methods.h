// Methods about the policy: its configs, its topics and its switches.
#ifndef BROKER_FRONTS_ADMIN_POLICY_METHODS_H_
#define BROKER_FRONTS_ADMIN_POLICY_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// ListSubscriptionGroups, ListTopics, GetPolicy.
AdminMethods PolicyMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_POLICY_METHODS_H_
