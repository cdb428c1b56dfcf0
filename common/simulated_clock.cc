#include "common/simulated_clock.h"

#include <algorithm>

#include "absl/base/internal/raw_logging.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Time SimulatedClock::TimeNow() {
  MutexLock lock(&mu_);
  return now_;
}

void SimulatedClock::WaitUntil(MutexLock* lock, CondVar* cond_var,
                               absl::Time deadline) {
  Waiter waiter{lock->mu_, cond_var, deadline};
  {
    MutexLock clock_lock(&mu_);
    if (deadline <= now_) return;
    waiters_.push_back(&waiter);
    waiter_added_.SignalAll();
  }
  cond_var->Wait(lock);
  // Advance() may be about to lock the mutex for this waiter: let it, and only
  // then let the waiter go.
  lock->Unlock();
  {
    MutexLock clock_lock(&mu_);
    waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &waiter));
    while (waiter.pins > 0) unpinned_.Wait(&clock_lock);
  }
  lock->Lock();
}

void SimulatedClock::Advance(absl::Duration duration) {
  ABSL_RAW_CHECK(duration >= absl::ZeroDuration(), "time goes forward only");
  std::vector<Waiter*> due;
  {
    MutexLock lock(&mu_);
    now_ += duration;
    for (Waiter* waiter : waiters_) {
      if (waiter->deadline > now_) continue;
      ++waiter->pins;
      due.push_back(waiter);
    }
  }
  std::sort(due.begin(), due.end(), [](const Waiter* a, const Waiter* b) {
    return a->deadline < b->deadline;
  });
  for (Waiter* waiter : due) {
    {
      // The waiter registers with this mutex held, and the wait releases it:
      // once it is free, the waiter hears the signal.
      MutexLock lock(waiter->mu);
      waiter->cond_var->SignalAll();
    }
    MutexLock lock(&mu_);
    --waiter->pins;
    unpinned_.SignalAll();
  }
}

void SimulatedClock::WaitForWaiters(int n) {
  MutexLock lock(&mu_);
  while (static_cast<int>(waiters_.size()) < n) waiter_added_.Wait(&lock);
}

void SimulatedClock::WaitForParkedWaiters(int n) {
  MutexLock lock(&mu_);
  const auto parked = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::count_if(waiters_.begin(), waiters_.end(),
                         [this](const Waiter* waiter)
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                               return waiter->deadline > now_;
                             });
  };
  while (parked() < n) waiter_added_.Wait(&lock);
}

}  // namespace rmq
