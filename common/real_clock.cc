#include "common/real_clock.h"

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace rmq {
namespace {

class SteadyClock final : public Clock {
 public:
  absl::Time TimeNow() override {
    return wall_at_start_ + absl::FromChrono(std::chrono::steady_clock::now() -
                                             steady_at_start_);
  }

  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    cond_var->WaitFor(lock, deadline - TimeNow());
  }

  absl::Time ClockToWall(absl::Time time) override {
    // How far the machine's clock was moved since, to the millisecond: two
    // times keep their order and their distance.
    const absl::Duration moved = absl::Now() - TimeNow();
    return time +
           absl::Floor(moved + absl::Microseconds(500), absl::Milliseconds(1));
  }

 private:
  const std::chrono::steady_clock::time_point steady_at_start_ =
      std::chrono::steady_clock::now();
  const absl::Time wall_at_start_ = absl::Now();
};

}  // namespace

Clock& RealClock() {
  static Clock* const clock = new SteadyClock;
  return *clock;
}

}  // namespace rmq
