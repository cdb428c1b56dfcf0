// ListClients.
#ifndef BROKER_FRONTS_ADMIN_CLIENT_LIST_METHODS_H_
#define BROKER_FRONTS_ADMIN_CLIENT_LIST_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

AdminMethods ClientListMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CLIENT_LIST_METHODS_H_
