// Whether a channel is open, when it was last heard, and whether something
// waits to be told to its client: one atomic word.
//
// A renewal is a compare-and-swap that fails once the word is closed, and
// expiry closes it only if it still shows the silence that was judged. So a
// renewal and an expiry cannot both win.
#ifndef BROKER_REGISTRY_LIVENESS_H_
#define BROKER_REGISTRY_LIVENESS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace rmq {

// Thread-safe, lock-free. Times are steady times after 1970, kept to the
// nanosecond.
class Liveness {
 public:
  // Open, and heard at `opened`.
  explicit Liveness(absl::Time opened = absl::UnixEpoch())
      : word_(WordAt(opened)) {}

  // Heard at `now`. Returns when it was heard before, or nothing if the word is
  // closed: the renewal was lost. A time before the last one changes nothing.
  absl::optional<absl::Time> Renew(absl::Time now) {
    const uint64_t renewed = WordAt(now);
    uint64_t seen = word_.load(std::memory_order_relaxed);
    while (!IsClosed(seen)) {
      if (renewed <= TimePart(seen) ||
          word_.compare_exchange_weak(seen, renewed | (seen & kAttention),
                                      std::memory_order_relaxed)) {
        return TimeOf(seen);
      }
    }
    return absl::nullopt;
  }

  // Closes. True for the one call that did it.
  bool Close() {
    return !IsClosed(word_.fetch_or(kClosed, std::memory_order_acq_rel));
  }

  // Closes if it was last heard before `limit`. True if this call closed it.
  bool CloseIfLastHeardBefore(absl::Time limit) {
    const uint64_t limit_word = WordAt(limit);
    uint64_t seen = word_.load(std::memory_order_relaxed);
    while (!IsClosed(seen) && TimePart(seen) < limit_word) {
      if (word_.compare_exchange_weak(seen, seen | kClosed,
                                      std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  // Whether something waits to be told at the next sign of life. Renewals keep
  // it.
  bool attention() const {
    return (word_.load(std::memory_order_relaxed) & kAttention) != 0;
  }
  void SetAttention(bool attention) {
    if (attention) {
      word_.fetch_or(kAttention, std::memory_order_relaxed);
    } else {
      word_.fetch_and(~kAttention, std::memory_order_relaxed);
    }
  }

  bool closed() const {
    return IsClosed(word_.load(std::memory_order_acquire));
  }

  absl::Time last_heard() const {
    return TimeOf(word_.load(std::memory_order_relaxed));
  }

 private:
  // Nanoseconds since 1970 stand above the two lowest bits: up to the year
  // 2116.
  static constexpr uint64_t kClosed = 1;
  static constexpr uint64_t kAttention = 2;
  static constexpr int kFlags = 2;
  static constexpr int64_t kLatest = (int64_t{1} << (64 - kFlags)) - 1;
  static uint64_t WordAt(absl::Time time) {
    // A limit may lie before 1970: everything was heard after it.
    return static_cast<uint64_t>(
               std::clamp<int64_t>(absl::ToUnixNanos(time), 0, kLatest))
           << kFlags;
  }
  static bool IsClosed(uint64_t word) { return (word & kClosed) != 0; }
  static uint64_t TimePart(uint64_t word) { return word >> kFlags << kFlags; }
  static absl::Time TimeOf(uint64_t word) {
    return absl::FromUnixNanos(static_cast<int64_t>(word >> kFlags));
  }

  std::atomic<uint64_t> word_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_LIVENESS_H_
