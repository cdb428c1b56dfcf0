#include "common/rpc/channel/call_trailers.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"

namespace rmq {
namespace {

constexpr char kEndReasonKey[] = "rocketmq-end-reason";
constexpr char kResponseCodeKey[] = "rocketmq-response-code";
constexpr char kRetryAfterKey[] = "rocketmq-retry-after-ms";

// Empty if it is not there.
absl::string_view Trailer(const grpc::ClientContext& context, const char* key) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(key);
  if (found == trailers.end()) return {};
  return {found->second.data(), found->second.size()};
}

}  // namespace

absl::string_view EndReasonTrailer(const grpc::ClientContext& context) {
  return Trailer(context, kEndReasonKey);
}

bool HasResponseCodeTrailer(const grpc::ClientContext& context) {
  return context.GetServerTrailingMetadata().count(kResponseCodeKey) > 0;
}

absl::Duration RetryAfterTrailer(const grpc::ClientContext& context) {
  return ParseRetryAfter(Trailer(context, kRetryAfterKey));
}

absl::Duration ParseRetryAfter(absl::string_view text) {
  int64_t ms = 0;
  if (!absl::SimpleAtoi(text, &ms) || ms <= 0) return absl::ZeroDuration();
  return std::min(absl::Milliseconds(ms), kMaxRetryAfter);
}

}  // namespace rmq
