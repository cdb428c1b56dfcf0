#include "common/simulated_clock.h"

#include <atomic>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(SimulatedClockTest, TimeMovesOnlyWhenAdvanced) {
  SimulatedClock clock(absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.TimeNow(), absl::FromUnixSeconds(5));
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(clock.TimeNow(), absl::FromUnixSeconds(7));
}

TEST(SimulatedClockTest, ADeadlineThatIsReachedAlreadyDoesNotWait) {
  SimulatedClock clock;
  absl::Mutex mu;
  MutexLock lock(&mu);
  CondVar cond_var;
  EXPECT_FALSE(clock.AwaitWithDeadline(
      &lock, &cond_var, [] { return false; }, clock.TimeNow()));
}

TEST(SimulatedClockTest, AConditionThatHoldsDoesNotWait) {
  SimulatedClock clock;
  absl::Mutex mu;
  MutexLock lock(&mu);
  CondVar cond_var;
  EXPECT_TRUE(clock.AwaitWithDeadline(
      &lock, &cond_var, [] { return true; }, absl::InfiniteFuture()));
}

TEST(SimulatedClockTest, AdvancingToTheDeadlineWakesTheWaiterAndNotBefore) {
  SimulatedClock clock;
  const absl::Time deadline = clock.TimeNow() + absl::Seconds(10);
  absl::Mutex mu;
  CondVar cond_var;
  std::atomic<bool> woken{false};
  std::thread waiter([&] {
    MutexLock lock(&mu);
    clock.AwaitWithDeadline(
        &lock, &cond_var, [] { return false; }, deadline);
    woken = true;
  });
  clock.WaitForWaiters(1);
  clock.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_FALSE(woken);
  clock.Advance(absl::Nanoseconds(1));
  waiter.join();
  EXPECT_TRUE(woken);
}

TEST(SimulatedClockTest, AConditionThatComesTrueEndsTheWait) {
  SimulatedClock clock;
  absl::Mutex mu;
  CondVar cond_var;
  bool done = false;
  bool result = false;
  std::thread waiter([&] {
    MutexLock lock(&mu);
    result = clock.AwaitWithDeadline(
        &lock, &cond_var, [&done] { return done; }, absl::InfiniteFuture());
  });
  clock.WaitForWaiters(1);
  {
    MutexLock lock(&mu);
    done = true;
    cond_var.SignalAll();
  }
  waiter.join();
  EXPECT_TRUE(result);
}

}  // namespace
}  // namespace rmq
