#include "client/session/frame_limit.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace rmq {
namespace {

// Removes a number from the front of `text`.
bool ConsumeNumber(absl::string_view* text, size_t* number) {
  const size_t digits =
      std::min(text->find_first_not_of("0123456789"), text->size());
  if (!absl::SimpleAtoi(text->substr(0, digits), number)) return false;
  text->remove_prefix(digits);
  return true;
}

}  // namespace

absl::optional<size_t> FrameLimitOf(const absl::Status& refusal,
                                    size_t frame_bytes) {
  if (!absl::IsResourceExhausted(refusal)) return absl::nullopt;
  absl::string_view text = refusal.message();
  size_t limit = 0;
  size_t got = 0;
  bool is_about_size;
  if (absl::ConsumePrefix(&text, "frame must be at most ")) {
    is_about_size = ConsumeNumber(&text, &limit) &&
                    absl::ConsumePrefix(&text, " bytes, got ") &&
                    ConsumeNumber(&text, &got) && text.empty();
  } else {
    is_about_size =
        absl::ConsumePrefix(&text, "Received message larger than max (") &&
        ConsumeNumber(&text, &got) && absl::ConsumePrefix(&text, " vs. ") &&
        ConsumeNumber(&text, &limit) && text == ")";
  }
  if (!is_about_size || got != frame_bytes || limit >= frame_bytes) {
    return absl::nullopt;
  }
  return limit;
}

size_t LargestFrameOf(
    const rocketmq::clientmanager::v1::HeartbeatRequest& statement) {
  // The request id and the stream number, each with its tag, and the
  // heartbeat's tag and length.
  constexpr size_t kBytesBesideTheStatement = 32;
  return statement.ByteSizeLong() + kBytesBesideTheStatement;
}

}  // namespace rmq
