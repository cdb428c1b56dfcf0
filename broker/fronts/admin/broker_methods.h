// What a broker says of itself.
#ifndef BROKER_FRONTS_ADMIN_BROKER_METHODS_H_
#define BROKER_FRONTS_ADMIN_BROKER_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// GetBroker.
AdminMethods BrokerMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_BROKER_METHODS_H_
