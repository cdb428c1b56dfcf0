// ListPeers.
#ifndef BROKER_FRONTS_ADMIN_PEER_METHODS_H_
#define BROKER_FRONTS_ADMIN_PEER_METHODS_H_

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

AdminMethods PeerMethods();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_PEER_METHODS_H_
