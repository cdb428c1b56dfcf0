// Gives memory back to the system after a large fall.
#ifndef BROKER_TIMER_MEMORY_TRIM_H_
#define BROKER_TIMER_MEMORY_TRIM_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace rmq {

// glibc keeps what is freed below what is still in use: 20,000 calls that were
// open at once and are gone leave hundreds of megabytes. To give them back
// takes milliseconds in which nobody else allocates, so it is done when there
// is much to give, and seldom. Not thread-safe; for who calls it now and then.
class MemoryTrim {
 public:
  // A fall of the level that is worth it: by this much, and to less than half.
  static constexpr int64_t kLeastFall = 2'000;
  static constexpr absl::Duration kPause = absl::Seconds(60);

  // `trim` gives back: malloc_trim(0).
  explicit MemoryTrim(std::function<void()> trim) : trim_(std::move(trim)) {}

  // `level` stands for what is in use, as open calls do; `highest` is the most
  // since the last call. Trims if it has fallen far, does not fall any more,
  // and kPause has passed since the last time.
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
  // Since the last time.
  int64_t highest_ = 0;
  absl::Time trimmed_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_TIMER_MEMORY_TRIM_H_
