#include "common/backoff.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace rmq {

absl::Status Backoff::Options::Validate() const {
  if (initial <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("initial backoff must be positive, got ",
                     absl::FormatDuration(initial)));
  }
  if (maximum < initial) {
    return absl::InvalidArgumentError(
        absl::StrCat("maximum backoff must be at least the initial ",
                     absl::FormatDuration(initial), ", got ",
                     absl::FormatDuration(maximum)));
  }
  return absl::OkStatus();
}

absl::Duration Backoff::Next(absl::FunctionRef<double()> random) {
  const absl::Duration half = whole_ / 2;
  const absl::Duration delay = half + random() * (whole_ - half);
  whole_ = std::min(whole_ * 2, options_.maximum);
  return delay;
}

absl::Duration Backoff::NextAfter(absl::Duration retry_after,
                                  absl::FunctionRef<double()> random) {
  const absl::Duration next = Next(random);
  if (retry_after <= absl::ZeroDuration()) return next;
  const absl::Duration spread = std::max(retry_after / 10, kLeastSpread);
  return std::max(next, retry_after + random() * spread);
}

}  // namespace rmq
