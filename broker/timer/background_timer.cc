#include "broker/timer/background_timer.h"

#include <algorithm>

namespace rmq {

absl::Status BackgroundTimer::Start() {
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

void BackgroundTimer::Stop(absl::Duration /*timeout*/) {
  alarm_.Stop();
  if (thread_.joinable()) thread_.join();
}

void BackgroundTimer::Loop() {
  absl::Time woke = clock_.TimeNow();
  while (true) {
    const absl::Time now = clock_.TimeNow();
    const absl::Time rest_ends =
        now + std::clamp(now - woke, kShortestRest, kLongestRest);
    if (!alarm_.Await(&clock_, rest_ends, NextDue())) break;
    woke = clock_.TimeNow();
    for (DueTask* const task : tasks_) task->Run(woke);
  }
  for (DueTask* const task : tasks_) task->Finish(clock_.TimeNow());
}

absl::Time BackgroundTimer::NextDue() const {
  absl::Time next = absl::InfiniteFuture();
  for (DueTask* const task : tasks_) next = std::min(next, task->NextDue());
  return next;
}

}  // namespace rmq
