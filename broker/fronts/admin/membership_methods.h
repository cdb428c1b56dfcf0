// GetGroupMembership: what the members of a consumer group know of each other.
#ifndef BROKER_FRONTS_ADMIN_MEMBERSHIP_METHODS_H_
#define BROKER_FRONTS_ADMIN_MEMBERSHIP_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

AdminMethods MembershipMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_MEMBERSHIP_METHODS_H_
