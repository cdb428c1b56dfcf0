// What the end of a gRPC call says.
#ifndef CLIENT_GRPC_CALL_END_H_
#define CLIENT_GRPC_CALL_END_H_

#include "absl/status/status.h"
#include "client/session/broker_stub.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace rmq {

absl::Status FromGrpc(const grpc::Status& status);

// How the stream of `context` ended with `status`.
StreamEnd StreamEndOf(const grpc::ClientContext& context,
                      const grpc::Status& status);

// Whether a call that ended with `status` may have failed because of its
// connection: the connection is broken, or leads to somebody, such as a proxy,
// who refuses in the broker's place. `is_own_doing` means that this client
// ended the call, or that it ended as the client asked.
bool BlamesConnection(const grpc::ClientContext& context,
                      const grpc::Status& status, bool is_own_doing);

}  // namespace rmq

#endif  // CLIENT_GRPC_CALL_END_H_
