// ReceiveMessage and PullMessage: there are no messages.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_
#define BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_

#include <cstddef>

#include "broker/fronts/rocketmq_v2/due_calls.h"
#include "broker/fronts/rocketmq_v2/held_calls.h"
#include "broker/fronts/rocketmq_v2/sdk_broker.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/response_streams.h"

namespace rmq {

// Each of these adds its method to `table`. Every outcome of the gate and the
// method is a code in the body of one message, and the call ends with OK. A
// call whose caller is not known, or whose message is too large or too much,
// ends with gRPC's status.

// ReceiveMessage is held, since SDKs ask again at once: for the long polling
// that the client asks for, at most 20 s, and at least a second less than the
// client waits. Then MESSAGE_NOT_FOUND. A client has at most as many held calls
// of a topic as the topic has queues; over a bound of `held`, the answer is
// NOT_IMPLEMENTED, the one that most SDKs ask again slowest after.
ResponsesMethod ReceiveMessageMethod(const SdkBroker& broker,
                                     DueCalls* due_calls, HeldCalls* held,
                                     MethodTable* table);

// PullMessage is answered NOT_IMPLEMENTED.
ResponsesMethod PullMessageMethod(MethodTable* table);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_HELD_RECEIVE_H_
