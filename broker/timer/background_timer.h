// The broker's timer: one thread for all that is due by time.
#ifndef BROKER_TIMER_BACKGROUND_TIMER_H_
#define BROKER_TIMER_BACKGROUND_TIMER_H_

#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/part.h"
#include "broker/timer/alarm.h"
#include "common/clock.h"
#include "common/due_task.h"

namespace rmq {

// Sleeps until the earliest time at which a task is due, runs the tasks in the
// order of Add(), and then rests for as long as they took. So the thread never
// wakes without work, and tasks that always have more to do leave half of a
// processor to others.
//
// Thread-safety: BringForward() is thread-safe, at any time in the timer's
// life. The other methods are called by one thread.
class BackgroundTimer final : public Part {
 public:
  // The shortest rest, so that no task makes the timer spin.
  static constexpr absl::Duration kShortestRest = absl::Milliseconds(1);
  // The longest rest: if the tasks seem to have taken longer, the process was
  // stopped meanwhile.
  static constexpr absl::Duration kLongestRest = absl::Milliseconds(100);

  // Borrows `clock`.
  explicit BackgroundTimer(Clock* clock) : clock_(*clock) {}
  // Stops at once if that has not been done.
  ~BackgroundTimer() override { Stop(absl::ZeroDuration()); }
  BackgroundTimer(const BackgroundTimer&) = delete;
  BackgroundTimer& operator=(const BackgroundTimer&) = delete;

  // Borrows `task`, which must live until Stop(). Before Start() only.
  void Add(DueTask* task) { tasks_.push_back(task); }

  // A task is due at `time` already.
  void BringForward(absl::Time time) { alarm_.BringForward(time); }
  // Calls BringForward(); must not outlive the timer.
  DueListener Listener() {
    return [this](absl::Time time) { BringForward(time); };
  }

  absl::Status Start() override;

  // Runs no task any more, but for DueTask::Finish(). Blocks until the thread
  // has ended, which finishes its tasks whatever `timeout` is.
  void Stop(absl::Duration timeout) override;

 private:
  void Loop();
  absl::Time NextDue() const;

  Clock& clock_;
  Alarm alarm_;
  std::vector<DueTask*> tasks_;  // Constant once started.
  std::thread thread_;
};

}  // namespace rmq

#endif  // BROKER_TIMER_BACKGROUND_TIMER_H_
