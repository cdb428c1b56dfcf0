// An event loop on a thread of its own.
#ifndef CLIENT_LOOP_THREAD_EVENT_LOOP_H_
#define CLIENT_LOOP_THREAD_EVENT_LOOP_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/loop/event_loop.h"
#include "client/loop/timer_queue.h"
#include "common/clock.h"
#include "common/cond_var.h"

namespace rmq {

// Tasks and timers take turns on the thread, so neither can starve the other.
//
// Ownership: `clock` is borrowed and must outlive the loop.
class ThreadEventLoop final : public EventLoop {
 public:
  explicit ThreadEventLoop(Clock* clock);

  // Runs the posted tasks, does not wait for timers, and joins the thread. Must
  // not be called on the loop's own thread.
  ~ThreadEventLoop() override;

  absl::Time Now() override { return clock_.TimeNow(); }
  void Post(std::function<void()> task) override ABSL_LOCKS_EXCLUDED(mu_);
  TimerId RunAt(absl::Time when, std::function<void()> task) override;
  void Cancel(TimerId timer) override;

  // Whether the caller is a task of this loop. Thread-safe.
  bool IsCurrent() const {
    return std::this_thread::get_id() == thread_.get_id();
  }

 private:
  void Run();

  Clock& clock_;
  TimerQueue timers_;  // Used by `thread_` only.

  absl::Mutex mu_;
  CondVar has_work_;  // There are tasks, or the loop is to end.
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // Last: it uses the members above.
};

}  // namespace rmq

#endif  // CLIENT_LOOP_THREAD_EVENT_LOOP_H_
