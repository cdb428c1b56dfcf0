#include "client/grpc/call_end.h"

namespace rmq {
namespace {

// The trailing metadata in which a broker says why it ended a stream, and with
// which of RocketMQ's codes it ended a call. Nobody between client and broker
// sets them.
constexpr char kEndReasonKey[] = "rocketmq-end-reason";
constexpr char kResponseCodeKey[] = "rocketmq-response-code";

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

EndReason EndReasonOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto reason = metadata.find(kEndReasonKey);
  if (reason == metadata.end()) return EndReason::kNone;
  if (reason->second == "REPLACED") return EndReason::kReplaced;
  if (reason->second == "KICKED") return EndReason::kKicked;
  return EndReason::kNone;
}

bool BlamesConnection(const grpc::ClientContext& context,
                      const grpc::Status& status, bool is_own_doing) {
  // A broker that goes down says UNAVAILABLE itself.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
  if (is_own_doing) return false;
  const auto& metadata = context.GetServerTrailingMetadata();
  return metadata.count(kEndReasonKey) == 0 &&
         metadata.count(kResponseCodeKey) == 0;
}

}  // namespace rmq
