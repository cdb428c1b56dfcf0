// KickClients and ReleaseClients.
#ifndef BROKER_FRONTS_ADMIN_KICK_METHODS_H_
#define BROKER_FRONTS_ADMIN_KICK_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

AdminMethods KickMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_KICK_METHODS_H_
