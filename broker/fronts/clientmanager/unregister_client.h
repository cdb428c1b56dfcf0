// UNREGISTER_CLIENT = 35: a client leaves groups.
#ifndef BROKER_FRONTS_CLIENTMANAGER_UNREGISTER_CLIENT_H_
#define BROKER_FRONTS_CLIENTMANAGER_UNREGISTER_CLIENT_H_

#include "broker/fronts/clientmanager/client_request.h"

namespace rmq {

// Leaving what the client is not in is a success.
ClientRequest UnregisterClientKind();

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_UNREGISTER_CLIENT_H_
