// When a waiting thread is to wake, which others may bring forward.
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

// One thread waits for what it knows to be due, does it, and waits again; what
// others cause to be due earlier wakes it in time, so that it never wakes to
// look. Thread-safe.
class Alarm {
 public:
  // Wakes the waiter at `time`, or the next one if nobody waits now. To be
  // called after what is due is there to be found.
  void BringForward(absl::Time time) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (time >= brought_forward_) return;
    brought_forward_ = time;
    if (time < waits_until_) changed_.Signal();
  }

  // Blocks until `clock` reaches `time`, or an earlier time that was brought
  // forward; but never before `not_before`, whoever brought what forward. So a
  // waiter that is to rest does rest, even if its own work made more work.
  // False if stopped. For one thread, which then looks at all that may be due.
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

  // Ends Await(), now and ever after.
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
  // InfinitePast while nobody waits.
  absl::Time waits_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_TIMER_ALARM_H_
