// How many calls may still start an operation on a completion queue.
#ifndef COMMON_RPC_LOOP_LIVE_CALLS_H_
#define COMMON_RPC_LOOP_LIVE_CALLS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"

namespace rmq {

// A queue that is shut down while a call has an event to be handled aborts the
// process when the handler starts the call's next operation, Finish() for one.
// That a server is shut down does not mean that its calls' events have been
// handled. So a server counts its calls, waiting ones included, and shuts its
// queues down when none is left. Thread-safe.
class LiveCalls {
 public:
  // One begins to wait for a client: before its first operation is started.
  void Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++waiting_;
  }

  // The client of a waiting one has come.
  void Begin() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --waiting_;
    ++begun_;
  }

  // To a waiting one nobody comes any more.
  void Abandon() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --waiting_;
    SignalIfNoneLocked();
  }

  // After the last event of one that begun: it starts nothing any more.
  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --begun_;
    SignalIfNoneLocked();
  }

  // Blocks until none that begun is left, or `clock` reaches `deadline`.
  // Whether none is.
  bool AwaitNoneBegun(Clock* clock, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return begun_ == 0;
    };
    return clock->AwaitWithDeadline(&lock, &none_, none, deadline);
  }

  // Blocks until there is none at all. Calls end once their server is shut
  // down.
  void AwaitNone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (waiting_ + begun_ > 0) none_.Wait(&lock);
  }

 private:
  void SignalIfNoneLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (begun_ == 0) none_.SignalAll();
  }

  absl::Mutex mu_;
  CondVar none_;
  int64_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t begun_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_LOOP_LIVE_CALLS_H_
