// How long it took to tell the peers of a member that it is gone.
#ifndef BROKER_NOTIFY_DETECTION_TIMES_H_
#define BROKER_NOTIFY_DETECTION_TIMES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// A histogram, from a member's last sign of life to the first push to its
// group afterwards. A value. Not thread-safe.
class DetectionTimes {
 public:
  // The upper bounds of the buckets, inclusive. Longer times are in none. 12 s
  // and 125 s stand above an expiry of 10 s and of 120 s, and a tick.
  static constexpr std::array<absl::Duration, 14> kBounds = {
      absl::Milliseconds(100), absl::Milliseconds(300), absl::Seconds(1),
      absl::Seconds(3),        absl::Seconds(6),        absl::Seconds(12),
      absl::Seconds(30),       absl::Seconds(60),       absl::Seconds(90),
      absl::Seconds(125),      absl::Seconds(150),      absl::Minutes(5),
      absl::Minutes(10),       absl::Minutes(30)};

  void Add(absl::Duration time) {
    ++count_;
    sum_ += time;
    for (size_t i = 0; i < kBounds.size(); ++i) {
      if (time <= kBounds[i]) {
        ++in_bucket_[i];
        return;
      }
    }
  }

  // Times of at most kBounds[i] and more than kBounds[i - 1].
  int64_t in_bucket(size_t i) const { return in_bucket_[i]; }
  int64_t count() const { return count_; }
  absl::Duration sum() const { return sum_; }

 private:
  std::array<int64_t, kBounds.size()> in_bucket_ = {};
  int64_t count_ = 0;
  absl::Duration sum_;
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_DETECTION_TIMES_H_
