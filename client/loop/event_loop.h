// Runs tasks and timers one after another. The parts of the client that have no
// lock run on such a loop.
#ifndef CLIENT_LOOP_EVENT_LOOP_H_
#define CLIENT_LOOP_EVENT_LOOP_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace rmq {

// Tasks posted by one thread run in the order of posting; no two tasks or
// timers run at once. A task must not block.
class EventLoop {
 public:
  // Identifies a timer of this loop; never 0, never used twice.
  using TimerId = uint64_t;

  virtual ~EventLoop() = default;

  // The time that timers go by. Thread-safe.
  virtual absl::Time Now() = 0;

  // Runs `task` soon, never inside this call. Thread-safe.
  virtual void Post(std::function<void()> task) = 0;

  // Runs `task` once, when Now() has reached `when`; never inside this call.
  // Timers run in the order of their times, those of equal times in the order
  // of RunAt(). Requires that the caller is a task of this loop.
  virtual TimerId RunAt(absl::Time when, std::function<void()> task) = 0;

  // Cancels the timer. Does nothing if it has run or was cancelled. Requires
  // that the caller is a task of this loop.
  virtual void Cancel(TimerId timer) = 0;
};

}  // namespace rmq

#endif  // CLIENT_LOOP_EVENT_LOOP_H_
