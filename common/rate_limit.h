// How often something may happen: a token bucket.
#ifndef COMMON_RATE_LIMIT_H_
#define COMMON_RATE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// Not thread-safe.
class RateLimit {
 public:
  // `per_second` events, and as many at once after a pause. 0: no limit.
  explicit RateLimit(int32_t per_second) : RateLimit(per_second, per_second) {}

  // The same, with `burst` events at once after a pause.
  RateLimit(int32_t per_second, int32_t burst)
      : per_second_(per_second),
        full_after_(per_second == 0 ? absl::ZeroDuration()
                                    : absl::Seconds(1) * burst / per_second) {}

  // Whether an event that comes at `now` is within the limit. One that is not
  // does not count.
  bool Take(absl::Time now) {
    if (per_second_ == 0) return true;
    // The bucket is full at `full_at_`; each event moves that on by its share
    // of a second, at most to `full_after_` from now.
    const absl::Duration share = absl::Seconds(1) / per_second_;
    const absl::Time full_at = std::max(full_at_, now) + share;
    if (full_at > now + full_after_) return false;
    full_at_ = full_at;
    return true;
  }

 private:
  const int32_t per_second_;
  // How long an empty bucket takes to fill.
  const absl::Duration full_after_;
  absl::Time full_at_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // COMMON_RATE_LIMIT_H_
