// ReceiveMessage and PullMessage: there are no messages.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_
#define BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_

#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "broker/fronts/rocketmq_v2/sdk_broker.h"
#include "common/rpc/server/response_streams.h"

namespace rmq {

// ReceiveMessage is held, since SDKs ask again at once: for the long polling
// that the client asks for, at most 20 s, and at least a second less than the
// client waits. Then MESSAGE_NOT_FOUND. At most kMostHeld calls, half of them
// of one address.
inline constexpr size_t kMostHeld = 20'000;
ResponsesMethod ReceiveMessageMethod(const SdkBroker& broker,
                                     DueCalls* due_calls);

// PullMessage is answered NOT_IMPLEMENTED.
ResponsesMethod PullMessageMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_
