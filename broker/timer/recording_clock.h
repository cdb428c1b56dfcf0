// A simulated clock that records until when it is waited for.
#ifndef BROKER_TIMER_RECORDING_CLOCK_H_
#define BROKER_TIMER_RECORDING_CLOCK_H_

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/simulated_clock.h"

namespace rmq {

// Thread-safe.
class RecordingClock final : public Clock {
 public:
  absl::Time TimeNow() override { return simulated_.TimeNow(); }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    {
      MutexLock waits_lock(&mu_);
      waits_.push_back(deadline);
    }
    simulated_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  SimulatedClock& simulated() { return simulated_; }

  // Blocks until there was a wait until `time`.
  void AwaitWaitUntil(absl::Time time) {
    MutexLock lock(&mu_);
    const auto found = [this, time]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return std::find(waits_.begin(), waits_.end(), time) != waits_.end();
    };
    mu_.Await(absl::Condition(&found));
  }
  // Blocks until there were `n` waits, and returns all.
  std::vector<absl::Time> AwaitWaits(size_t n) {
    MutexLock lock(&mu_);
    const auto enough = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return waits_.size() >= n;
    };
    mu_.Await(absl::Condition(&enough));
    return waits_;
  }

 private:
  SimulatedClock simulated_;
  absl::Mutex mu_;
  std::vector<absl::Time> waits_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_TIMER_RECORDING_CLOCK_H_
