// Methods about what consumer groups subscribe to.
#ifndef BROKER_FRONTS_ADMIN_SUBSCRIPTION_METHODS_H_
#define BROKER_FRONTS_ADMIN_SUBSCRIPTION_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// QueryTopicConsumeByWho, FindSubscription.
AdminMethods SubscriptionMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_SUBSCRIPTION_METHODS_H_
