// How busy a thread is.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
#define COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_

#include <cstdint>

#include "absl/time/time.h"

namespace rmq {

// Tells how much a thread that handles connections has to do, and whether it is
// stuck in one piece of work, by the time that it had of a core: on a busy
// machine that says more than the time that has passed. Not thread-safe.
class ThreadLoad {
 public:
  // What is seen of the thread at one time.
  struct Sample {
    absl::Time now;
    // The time of a core that it has used since it began.
    absl::Duration cpu;
    // Rises whenever it comes back from a connection.
    uint64_t returns = 0;
  };

  explicit ThreadLoad(const Sample& first)
      : last_(first), cpu_at_return_(first.cpu) {}

  // The rest is as of the last sample.
  void Add(const Sample& sample) {
    // Not more than a tenth: others may need the cores too.
    was_busy_ = sample.cpu - last_.cpu >= 0.1 * (sample.now - last_.now) &&
                sample.cpu > last_.cpu;
    if (sample.returns != last_.returns) cpu_at_return_ = sample.cpu;
    last_ = sample;
  }

  // Whether it used a tenth of a core since the sample before.
  bool was_busy() const { return was_busy_; }
  // How much of a core's time it has used since it came back the last time, or
  // less by up to what it used between two samples.
  absl::Duration stuck() const { return last_.cpu - cpu_at_return_; }

 private:
  Sample last_;
  absl::Duration cpu_at_return_;
  bool was_busy_ = false;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_THREAD_LOAD_H_
