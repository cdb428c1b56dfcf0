#include "client/grpc/call_end.h"

#include "absl/strings/string_view.h"
#include "common/rpc/channel/call_trailers.h"

namespace rmq {

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

EndReason EndReasonOf(const grpc::ClientContext& context) {
  const absl::string_view reason = EndReasonTrailer(context);
  if (reason == "REPLACED") return EndReason::kReplaced;
  if (reason == "KICKED") return EndReason::kKicked;
  return EndReason::kNone;
}

bool BlamesConnection(const grpc::ClientContext& context,
                      const grpc::Status& status, bool is_own_doing) {
  // A broker that goes down says UNAVAILABLE itself.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
  if (is_own_doing) return false;
  return EndReasonTrailer(context).empty() && !HasResponseCodeTrailer(context);
}

}  // namespace rmq
