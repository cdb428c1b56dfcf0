// What the edge has done since the start, in numbers.
#ifndef BROKER_SERVICE_EDGE_COUNTERS_H_
#define BROKER_SERVICE_EDGE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "broker/policy/group_policy.h"

namespace rmq {

// Counts by the values of an enum from `First` on. Thread-safe.
template <typename Enum, Enum First, size_t Values>
class CountersBy {
 public:
  void Count(Enum which) {
    counts_[IndexOf(which)].fetch_add(1, std::memory_order_relaxed);
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
using SkipCounters =
    CountersBy<SkipReason, SkipReason::kIllegalGroup, kSkipReasons>;

// Thread-safe. All counts rise from 0.
struct EdgeCounters {
  // Heartbeats answered, unary and on streams.
  CodeCounters full_heartbeats;
  CodeCounters light_heartbeats;
  // Light ones among them that were answered full_statement_needed.
  std::atomic<int64_t> full_statements_needed{0};
  // Calls, frames and streams that were answered with an error.
  CodeCounters refusals;
  // Groups of heartbeats that were passed over.
  SkipCounters skipped_groups;
  // Pushes to streams: written; merged into one that waited; never written,
  // since the stream was over.
  std::atomic<int64_t> pushes_sent{0};
  std::atomic<int64_t> pushes_coalesced{0};
  std::atomic<int64_t> pushes_dropped{0};
  // Streams cut off since they did not read.
  std::atomic<int64_t> slow_readers{0};
};

}  // namespace rmq

#endif  // BROKER_SERVICE_EDGE_COUNTERS_H_
