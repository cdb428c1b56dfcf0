// Housekeeping as a task of a timer.
#ifndef BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_
#define BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_

#include "absl/time/time.h"
#include "broker/housekeeping/housekeeping.h"
#include "common/due_task.h"

namespace rmq {

// Begins a pass each period, and does one step of it a Run(). While a pass is
// not over the task is always due: the timer rests between the steps.
class HousekeepingTask final : public DueTask {
 public:
  // Borrows `housekeeping`. The first pass begins a period after `now`.
  HousekeepingTask(Housekeeping* housekeeping, absl::Time now)
      : housekeeping_(*housekeeping),
        next_tick_(now + housekeeping->options().period) {}

  absl::Time NextDue() override {
    return pass_.is_over() ? next_tick_ : absl::InfinitePast();
  }

  void Run(absl::Time now) override {
    if (now >= next_tick_) {
      housekeeping_.BeginTick(now, &pass_);
      next_tick_ = now + housekeeping_.options().period;
    }
    if (!pass_.is_over()) housekeeping_.ContinueScan(now, &pass_);
  }

  // Ends the streams of all channels that the pass has taken out.
  void Finish(absl::Time now) override {
    housekeeping_.FinishScan(now, &pass_);
  }

 private:
  Housekeeping& housekeeping_;
  absl::Time next_tick_;
  Housekeeping::Pass pass_;
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_
