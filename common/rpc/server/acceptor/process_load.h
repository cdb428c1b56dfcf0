// How busy a process is.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_PROCESS_LOAD_H_
#define COMMON_RPC_SERVER_ACCEPTOR_PROCESS_LOAD_H_

#include "absl/time/time.h"

namespace rmq {

// Tells whether a process has much to do, by the time that it had of all cores.
// Not thread-safe.
class ProcessLoad {
 public:
  // `cpu`: the time of all cores that it has used since it began.
  ProcessLoad(absl::Time now, absl::Duration cpu) : now_(now), cpu_(cpu) {}

  void Add(absl::Time now, absl::Duration cpu) {
    // Not more than a tenth of a core: others may need the cores too.
    was_busy_ = cpu - cpu_ >= 0.1 * (now - now_) && cpu > cpu_;
    now_ = now;
    cpu_ = cpu;
  }

  // Whether it used a tenth of a core between the last two calls.
  bool was_busy() const { return was_busy_; }

 private:
  absl::Time now_;
  absl::Duration cpu_;
  bool was_busy_ = false;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_PROCESS_LOAD_H_
