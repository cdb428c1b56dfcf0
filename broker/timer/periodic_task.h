// A task that a timer runs at regular intervals.
#ifndef BROKER_TIMER_PERIODIC_TASK_H_
#define BROKER_TIMER_PERIODIC_TASK_H_

#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "common/due_task.h"

namespace rmq {

// Calls a function a period after `now`, and then a period after each call.
class PeriodicTask final : public DueTask {
 public:
  using Function = std::function<void(absl::Time now)>;

  PeriodicTask(absl::Duration period, absl::Time now, Function function)
      : period_(period),
        function_(std::move(function)),
        next_due_(now + period) {}

  absl::Time NextDue() override { return next_due_; }
  void Run(absl::Time now) override {
    if (now < next_due_) return;
    next_due_ = now + period_;
    function_(now);
  }

 private:
  const absl::Duration period_;
  const Function function_;
  absl::Time next_due_;
};

}  // namespace rmq

#endif  // BROKER_TIMER_PERIODIC_TASK_H_
