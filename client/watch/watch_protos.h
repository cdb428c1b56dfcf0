// The wire's messages of a watch as plain values.
#ifndef CLIENT_WATCH_WATCH_PROTOS_H_
#define CLIENT_WATCH_WATCH_PROTOS_H_

#include "client/watch/watched_event.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

WatchedMember FromProto(
    const rocketmq::clientmanager::v1::WatchedMember& member);
WatchedEvent FromProto(const rocketmq::clientmanager::v1::WatchEvent& event);

}  // namespace rmq

#endif  // CLIENT_WATCH_WATCH_PROTOS_H_
