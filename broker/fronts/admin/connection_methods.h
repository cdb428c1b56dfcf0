// Methods about connections: the members of groups.
#ifndef BROKER_FRONTS_ADMIN_CONNECTION_METHODS_H_
#define BROKER_FRONTS_ADMIN_CONNECTION_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// GetConsumerConnectionList, GetProducerConnectionList, GetAllProducerInfo.
AdminMethods ConnectionMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_CONNECTION_METHODS_H_
