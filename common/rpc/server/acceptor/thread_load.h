// How busy a thread is.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
#define COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <ctime>

#include "absl/time/time.h"

namespace rmq {

// A thread that handles connections, and a count that rises whenever it comes
// back from one. Both outlive those who watch it.
struct WatchedThread {
  pthread_t thread;
  const std::atomic<uint64_t>* returns;
};

// Tells how much a thread has to do, and whether it is stuck in one piece of
// work, by the time that it had of a core: on a busy machine that says more
// than the time that has passed. Not thread-safe.
class ThreadLoad {
 public:
  explicit ThreadLoad(const WatchedThread& watched)
      : returns_(*watched.returns) {
    if (pthread_getcpuclockid(watched.thread, &clock_) != 0) {
      clock_ = CLOCK_PROCESS_CPUTIME_ID;
    }
    returned_at_ = looked_at_ = Read(clock_);
    wall_ = Read(CLOCK_MONOTONIC);
  }

  // Looks at the thread. The rest is as of the last look.
  void Look() {
    const absl::Duration cpu = Read(clock_);
    const absl::Duration wall = Read(CLOCK_MONOTONIC);
    // Not more than a tenth: others may need the cores too.
    was_busy_ = cpu - looked_at_ >= 0.1 * (wall - wall_);
    const uint64_t returns = returns_.load(std::memory_order_relaxed);
    if (returns != last_returns_) returned_at_ = cpu;
    last_returns_ = returns;
    looked_at_ = cpu;
    wall_ = wall;
  }

  // Whether it used a tenth of a core since the look before.
  bool was_busy() const { return was_busy_; }
  // How much of a core's time it has used since it came back the last time, or
  // less by up to the pause between two looks.
  absl::Duration stuck() const { return looked_at_ - returned_at_; }

 private:
  static absl::Duration Read(clockid_t clock) {
    timespec time = {};
    clock_gettime(clock, &time);
    return absl::DurationFromTimespec(time);
  }

  const std::atomic<uint64_t>& returns_;
  clockid_t clock_;
  bool was_busy_ = false;
  uint64_t last_returns_ = 0;
  absl::Duration looked_at_;
  absl::Duration returned_at_;
  absl::Duration wall_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
