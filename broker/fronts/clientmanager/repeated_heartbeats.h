// Heartbeats of a stream that repeat the last one byte for byte.
#ifndef BROKER_FRONTS_CLIENTMANAGER_REPEATED_HEARTBEATS_H_
#define BROKER_FRONTS_CLIENTMANAGER_REPEATED_HEARTBEATS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/registry/client_channel.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// Answers a frame, given as its bytes, that repeats the stream's last heartbeat
// where reading it again would change nothing: renews the channel and fills all
// of `reply`. Otherwise returns false and has done nothing: the frame must be
// read. So it has to be if something waits to be told to the client, and once
// the rules have changed: see StreamClient::last_heartbeat. The gate is not
// asked again, as for any light heartbeat. Takes no lock for a light
// one; for a full one, the table's, to read the epochs of its groups.
//
// Differs: RocketMQ reads a full heartbeat each time, but for clients that make
// a fingerprint of their own.
bool AnswerRepeatedHeartbeat(const ClientBroker& broker, ClientChannel& channel,
                             absl::string_view bytes, absl::Time now,
                             const StreamClient& client, pb::Reply* reply);

// Remembers a heartbeat that was read and answered with `reply`, for
// AnswerRepeatedHeartbeat(). `bytes` are the frame's; empty: it is not to be
// known again. `changes` is ClientManageProcessor::statement_changes() as it
// was before the heartbeat was handled.
void RememberHeartbeat(const pb::HeartbeatRequest& request,
                       absl::string_view bytes, uint64_t changes,
                       const pb::Reply& reply, StreamClient* client);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_REPEATED_HEARTBEATS_H_
