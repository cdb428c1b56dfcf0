#include "client/grpc/call_end.h"

#include "absl/strings/string_view.h"
#include "client/broker_health.h"
#include "common/rpc/channel/call_trailers.h"

namespace rmq {

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

StreamEnd StreamEndOf(const grpc::ClientContext& context,
                      const grpc::Status& status) {
  StreamEnd end;
  end.status = FromGrpc(status);
  end.is_brokers = HasResponseCodeTrailer(context);
  const absl::string_view word = EndReasonTrailer(context);
  for (const EndReason reason : {EndReason::kExpired, EndReason::kReplaced,
                                 EndReason::kKicked, EndReason::kDrained}) {
    if (word == Name(reason)) end.reason = reason;
  }
  end.retry_after = RetryAfterTrailer(context);
  return end;
}

bool BlamesConnection(const grpc::ClientContext& context,
                      const grpc::Status& status, bool is_own_doing) {
  // A broker that goes down says UNAVAILABLE itself.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
  if (is_own_doing) return false;
  return EndReasonTrailer(context).empty() && !HasResponseCodeTrailer(context);
}

}  // namespace rmq
