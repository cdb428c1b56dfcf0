// One simulated time, and what happens when.
#ifndef TESTS_SIMULATION_NETWORK_SCHEDULER_H_
#define TESTS_SIMULATION_NETWORK_SCHEDULER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace rmq::network {

// Tasks run in the order of their times, those of one time in the order in
// which they were added. Not thread-safe: everything is on one thread.
class Scheduler {
 public:
  absl::Time Now() const { return absl::FromUnixNanos(now_); }

  void At(absl::Time when, std::function<void()> task) {
    tasks_.push_back(
        {std::max(ToNanos(when), now_), ++last_task_, std::move(task)});
    std::push_heap(tasks_.begin(), tasks_.end());
  }
  void After(absl::Duration delay, std::function<void()> task) {
    At(Now() + delay, std::move(task));
  }

  // Runs all tasks until `end`, which then is the time.
  void RunUntil(absl::Time end) {
    while (!tasks_.empty() && tasks_.front().at <= ToNanos(end)) {
      std::pop_heap(tasks_.begin(), tasks_.end());
      const Task next = std::move(tasks_.back());
      tasks_.pop_back();
      now_ = next.at;
      next.run();
    }
    now_ = ToNanos(end);
  }

 private:
  struct Task {
    int64_t at;
    uint64_t number;
    std::function<void()> run;
    // The greatest is the next one.
    bool operator<(const Task& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };
  static int64_t ToNanos(absl::Time time) { return absl::ToUnixNanos(time); }

  int64_t now_ = int64_t{1'000'000} * 1'000'000'000;
  uint64_t last_task_ = 0;
  std::vector<Task> tasks_;  // A heap.
};

}  // namespace rmq::network

#endif  // TESTS_SIMULATION_NETWORK_SCHEDULER_H_
