// Returns free memory to the system after the use of memory has fallen.
#ifndef BROKER_TIMER_MEMORY_TRIM_H_
#define BROKER_TIMER_MEMORY_TRIM_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace rmq {

// glibc keeps freed memory if memory above it is still in use: after 20,000
// open calls have ended, it keeps hundreds of megabytes. To return them takes
// milliseconds in which no other thread can allocate, so MemoryTrim does it
// only when there is much to return, and seldom. Not thread-safe.
class MemoryTrim {
 public:
  // The smallest fall of the level that is worth a trim; the level must also
  // have fallen to less than half.
  static constexpr int64_t kLeastFall = 2'000;
  // The time between two trims.
  static constexpr absl::Duration kPause = absl::Seconds(60);

  // `trim` returns the memory: malloc_trim(0).
  explicit MemoryTrim(std::function<void()> trim) : trim_(std::move(trim)) {}

  // Called at regular intervals. `level` stands for the memory in use: the
  // number of open calls; `highest` is the highest level since the last Look().
  // Trims if the level has fallen far enough, falls no more, and kPause has
  // passed since the last trim.
  void Look(int64_t level, int64_t highest, absl::Time now) {
    highest_ = std::max(highest_, highest);
    const bool still_falls = level < std::exchange(last_level_, level);
    const int64_t fall = highest_ - level;
    if (fall < kLeastFall || level > fall || still_falls ||
        now - trimmed_ < kPause) {
      return;
    }
    highest_ = level;
    trimmed_ = now;
    trim_();
  }

 private:
  const std::function<void()> trim_;
  int64_t last_level_ = 0;
  // The highest level since the last trim.
  int64_t highest_ = 0;
  absl::Time trimmed_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_TIMER_MEMORY_TRIM_H_
