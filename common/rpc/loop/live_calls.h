// Counts the calls that may still start an operation on a completion queue.
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

// gRPC aborts the process when an operation, such as Finish(), is started on a
// queue that is shut down. After grpc::Server::Shutdown() returns, events of
// the server's calls may still wait to be handled, and their handlers start
// further operations. A server therefore counts its calls, including those that
// wait for a client, and shuts its queues down when the count is 0.
// Thread-safe.
class LiveCalls {
 public:
  // A call begins to wait for a client. Must come before the call's first
  // operation.
  void Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++waiting_;
  }

  // The client of a waiting call has come.
  void Begin() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --waiting_;
    ++begun_;
  }

  // A waiting call ends without a client.
  void Abandon() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --waiting_;
    SignalIfNoneLocked();
  }

  // A call that had begun has handled its last event.
  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --begun_;
    SignalIfNoneLocked();
  }

  // Blocks until all calls that have begun have ended, or `clock` reaches
  // `deadline`. Returns whether they have ended.
  bool AwaitNoneBegun(Clock* clock, absl::Time deadline)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return begun_ == 0;
    };
    return clock->AwaitWithDeadline(&lock, &none_, none, deadline);
  }

  // Blocks until no call is left, waiting ones included. Shut the server down
  // first, or waiting calls never end.
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
