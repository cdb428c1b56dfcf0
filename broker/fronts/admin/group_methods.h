// Methods about groups: which there are, and whether one has members.
#ifndef BROKER_FRONTS_ADMIN_GROUP_METHODS_H_
#define BROKER_FRONTS_ADMIN_GROUP_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// ListGroups, GetGroupOnline.
AdminMethods GroupMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_GROUP_METHODS_H_
