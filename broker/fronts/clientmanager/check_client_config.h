// CHECK_CLIENT_CONFIG = 46: is the expression of a subscription right?
#ifndef BROKER_FRONTS_CLIENTMANAGER_CHECK_CLIENT_CONFIG_H_
#define BROKER_FRONTS_CLIENTMANAGER_CHECK_CLIENT_CONFIG_H_

#include "broker/fronts/clientmanager/client_request.h"

namespace rmq {

// Registers nothing.
ClientRequest CheckClientConfigKind();

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CHECK_CLIENT_CONFIG_H_
