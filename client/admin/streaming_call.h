// A call with one request and many responses, for whoever may block.
#ifndef CLIENT_ADMIN_STREAMING_CALL_H_
#define CLIENT_ADMIN_STREAMING_CALL_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/status.h"

namespace rmq {

// How often a call that waits for a response asks whether to go on.
inline constexpr absl::Duration kGoesOnPeriod = absl::Milliseconds(100);

// Calls `method`, as "/package.Service/Method", and blocks until the call has
// ended. Calls `on_response` for each response, in order; the next one is not
// read before it returns, so a slow reader slows the sender down. Each response
// is put into `response`.
//
// Asks `goes_on` after each response and every kGoesOnPeriod. Once it returns
// false the call is cancelled, no further response is taken, and the status is
// CANCELLED.
grpc::Status CallStreaming(
    grpc::TemplatedGenericStub<google::protobuf::Message,
                               google::protobuf::Message>* stub,
    grpc::ClientContext* context, const std::string& method,
    const google::protobuf::Message& request,
    google::protobuf::Message* response,
    absl::FunctionRef<void(const google::protobuf::Message&)> on_response,
    absl::FunctionRef<bool()> goes_on);

}  // namespace rmq

#endif  // CLIENT_ADMIN_STREAMING_CALL_H_
