#include "broker/fronts/rocketmq_v2/sdk_status.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/proto_utils.h"

namespace rmq {
namespace {

absl::StatusCode CanonicalOf(v2::Code code) {
  switch (code) {
    case v2::OK: return absl::StatusCode::kOk;
    case v2::UNAUTHORIZED: return absl::StatusCode::kUnauthenticated;
    case v2::FORBIDDEN: return absl::StatusCode::kPermissionDenied;
    case v2::NOT_FOUND:
    case v2::MESSAGE_NOT_FOUND:
    case v2::TOPIC_NOT_FOUND:
    case v2::CONSUMER_GROUP_NOT_FOUND: return absl::StatusCode::kNotFound;
    case v2::TOO_MANY_REQUESTS: return absl::StatusCode::kResourceExhausted;
    case v2::NOT_IMPLEMENTED:
    case v2::UNSUPPORTED: return absl::StatusCode::kUnimplemented;
    case v2::UNRECOGNIZED_CLIENT_TYPE:
      return absl::StatusCode::kFailedPrecondition;
    default: break;
  }
  return code >= v2::INTERNAL_ERROR ? absl::StatusCode::kInternal
                                    : absl::StatusCode::kInvalidArgument;
}

}  // namespace

CallStatus SdkError(v2::Code code, std::string message) {
  return {CanonicalOf(code), static_cast<ResponseCode>(code),
          std::move(message)};
}

v2::Code CodeOf(const CallStatus& outcome) {
  const int number = static_cast<int>(outcome.response_code);
  if (number >= v2::OK && v2::Code_IsValid(number)) {
    return static_cast<v2::Code>(number);
  }
  switch (outcome.code) {
    case absl::StatusCode::kOk: return v2::OK;
    case absl::StatusCode::kInvalidArgument: return v2::BAD_REQUEST;
    case absl::StatusCode::kUnauthenticated: return v2::UNAUTHORIZED;
    case absl::StatusCode::kPermissionDenied: return v2::FORBIDDEN;
    case absl::StatusCode::kNotFound: return v2::NOT_FOUND;
    case absl::StatusCode::kFailedPrecondition: return v2::PRECONDITION_FAILED;
    case absl::StatusCode::kResourceExhausted: return v2::TOO_MANY_REQUESTS;
    case absl::StatusCode::kUnimplemented: return v2::NOT_IMPLEMENTED;
    default: return v2::INTERNAL_SERVER_ERROR;
  }
}

CallStatus SdkErrorOf(const PassedOverGroup& skipped) {
  const auto code = [&skipped] {
    switch (skipped.reason) {
      case SkipReason::kNoSuchGroup: return v2::CONSUMER_GROUP_NOT_FOUND;
      case SkipReason::kTooManyGroups:
      case SkipReason::kTooManyGroupsOfAddress: return v2::TOO_MANY_REQUESTS;
      case SkipReason::kPermissionDenied: return v2::FORBIDDEN;
      case SkipReason::kProducerRejected: return v2::ILLEGAL_TOPIC;
      default: return v2::ILLEGAL_CONSUMER_GROUP;
    }
  };
  return SdkError(code(), Explain(skipped));
}

void FillStatus(const CallStatus& outcome, v2::Status* status) {
  status->set_code(CodeOf(outcome));
  status->set_message(outcome.ok() ? "OK" : outcome.message);
}

grpc::Status BodyOutcomeWriter::Write(
    const google::protobuf::MethodDescriptor& method, const CallStatus& outcome,
    TrailingMetadata* /*metadata*/, grpc::ByteBuffer* response) const {
  if (outcome.ok()) return grpc::Status::OK;
  const google::protobuf::Descriptor& type = *method.output_type();
  const std::unique_ptr<google::protobuf::Message> body(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(&type)
          ->New());
  google::protobuf::Message* const status =
      body->GetReflection()->MutableMessage(body.get(),
                                            type.FindFieldByName("status"));
  FillStatus(outcome, static_cast<v2::Status*>(status));
  bool owns_buffer;
  return grpc::GenericSerialize<grpc::ProtoBufferWriter,
                                google::protobuf::Message>(*body, response,
                                                           &owns_buffer);
}

}  // namespace rmq
