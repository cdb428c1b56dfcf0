// How many calls may still start an operation on a completion queue.
#ifndef BROKER_SERVICE_LIVE_CALLS_H_
#define BROKER_SERVICE_LIVE_CALLS_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/mutex_lock.h"

namespace rmq {

// A queue that is shut down while a call has an event to be handled aborts the
// process when the handler starts the call's next operation, Finish() for one.
// That a server is shut down does not mean that its calls' events have been
// handled. So a server counts its calls, waiting ones included, and shuts its
// queues down when none is left. Thread-safe.
class LiveCalls {
 public:
  // Before a call's first operation is started.
  void Add() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++count_;
  }

  // After a call's last event: it starts nothing any more.
  void Remove() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --count_;
  }

  // Blocks until there is none. Calls end once their server is shut down.
  void AwaitNone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return count_ == 0;
    };
    mu_.Await(absl::Condition(&none));
  }

 private:
  absl::Mutex mu_;
  int64_t count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_LIVE_CALLS_H_
