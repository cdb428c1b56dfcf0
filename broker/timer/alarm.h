// Lets one thread sleep until a time that other threads may bring forward.
#ifndef BROKER_TIMER_ALARM_H_
#define BROKER_TIMER_ALARM_H_

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"

namespace rmq {

// One thread, the waiter, waits until the earliest time at which it has work.
// When other threads make work that is due earlier, they bring that time
// forward. So the waiter never wakes only to look for work. Thread-safe.
class Alarm {
 public:
  // Makes Await() return at `time`, if it would return later; also the next
  // call, if the thread does not wait now. Call this after the waiter can find
  // the work.
  void BringForward(absl::Time time) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (time >= brought_forward_) return;
    brought_forward_ = time;
    if (time < waits_until_) changed_.Signal();
  }

  // Blocks until `clock` reaches `time`, or an earlier time that was brought
  // forward, but never before `not_before`: so a thread rests even if its own
  // work has brought the time forward. Returns false if stopped. After true the
  // thread looks for all work that is due. Called by one thread.
  bool Await(Clock* clock, absl::Time not_before, absl::Time time)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (!stopped_) {
      waits_until_ = std::max(not_before, std::min(time, brought_forward_));
      if (clock->TimeNow() >= waits_until_) {
        brought_forward_ = absl::InfiniteFuture();
        waits_until_ = absl::InfinitePast();
        return true;
      }
      clock->WaitUntil(&lock, &changed_, waits_until_);
    }
    return false;
  }

  // Makes Await() return false, now and from now on.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    stopped_ = true;
    changed_.Signal();
  }

 private:
  absl::Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time brought_forward_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // When the waiter wakes; InfinitePast while it does not wait.
  absl::Time waits_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_TIMER_ALARM_H_
