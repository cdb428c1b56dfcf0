// How RocketMQ 5's protocol tells an outcome: by a Code in the body.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_SDK_STATUS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_SDK_STATUS_H_

#include <string>

#include "apache/rocketmq/v2/definition.pb.h"
#include "broker/policy/passed_over_group.h"
#include "common/response_code.h"
#include "common/rpc/server/outcome_writer.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq {

namespace v2 = ::apache::rocketmq::v2;

// An error with a code of RocketMQ 5's own. Its number stands in
// `response_code` of the result; RocketMQ's numbers of before are all smaller.
CallStatus SdkError(v2::Code code, std::string message);

// The code of an outcome: that of SdkError(), or the one that says most of what
// the canonical code says.
v2::Code CodeOf(const CallStatus& outcome);

// The error of a group that was passed over.
CallStatus SdkErrorOf(const PassedOverGroup& skipped);

void FillStatus(const CallStatus& outcome, v2::Status* status);

// Errors are a Status in the response's field `status`, and the call ends with
// OK: SDKs take a gRPC error for a broken connection.
// Reference: ResponseBuilder.java of the proxy.
class BodyOutcomeWriter final : public OutcomeWriter {
 public:
  grpc::Status Write(const google::protobuf::MethodDescriptor& method,
                     const CallStatus& outcome, TrailingMetadata* metadata,
                     grpc::ByteBuffer* response) const override;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_SDK_STATUS_H_
