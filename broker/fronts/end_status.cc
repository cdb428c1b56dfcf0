#include "broker/fronts/end_status.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/member_change.h"

namespace rmq {
namespace {

absl::StatusCode CodeOf(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::kExpired: return absl::StatusCode::kDeadlineExceeded;
    case RemovalReason::kReplaced: return absl::StatusCode::kAborted;
    case RemovalReason::kKicked: return absl::StatusCode::kPermissionDenied;
    case RemovalReason::kDrained: return absl::StatusCode::kUnavailable;
    case RemovalReason::kUnregistered:
    case RemovalReason::kDisconnected: break;
  }
  return absl::StatusCode::kInternal;
}

absl::string_view Explain(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::kExpired:
      return ": no heartbeat for longer than the channel expiry";
    case RemovalReason::kReplaced:
      return ": a newer stream of this client id has taken over";
    case RemovalReason::kKicked: return ": taken out by an operator";
    case RemovalReason::kDrained: return ": the broker sends its clients away";
    case RemovalReason::kUnregistered:
    case RemovalReason::kDisconnected: break;
  }
  return "";
}

}  // namespace

CallStatus EndStatus(const ChannelEnd& end) {
  if (end.reason == RemovalReason::kDisconnected) {
    return {absl::StatusCode::kPermissionDenied, ResponseCode::kSystemError,
            end.detail};
  }
  CallStatus status = {CodeOf(end.reason), ResponseCode::kSystemError,
                       absl::StrCat(Name(end.reason), Explain(end.reason))};
  if (!end.detail.empty()) absl::StrAppend(&status.message, ": ", end.detail);
  status.end_reason = Name(end.reason);
  status.retry_after = end.retry_after;
  return status;
}

}  // namespace rmq
