#include "common/real_clock.h"

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kMoment = absl::Milliseconds(20);

class RealClockTest : public ::testing::Test {
 protected:
  bool AwaitDone(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return clock_.AwaitWithDeadline(
        &lock, &changed_,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_; },
        deadline);
  }
  void SetDone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    done_ = true;
    changed_.SignalAll();
  }

  Clock& clock_ = RealClock();

 private:
  absl::Mutex mu_;
  CondVar changed_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

TEST_F(RealClockTest, AWaitEndsAtItsDeadlineAndNotBefore) {
  const absl::Time deadline = clock_.TimeNow() + kMoment;
  EXPECT_FALSE(AwaitDone(deadline));
  EXPECT_GE(clock_.TimeNow(), deadline);
}

TEST_F(RealClockTest, ADeadlineThatIsOverDoesNotWait) {
  EXPECT_FALSE(AwaitDone(absl::InfinitePast()));
}

TEST_F(RealClockTest, AConditionThatHoldsDoesNotWait) {
  SetDone();
  EXPECT_TRUE(AwaitDone(absl::InfiniteFuture()));
}

TEST_F(RealClockTest, ASignalEndsAWaitThatHasNoEnd) {
  std::thread waiter(
      [this] { EXPECT_TRUE(AwaitDone(absl::InfiniteFuture())); });
  SetDone();
  waiter.join();
}

TEST_F(RealClockTest, ASignalThatComesBesideTheDeadlineIsNotLost) {
  std::thread waiter([this] {
    while (!AwaitDone(clock_.TimeNow() + absl::Microseconds(50))) {
    }
  });
  SetDone();
  waiter.join();
}

}  // namespace
}  // namespace rmq
