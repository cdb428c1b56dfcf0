// What the edge has done since the start, in numbers.
#ifndef BROKER_SERVICE_EDGE_COUNTERS_H_
#define BROKER_SERVICE_EDGE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace rmq {

// Counts by canonical code. Thread-safe.
class CodeCounters {
 public:
  // Codes are 0 (OK) to 16 (UNAUTHENTICATED).
  static constexpr size_t kCodes = 17;

  void Count(absl::StatusCode code) {
    counts_[static_cast<size_t>(code)].fetch_add(1, std::memory_order_relaxed);
  }
  int64_t value(absl::StatusCode code) const {
    return counts_[static_cast<size_t>(code)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<int64_t>, kCodes> counts_ = {};
};

// Thread-safe. All counts rise from 0.
struct EdgeCounters {
  // Heartbeats answered, unary and on streams.
  CodeCounters full_heartbeats;
  CodeCounters light_heartbeats;
  // Light ones among them that were answered full_statement_needed.
  std::atomic<int64_t> full_statements_needed{0};
  // Calls, frames and streams that were answered with an error.
  CodeCounters refusals;
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
