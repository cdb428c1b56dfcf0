#include "broker/fronts/end_status.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace rmq {

CallStatus EndStatus(RemovalReason reason) {
  const auto status = [](absl::StatusCode code, absl::string_view message) {
    return CallStatus{code, ResponseCode::kSystemError, std::string(message)};
  };
  switch (reason) {
    case RemovalReason::kExpired:
      return status(absl::StatusCode::kDeadlineExceeded,
                    "EXPIRED: no heartbeat for longer than the channel expiry");
    case RemovalReason::kReplaced:
      return status(absl::StatusCode::kAborted,
                    "REPLACED: a newer stream has this client id and "
                    "incarnation");
    case RemovalReason::kKicked:
      return status(absl::StatusCode::kPermissionDenied,
                    "KICKED: taken out by an operator");
    case RemovalReason::kDrained:
      return status(absl::StatusCode::kUnavailable,
                    "DRAINED: the broker is going down");
    case RemovalReason::kUnregistered:
    case RemovalReason::kDisconnected: break;
  }
  return status(absl::StatusCode::kInternal, Name(reason));
}

}  // namespace rmq
