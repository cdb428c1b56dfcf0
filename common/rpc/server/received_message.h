// The one message of a call: its size, its rate, its compression.
#ifndef COMMON_RPC_SERVER_RECEIVED_MESSAGE_H_
#define COMMON_RPC_SERVER_RECEIVED_MESSAGE_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/payer.h"
#include "common/response_code.h"
#include "common/rpc/server/server_calls.h"
#include "grpc/grpc.h"
#include "grpcpp/support/byte_buffer.h"

namespace rmq {

// The outcome of a call whose client sends no message, or one that is larger
// than gRPC reads.
CallStatus NoMessage();

// Prepares the only message of `call`: inflates it in place if it is
// compressed. Returns RESOURCE_EXHAUSTED if it is too large, or if `payer` has
// used up its rate of bytes, and InflateMessage()'s errors.
CallStatus ReceiveMessage(ServerCalls* calls, const Payer& payer,
                          absl::Time now, grpc_call* call,
                          grpc::ByteBuffer* message);

// The outcome of a call whose caller could not be identified, of which
// `unknown` says why. The bytes of its message are paid for by `network`, as
// those of anonymous callers are: RESOURCE_EXHAUSTED if its rate is used up.
// The message is not inflated.
CallStatus PayUnidentified(ServerCalls* calls, ClientNetwork network,
                           absl::Time now, const grpc::ByteBuffer& message,
                           CallStatus unknown);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_RECEIVED_MESSAGE_H_
