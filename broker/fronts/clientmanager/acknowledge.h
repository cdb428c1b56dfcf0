// The frame Acknowledge: which list of client ids a client holds.
#ifndef BROKER_FRONTS_CLIENTMANAGER_ACKNOWLEDGE_H_
#define BROKER_FRONTS_CLIENTMANAGER_ACKNOWLEDGE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/clientmanager/stream_caller.h"
#include "broker/fronts/edge_counters.h"
#include "broker/registry/client_channel.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/gate.h"

namespace rmq {

// An acknowledgment is never answered, since a client that knew what is wrong
// could do nothing about it: what has no effect is counted by reason, and the
// first of a stream is logged. It does not count as a sign of life.
//
// The groups of acknowledgments have a rate of their own, so that they delay no
// heartbeat. The burst is that of a client of the most groups that
// acknowledges all of them twice, as frames of their own: after a reconnect,
// and once the groups have changed.
inline constexpr int32_t kAcknowledgedGroupsPerSecond = 100;
inline constexpr int32_t kAcknowledgedGroupsAtOnce = 512;
// Further groups in one frame, as the proto says.
inline constexpr int kMostFurtherGroups = 256;

// Whether a frame that is an acknowledgment may be read now. Takes one group of
// the stream's rate. If not, the frame is counted, and has to be dropped.
bool MayReadAcknowledgment(absl::string_view peer, absl::Time now,
                           StreamClient* client, EdgeCounters* counters);

// An acknowledgment that cannot be read, and is dropped.
void DropAcknowledgment(absl::string_view peer, StreamClient* client,
                        EdgeCounters* counters);

// Takes an acknowledgment of `channel`, for which MayReadAcknowledgment() was
// asked. `connect` is the context of the Connect call at the time of the frame:
// the gate is asked about that method, and about the groups.
void TakeAcknowledgment(const ClientBroker& broker, Gate* gate,
                        const CallContext& connect, ClientChannel& channel,
                        const pb::Acknowledge& request, StreamClient* client);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_ACKNOWLEDGE_H_
