// How often a channel may send: a token bucket of one second's worth.
#ifndef BROKER_SERVICE_FRAME_RATE_LIMIT_H_
#define BROKER_SERVICE_FRAME_RATE_LIMIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// Not thread-safe.
class FrameRateLimit {
 public:
  // `per_second` frames, and as many at once after a pause. 0: no limit.
  explicit FrameRateLimit(int32_t per_second) : per_second_(per_second) {}

  // Whether a frame that comes at `now` is within the limit. One that is not
  // does not count.
  bool Take(absl::Time now) {
    if (per_second_ == 0) return true;
    // The bucket is full at `full_at_`; each frame moves that on by its share
    // of a second, at most to one second from now.
    const absl::Duration share = absl::Seconds(1) / per_second_;
    const absl::Time full_at = std::max(full_at_, now) + share;
    if (full_at > now + absl::Seconds(1)) return false;
    full_at_ = full_at;
    return true;
  }

 private:
  const int32_t per_second_;
  absl::Time full_at_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_SERVICE_FRAME_RATE_LIMIT_H_
