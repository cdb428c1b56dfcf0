// Counts what became of the pushes to a server's streams.
#ifndef COMMON_RPC_SERVER_PUSH_COUNTERS_H_
#define COMMON_RPC_SERVER_PUSH_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace rmq {

// Thread-safe. All counts rise from 0.
struct PushCounters {
  // Written.
  std::atomic<int64_t> sent{0};
  // Merged into a push of the same key that waited.
  std::atomic<int64_t> coalesced{0};
  // Never written, because the stream ended first.
  std::atomic<int64_t> dropped{0};
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_PUSH_COUNTERS_H_
