// Work that is due by time.
#ifndef COMMON_DUE_TASK_H_
#define COMMON_DUE_TASK_H_

#include <functional>

#include "absl/time/time.h"

namespace rmq {

// A task of a timer. A timer is a thread that sleeps until one of its tasks is
// due. A task does not wait. A task itself reads no clock; what it calls may.
class DueTask {
 public:
  virtual ~DueTask() = default;

  // Returns when Run() next has something to do: a time in the past if it has
  // now, InfiniteFuture if it has not until another thread changes that. Called
  // by the timer's thread; cheap.
  virtual absl::Time NextDue() = 0;

  // Does what is due at `now`, or a bounded piece of it: the timer rests for as
  // long as its tasks took, and runs them again. Called by the timer's thread
  // whenever it wakes, for this task or for another one: does nothing if
  // nothing is due.
  virtual void Run(absl::Time now) = 0;

  // The timer stops. Does the rest of what Run() has begun, if it must not be
  // left undone. The last call; by the timer's thread.
  virtual void Finish(absl::Time /*now*/) {}
};

// A task calls its listener with the time when NextDue() becomes earlier by the
// act of another thread: the timer then wakes by that time. May be called with
// locks held, so a listener only wakes the timer and calls no task.
using DueListener = std::function<void(absl::Time)>;

}  // namespace rmq

#endif  // COMMON_DUE_TASK_H_
