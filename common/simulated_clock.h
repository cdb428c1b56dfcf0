// A clock that moves only when a test says so.
#ifndef COMMON_SIMULATED_CLOCK_H_
#define COMMON_SIMULATED_CLOCK_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"

namespace rmq {

// Thread-safe. Waiters whose deadline has come are woken by Advance(); use
// WaitForWaiters() to know that a loop under test is parked before moving time.
class SimulatedClock final : public Clock {
 public:
  // An arbitrary fixed start, so that a printed time is the same in each run.
  explicit SimulatedClock(absl::Time start = absl::FromUnixSeconds(1'000'000))
      : now_(start) {}

  absl::Time TimeNow() override ABSL_LOCKS_EXCLUDED(mu_);
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override ABSL_LOCKS_EXCLUDED(mu_);
  // Simulated time is wall time.
  absl::Time ClockToWall(absl::Time time) override { return time; }

  // Moves time forward and wakes every waiter whose deadline is reached.
  // `duration` must not be negative. The caller must hold no mutex that a
  // waiter waits with.
  void Advance(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);

  // Blocks until at least `n` calls of WaitUntil() are waiting.
  void WaitForWaiters(int n) ABSL_LOCKS_EXCLUDED(mu_);

  // The same for calls whose deadlines have not come: those that Advance() woke
  // do not count.
  void WaitForParkedWaiters(int n) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Waiter {
    absl::Mutex* const mu;
    CondVar* const cond_var;
    const absl::Time deadline;
    int pins = 0;  // Advance() calls that hold a pointer; guarded by mu_.
  };

  absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  std::vector<Waiter*> waiters_ ABSL_GUARDED_BY(mu_);
  CondVar waiter_added_;
  CondVar unpinned_;
};

}  // namespace rmq

#endif  // COMMON_SIMULATED_CLOCK_H_
