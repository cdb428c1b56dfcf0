// A condition variable whose timed waits go by the machine's steady clock.
//
// Abseil's timed waits do not: those of release 20220623 end at a time of the
// wall clock, also if they are given a duration. When the machine's time is set
// back by an hour, a wait that is under way lasts an hour longer. So every wait
// that has a deadline uses a CondVar, through Clock::AwaitWithDeadline();
// tools/lint refuses the others.
#ifndef COMMON_COND_VAR_H_
#define COMMON_COND_VAR_H_

#include <algorithm>
#include <condition_variable>

#include "absl/time/time.h"
#include "common/mutex_lock.h"

// Without it, libstdc++ turns steady deadlines into deadlines of the wall
// clock.
#if defined(__GLIBCXX__) && !defined(_GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT)
#error "the C library has no pthread_cond_clockwait(): glibc 2.30 or later does"
#endif

namespace rmq {

// Thread-safe. Whoever changes what a waiter waits for signals afterwards. The
// signal is given while the mutex is held if the waiter may destroy the CondVar
// as soon as it has seen the change.
class CondVar {
 public:
  // Wakes one waiter. Does nothing if nobody waits.
  void Signal() { cond_var_.notify_one(); }
  // Wakes all waiters.
  void SignalAll() { cond_var_.notify_all(); }

  // Waits for a signal. Also returns without one: check again afterwards. The
  // mutex of `lock` is released while waiting.
  void Wait(MutexLock* lock) {
    Released released{*lock};
    cond_var_.wait(released);
  }

  // As Wait(), but for `timeout` at most. Returns at once if `timeout` is not
  // positive.
  void WaitFor(MutexLock* lock, absl::Duration timeout) {
    if (timeout <= absl::ZeroDuration()) return;
    Released released{*lock};
    // The library adds the timeout to the time, and the sum must not overflow.
    cond_var_.wait_for(released,
                       absl::ToChronoNanoseconds(std::min(timeout, kLongest)));
  }

 private:
  static constexpr absl::Duration kLongest = absl::Hours(24);

  // What the standard library locks and unlocks around a wait.
  struct Released {
    MutexLock& guard;
    void lock() { guard.Lock(); }
    void unlock() { guard.Unlock(); }
  };

  std::condition_variable_any cond_var_;
};

}  // namespace rmq

#endif  // COMMON_COND_VAR_H_
