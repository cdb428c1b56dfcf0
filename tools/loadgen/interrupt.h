// Ends a run early.
#ifndef TOOLS_LOADGEN_INTERRUPT_H_
#define TOOLS_LOADGEN_INTERRUPT_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"

namespace rmq::loadgen {

// Thread-safe. As an absl::Notification, but setting the machine's time moves
// no wait.
class Interrupt {
 public:
  void Set() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    is_set_ = true;
    set_.SignalAll();
  }

  bool is_set() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return is_set_;
  }

  // Waits for Set(), for `timeout` at most.
  void WaitFor(absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    RealClock().AwaitWithDeadline(
        &lock, &set_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return is_set_; },
        RealClock().TimeNow() + timeout);
  }

 private:
  mutable absl::Mutex mu_;
  mutable CondVar set_;
  bool is_set_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_INTERRUPT_H_
