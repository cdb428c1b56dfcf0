// Whether a thread is stuck.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
#define COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_

#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// Tells whether a thread that handles connections is stuck in one of them, by
// the time that it had of a core: on a busy machine that says more than the
// time that has passed. Not thread-safe.
class ThreadLoad {
 public:
  // What is seen of the thread at one time.
  struct Sample {
    // The time of a core that it has used since it began.
    absl::Duration cpu;
    // Rises whenever it comes back from a connection.
    uint64_t returns = 0;
  };

  explicit ThreadLoad(const Sample& first)
      : last_(first), cpu_at_return_(first.cpu) {}

  void Add(const Sample& sample) {
    if (sample.returns != last_.returns) cpu_at_return_ = sample.cpu;
    last_ = sample;
  }

  // How much of a core's time it has used, as of the last sample, since it came
  // back the last time, or less by up to what it used between two samples.
  absl::Duration stuck() const { return last_.cpu - cpu_at_return_; }

 private:
  Sample last_;
  absl::Duration cpu_at_return_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
