// GET_CONSUMER_LIST_BY_GROUP = 38: who is in a consumer group.
#ifndef BROKER_FRONTS_CLIENTMANAGER_GET_CONSUMER_LIST_H_
#define BROKER_FRONTS_CLIENTMANAGER_GET_CONSUMER_LIST_H_

#include "broker/fronts/clientmanager/client_request.h"

namespace rmq {

ClientRequest GetConsumerListKind();

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_GET_CONSUMER_LIST_H_
