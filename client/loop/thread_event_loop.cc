#include "client/loop/thread_event_loop.h"

#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

ThreadEventLoop::ThreadEventLoop(Clock* clock)
    : clock_(*clock), thread_([this] { Run(); }) {}

ThreadEventLoop::~ThreadEventLoop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    has_work_.Signal();
  }
  thread_.join();
}

void ThreadEventLoop::Post(std::function<void()> task) {
  MutexLock lock(&mu_);
  tasks_.push_back(std::move(task));
  if (tasks_.size() == 1) has_work_.Signal();
}

EventLoop::TimerId ThreadEventLoop::RunAt(absl::Time when,
                                          std::function<void()> task) {
  return timers_.Add(when, std::move(task));
}

void ThreadEventLoop::Cancel(TimerId timer) { timers_.Remove(timer); }

void ThreadEventLoop::Run() {
  std::deque<std::function<void()>> batch;
  while (true) {
    {
      MutexLock lock(&mu_);
      clock_.AwaitWithDeadline(
          &lock, &has_work_,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
            return stopping_ || !tasks_.empty();
          },
          timers_.NextTime());
      if (stopping_ && tasks_.empty()) return;
      batch.swap(tasks_);
    }
    for (std::function<void()>& task : batch) task();
    batch.clear();
    // Runs the timers that are due by now. Timers that they set wait until the
    // posted tasks have run.
    const absl::Time now = clock_.TimeNow();
    while (timers_.NextTime() <= now) timers_.PopNext()();
  }
}

}  // namespace rmq
