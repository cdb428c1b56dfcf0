// How often something may happen: a token bucket.
#ifndef COMMON_RATE_LIMIT_H_
#define COMMON_RATE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// A rate, and how much of it may come at once. What has come is kept by the
// caller, as one time, when the bucket is full again: InfinitePast, or any time
// that is over, is a full one. Immutable.
class Rate {
 public:
  // `per_second` events, and `burst` at once after a pause. 0: no limit.
  Rate(int32_t per_second, int32_t burst)
      : per_second_(per_second),
        full_after_(per_second == 0 ? absl::ZeroDuration()
                                    : absl::Seconds(1) * burst / per_second) {}

  // Whether an event that comes at `now` is within the limit; or `count` events
  // at once.
  bool Allows(absl::Time now, absl::Time full_at, int32_t count = 1) const {
    return per_second_ == 0 || After(now, full_at, count) <= now + full_after_;
  }

  // The same, and counts the events if they are.
  bool Take(absl::Time now, absl::Time* full_at, int32_t count = 1) const {
    if (!Allows(now, *full_at, count)) return false;
    if (per_second_ != 0) *full_at = After(now, *full_at, count);
    return true;
  }

  // When an event is within the limit that is not now.
  absl::Time AllowsFrom(absl::Time full_at) const {
    return per_second_ == 0 ? absl::InfinitePast()
                            : full_at + Share() - full_after_;
  }

  int32_t per_second() const { return per_second_; }

 private:
  // Each event moves the time when the bucket is full on by its share of a
  // second.
  absl::Duration Share() const { return absl::Seconds(1) / per_second_; }
  absl::Time After(absl::Time now, absl::Time full_at, int32_t count) const {
    return std::max(full_at, now) + count * Share();
  }

  const int32_t per_second_;
  // How long an empty bucket takes to fill.
  const absl::Duration full_after_;
};

// A rate and its bucket. Not thread-safe.
class RateLimit {
 public:
  // `per_second` events, and as many at once after a pause. 0: no limit.
  explicit RateLimit(int32_t per_second) : RateLimit(per_second, per_second) {}

  // The same, with `burst` events at once after a pause.
  RateLimit(int32_t per_second, int32_t burst) : rate_(per_second, burst) {}

  // Whether an event that comes at `now` is within the limit. One that is not
  // does not count.
  bool Take(absl::Time now) { return rate_.Take(now, &full_at_); }

 private:
  const Rate rate_;
  absl::Time full_at_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // COMMON_RATE_LIMIT_H_
