// The time that the edge and the client live by.
//
// A Clock never goes backwards. Its times are good for intervals and deadlines;
// to show one to a person or to put it on the wire, convert it with
// ClockToWall(). The broker's core does not use a Clock: it is told `now`.
//
// A subset of absl::Clock as later Abseil releases have it.
#ifndef COMMON_CLOCK_H_
#define COMMON_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace rmq {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time TimeNow() = 0;

  // Waits until `cond` holds or the clock reaches `deadline`. Returns whether
  // `cond` holds. Requires `*mu` held; it is released while waiting.
  virtual bool AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& cond,
                                 absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) = 0;

  // The wall-clock time at which this clock showed `time`.
  virtual absl::Time ClockToWall(absl::Time time) = 0;
};

}  // namespace rmq

#endif  // COMMON_CLOCK_H_
