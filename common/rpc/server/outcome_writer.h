// How the outcome of a unary call is written on the wire.
#ifndef COMMON_RPC_SERVER_OUTCOME_WRITER_H_
#define COMMON_RPC_SERVER_OUTCOME_WRITER_H_

#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/response_code.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

// Trailing metadata with the number of CallStatus::response_code.
inline constexpr char kResponseCodeMetadata[] = "rocketmq-response-code";

// Trailing metadata of a stream or call that the broker itself ends: the
// reason. A proxy, or gRPC, may end a stream with the same status, but without
// it.
inline constexpr char kEndReasonMetadata[] = "rocketmq-end-reason";

// Trailing metadata: for how many milliseconds the client should stay away.
inline constexpr char kRetryAfterMetadata[] = "rocketmq-retry-after-ms";

// The trailing metadata of a call: keys, which are constants, and values.
using TrailingMetadata =
    absl::InlinedVector<std::pair<absl::string_view, std::string>, 3>;

// What `outcome` has beside its code and message. `with_response_code`: also
// the response code.
inline TrailingMetadata OutcomeMetadata(const CallStatus& outcome,
                                        bool with_response_code) {
  TrailingMetadata metadata;
  if (with_response_code) {
    metadata.emplace_back(
        kResponseCodeMetadata,
        absl::StrCat(static_cast<int>(outcome.response_code)));
  }
  if (!outcome.end_reason.empty()) {
    metadata.emplace_back(kEndReasonMetadata, outcome.end_reason);
  }
  if (outcome.retry_after > absl::ZeroDuration()) {
    metadata.emplace_back(
        kRetryAfterMetadata,
        absl::StrCat(absl::ToInt64Milliseconds(outcome.retry_after)));
  }
  return metadata;
}

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

  // Returns the gRPC status that the call ends with, and may fill the trailing
  // metadata, which is empty. If the status is OK, `response` is sent:
  // the handler's, or empty if `outcome` is an error, and then the writer may
  // fill it with a response of `method` that holds the error.
  virtual grpc::Status Write(const google::protobuf::MethodDescriptor& method,
                             const CallStatus& outcome,
                             TrailingMetadata* metadata,
                             grpc::ByteBuffer* response) const = 0;
};

// A gRPC status, and the response code in the trailing metadata.
class StatusOutcomeWriter final : public OutcomeWriter {
 public:
  grpc::Status Write(const google::protobuf::MethodDescriptor& /*method*/,
                     const CallStatus& outcome, TrailingMetadata* metadata,
                     grpc::ByteBuffer* /*response*/) const override {
    return Write(outcome, metadata);
  }

  // The same for a call of no method.
  static grpc::Status Write(const CallStatus& outcome,
                            TrailingMetadata* metadata) {
    *metadata = OutcomeMetadata(outcome, /*with_response_code=*/true);
    return ToGrpcStatus(outcome);
  }
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_OUTCOME_WRITER_H_
