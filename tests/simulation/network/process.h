// A process of the simulation: an event loop that can be stopped, continued and
// killed.
#ifndef TESTS_SIMULATION_NETWORK_PROCESS_H_
#define TESTS_SIMULATION_NETWORK_PROCESS_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "client/loop/event_loop.h"
#include "tests/simulation/network/scheduler.h"

namespace rmq::network {

// While it is stopped (SIGSTOP) its tasks and timers wait, and its clock goes
// on. Once it is killed nothing of it ever runs again. Ownership: by
// shared_ptr; the scheduler is borrowed.
class Process final : public EventLoop,
                      public std::enable_shared_from_this<Process> {
 public:
  explicit Process(Scheduler* scheduler) : scheduler_(*scheduler) {}

  absl::Time Now() override { return scheduler_.Now(); }
  void Post(std::function<void()> task) override {
    RunAt(scheduler_.Now(), std::move(task));
  }
  // As Post(), for the world outside: runs the task at once unless the process
  // is stopped.
  void Deliver(const std::function<void()>& task) {
    if (killed_) return;
    if (stopped_) {
      Post(task);
    } else {
      task();
    }
  }
  TimerId RunAt(absl::Time when, std::function<void()> task) override {
    const TimerId id = ++last_id_;
    if (killed_) return id;
    tasks_.emplace(id, std::move(task));
    Wake(when, id);
    return id;
  }
  void Cancel(TimerId timer) override { tasks_.erase(timer); }

  void Stop() { stopped_ = true; }
  void Continue() {
    stopped_ = false;
    for (const TimerId id : std::exchange(waiting_, {})) {
      Wake(scheduler_.Now(), id);
    }
  }
  void Kill() {
    killed_ = true;
    tasks_.clear();
  }
  bool is_stopped() const { return stopped_; }

 private:
  void Wake(absl::Time when, TimerId id) {
    scheduler_.At(when, [self = shared_from_this(), id] { self->Run(id); });
  }
  void Run(TimerId id) {
    if (stopped_) {
      waiting_.push_back(id);
      return;
    }
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return;
    const std::function<void()> task = std::move(found->second);
    tasks_.erase(found);
    task();
  }

  Scheduler& scheduler_;
  TimerId last_id_ = 0;
  std::map<TimerId, std::function<void()>> tasks_;
  std::vector<TimerId> waiting_;  // Due while it is stopped.
  bool stopped_ = false;
  bool killed_ = false;
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_PROCESS_H_
