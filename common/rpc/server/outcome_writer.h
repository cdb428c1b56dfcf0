// How the outcome of a unary call is written on the wire.
#ifndef COMMON_RPC_SERVER_OUTCOME_WRITER_H_
#define COMMON_RPC_SERVER_OUTCOME_WRITER_H_

#include "absl/strings/str_cat.h"
#include "common/response_code.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Trailing metadata with the number of CallStatus::response_code.
inline constexpr char kResponseCodeMetadata[] = "rocketmq-response-code";

// The canonical codes of Abseil and of gRPC are the same numbers.
inline grpc::Status ToGrpcStatus(const CallStatus& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code),
                      status.message);
}

// There is one for each protocol, since each writes errors in its own manner.
// Thread-safe.
class OutcomeWriter {
 public:
  virtual ~OutcomeWriter() = default;

  // Returns the gRPC status that the call ends with, and may add to the
  // trailing metadata of `context`. If the status is OK, `response` is sent:
  // the handler's, or empty if `outcome` is an error, and then the writer may
  // fill it with a response of `method` that holds the error.
  virtual grpc::Status Write(const google::protobuf::MethodDescriptor& method,
                             const CallStatus& outcome,
                             grpc::ServerContextBase* context,
                             grpc::ByteBuffer* response) const = 0;
};

// A gRPC status, and the response code in the trailing metadata.
class StatusOutcomeWriter final : public OutcomeWriter {
 public:
  grpc::Status Write(const google::protobuf::MethodDescriptor& /*method*/,
                     const CallStatus& outcome,
                     grpc::ServerContextBase* context,
                     grpc::ByteBuffer* /*response*/) const override {
    return Write(outcome, context);
  }

  // The same for a call of no method.
  static grpc::Status Write(const CallStatus& outcome,
                            grpc::ServerContextBase* context) {
    context->AddTrailingMetadata(
        kResponseCodeMetadata,
        absl::StrCat(static_cast<int>(outcome.response_code)));
    return ToGrpcStatus(outcome);
  }
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_OUTCOME_WRITER_H_
