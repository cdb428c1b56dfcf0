// Housekeeping as a task of a timer.
#ifndef BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_
#define BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_

#include "absl/time/time.h"
#include "broker/housekeeping/housekeeping.h"
#include "common/due_task.h"

namespace rmq {

// Begins a pass whenever a tick is due, and does one step of it a Run(). While
// a pass is not over the task is always due: the timer rests between the steps.
class HousekeepingTask final : public DueTask {
 public:
  // Borrows `housekeeping`.
  explicit HousekeepingTask(Housekeeping* housekeeping)
      : housekeeping_(*housekeeping) {}

  absl::Time NextDue() override {
    return pass_.is_over() ? housekeeping_.NextTick() : absl::InfinitePast();
  }

  void Run(absl::Time now) override {
    if (now >= housekeeping_.NextTick()) {
      housekeeping_.BeginTick(now, &pass_);
    }
    if (!pass_.is_over()) housekeeping_.ContinueScan(now, &pass_);
  }

  // Ends the streams of all channels that the pass has taken out.
  void Finish(absl::Time now) override {
    housekeeping_.FinishScan(now, &pass_);
  }

 private:
  Housekeeping& housekeeping_;
  Housekeeping::Pass pass_;
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_HOUSEKEEPING_TASK_H_
