// Methods about what is wrong with clients: ids that several processes use, and
// groups whose members state different things.
#ifndef BROKER_FRONTS_ADMIN_CONSISTENCY_METHODS_H_
#define BROKER_FRONTS_ADMIN_CONSISTENCY_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// GetSubscriptionConsistency, ListDuplicateClientIds.
AdminMethods ConsistencyMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CONSISTENCY_METHODS_H_
