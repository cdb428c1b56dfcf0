// Counters with one place for each value of an enum.
#ifndef COMMON_COUNTERS_BY_H_
#define COMMON_COUNTERS_BY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace rmq {

// Counts by the `Values` values of an enum from `First` on. Thread-safe. All
// counts rise from 0.
template <typename Enum, Enum First, size_t Values>
class CountersBy {
 public:
  void Count(Enum which, int64_t times = 1) {
    counts_[IndexOf(which)].fetch_add(times, std::memory_order_relaxed);
  }
  int64_t value(Enum which) const {
    return counts_[IndexOf(which)].load(std::memory_order_relaxed);
  }

  // Calls `visit(value, count)` for each value.
  template <typename Visit>
  void VisitAll(Visit visit) const {
    for (size_t i = 0; i < Values; ++i) {
      const auto which = static_cast<Enum>(static_cast<size_t>(First) + i);
      visit(which, value(which));
    }
  }

 private:
  static size_t IndexOf(Enum which) {
    return static_cast<size_t>(which) - static_cast<size_t>(First);
  }

  std::array<std::atomic<int64_t>, Values> counts_ = {};
};

using CodeCounters = CountersBy<absl::StatusCode, absl::StatusCode::kOk, 17>;

}  // namespace rmq

#endif  // COMMON_COUNTERS_BY_H_
