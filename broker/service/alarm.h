// When a waiting thread is to wake, which others may bring forward.
#ifndef BROKER_SERVICE_ALARM_H_
#define BROKER_SERVICE_ALARM_H_

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
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
    brought_forward_ = std::min(brought_forward_, time);
  }

  // Blocks until `clock` reaches `time`, or an earlier time that was brought
  // forward. False if stopped. For one thread, which then looks at all that may
  // be due.
  bool Await(Clock* clock, absl::Time time) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    const auto earlier = [this, &time]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return stopped_ || brought_forward_ < time;
    };
    while (clock->AwaitWithDeadline(&mu_, absl::Condition(&earlier), time)) {
      if (stopped_) return false;
      time = brought_forward_;
    }
    brought_forward_ = absl::InfiniteFuture();
    return true;
  }

  // Ends Await(), now and ever after.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    stopped_ = true;
  }

 private:
  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::Time brought_forward_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
};

}  // namespace rmq

#endif  // BROKER_SERVICE_ALARM_H_
