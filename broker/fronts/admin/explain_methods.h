// Methods that explain why a group is as it is.
#ifndef BROKER_FRONTS_ADMIN_EXPLAIN_METHODS_H_
#define BROKER_FRONTS_ADMIN_EXPLAIN_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// ExplainGroup.
AdminMethods ExplainMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_EXPLAIN_METHODS_H_
