#include "common/simulated_clock.h"

#include <algorithm>

#include "absl/base/internal/raw_logging.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Time SimulatedClock::TimeNow() {
  MutexLock lock(&mu_);
  return now_;
}

bool SimulatedClock::AwaitWithDeadline(absl::Mutex* mu,
                                       const absl::Condition& cond,
                                       absl::Time deadline) {
  Waiter waiter{mu, &cond, deadline};
  {
    MutexLock lock(&mu_);
    if (deadline <= now_) return cond.Eval();
    waiters_.push_back(&waiter);
  }
  mu->Await(absl::Condition(&waiter, &Waiter::DueOrHolds));
  // Advance() may be about to lock `*mu` for this waiter: let it, and only then
  // let the waiter go.
  const auto unpinned = +[](Waiter* w) { return w->pins == 0; };
  mu->Unlock();
  {
    MutexLock lock(&mu_);
    waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &waiter));
    mu_.Await(absl::Condition(unpinned, &waiter));
  }
  mu->Lock();
  return cond.Eval();
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
      MutexLock lock(waiter->mu);
      waiter->due = true;
    }
    MutexLock lock(&mu_);
    --waiter->pins;
  }
}

void SimulatedClock::WaitForWaiters(int n) {
  MutexLock lock(&mu_);
  auto enough = [this, n]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return static_cast<int>(waiters_.size()) >= n;
  };
  mu_.Await(absl::Condition(&enough));
}

}  // namespace rmq
