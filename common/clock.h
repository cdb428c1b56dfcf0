// The time that the edge and the client live by.
//
// A Clock never goes backwards, and nobody sets it: neither its times nor the
// waits on it follow the machine's wall clock. Its times are good for intervals
// and deadlines; to show one to a person or to put it on the wire, convert it
// with ClockToWall(). The broker's core does not use a Clock: it is told `now`.
#ifndef COMMON_CLOCK_H_
#define COMMON_CLOCK_H_

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"

namespace rmq {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time TimeNow() = 0;

  // Waits until `cond_var` is signalled or the clock reaches `deadline`. Also
  // returns for neither reason: check both afterwards. The mutex of `lock` is
  // released while waiting.
  virtual void WaitUntil(MutexLock* lock, CondVar* cond_var,
                         absl::Time deadline) = 0;

  // Waits until `condition` holds or the clock reaches `deadline`. Returns
  // whether `condition` holds. It is looked at with the mutex of `lock` held,
  // at first and whenever `cond_var` is signalled: whoever makes it true
  // signals.
  bool AwaitWithDeadline(MutexLock* lock, CondVar* cond_var,
                         absl::FunctionRef<bool()> condition,
                         absl::Time deadline) {
    while (!condition()) {
      if (TimeNow() >= deadline) return false;
      WaitUntil(lock, cond_var, deadline);
    }
    return true;
  }

  // The wall-clock time at which this clock showed `time`. For showing only.
  virtual absl::Time ClockToWall(absl::Time time) = 0;
};

}  // namespace rmq

#endif  // COMMON_CLOCK_H_
