// An event loop that a test steps by hand. Its time moves only when the test
// advances it.
#ifndef CLIENT_TESTING_MANUAL_EVENT_LOOP_H_
#define CLIENT_TESTING_MANUAL_EVENT_LOOP_H_

#include <deque>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "client/loop/event_loop.h"
#include "client/loop/timer_queue.h"

namespace rmq {

// Not thread-safe: everything happens on the test's thread, inside RunPosted()
// and Advance().
class ManualEventLoop final : public EventLoop {
 public:
  absl::Time Now() override { return now_; }

  void Post(std::function<void()> task) override {
    tasks_.push_back(std::move(task));
  }

  TimerId RunAt(absl::Time when, std::function<void()> task) override {
    return timers_.Add(when, std::move(task));
  }

  void Cancel(TimerId timer) override { timers_.Remove(timer); }

  // Runs one posted task; false if there is none.
  bool RunOne() {
    if (tasks_.empty()) return false;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }

  // Runs what is posted, and what that posts.
  void RunPosted() {
    while (RunOne()) {
    }
  }

  // Moves time forward, stopping at each timer on the way to run it.
  void Advance(absl::Duration duration) {
    const absl::Time end = now_ + duration;
    while (timers_.NextTime() <= end) {
      if (timers_.NextTime() > now_) now_ = timers_.NextTime();
      timers_.PopNext()();
      RunPosted();
    }
    now_ = end;
  }

  // When the next timer falls due; InfiniteFuture if there is none.
  absl::Time NextTimer() const { return timers_.NextTime(); }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  TimerQueue timers_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace rmq

#endif  // CLIENT_TESTING_MANUAL_EVENT_LOOP_H_
