// Methods about one client.
#ifndef BROKER_FRONTS_ADMIN_CLIENT_METHODS_H_
#define BROKER_FRONTS_ADMIN_CLIENT_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// GetClient.
AdminMethods ClientMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CLIENT_METHODS_H_
