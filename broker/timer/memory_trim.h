// Returns free memory to the system when there is much of it.
#ifndef BROKER_TIMER_MEMORY_TRIM_H_
#define BROKER_TIMER_MEMORY_TRIM_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace rmq {

// glibc keeps freed memory if memory above it is still in use: after a flood of
// calls it keeps hundreds of megabytes. To return them takes milliseconds in
// which no other thread can allocate, so MemoryTrim does it only when there is
// much to return, and seldom. Not thread-safe.
class MemoryTrim {
 public:
  // The smallest number of bytes that are worth a trim.
  static constexpr int64_t kLeastUnused = 32 << 20;
  // The shortest time between two trims.
  static constexpr absl::Duration kPause = absl::Seconds(20);

  // `unused` tells how many bytes the process has and does not use
  // (UnusedMemory()). `trim` returns to the system what can be returned of them
  // (malloc_trim(0)).
  MemoryTrim(std::function<int64_t()> unused, std::function<void()> trim)
      : unused_(std::move(unused)), trim_(std::move(trim)) {}

  // Called at regular intervals. Trims if there have been kLeastUnused bytes at
  // this call and at the one before, and kPause has passed since the last trim.
  // What a trim could not return does not count: a process whose memory is in
  // pieces is not trimmed again and again.
  void Look(absl::Time now) {
    const int64_t unused = unused_();
    stays_ = std::min(stays_, unused);
    const bool is_much = unused - stays_ >= kLeastUnused;
    const bool was_much = std::exchange(was_much_, is_much);
    if (!is_much || !was_much || now - trimmed_ < kPause) return;
    trimmed_ = now;
    was_much_ = false;
    trim_();
    stays_ = unused_();
  }

 private:
  const std::function<int64_t()> unused_;
  const std::function<void()> trim_;
  // Of the unused bytes: those that the last trim has left.
  int64_t stays_ = 0;
  bool was_much_ = false;
  absl::Time trimmed_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_TIMER_MEMORY_TRIM_H_
