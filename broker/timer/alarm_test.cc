#include "broker/timer/alarm.h"

#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/simulated_clock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kMoment = absl::Nanoseconds(1);

class AlarmTest : public ::testing::Test {
 protected:
  // When a thread that waits for `time` is woken; InfinitePast if it is told to
  // stop. To be asked for with Woken().
  void Wait(absl::Time time, absl::Time not_before = absl::InfinitePast()) {
    waiter_ = std::thread([this, time, not_before] {
      woken_ = alarm_.Await(&clock_, not_before, time) ? clock_.TimeNow()
                                                       : absl::InfinitePast();
      done_.Notify();
    });
    clock_.WaitForWaiters(1);
  }
  absl::Time Woken() {
    waiter_.join();
    return woken_;
  }

  SimulatedClock clock_;
  const absl::Time start_ = clock_.TimeNow();
  Alarm alarm_;
  absl::Notification done_;

 private:
  std::thread waiter_;
  absl::Time woken_;
};

TEST_F(AlarmTest, WakesAtTheTimeAndNotBefore) {
  Wait(start_ + absl::Seconds(10));
  clock_.Advance(absl::Seconds(10) - kMoment);
  EXPECT_FALSE(done_.HasBeenNotified());
  clock_.Advance(kMoment);
  EXPECT_EQ(Woken(), start_ + absl::Seconds(10));
}

TEST_F(AlarmTest, ATimeBroughtForwardWakesTheWaiterThen) {
  Wait(start_ + absl::Seconds(10));
  alarm_.BringForward(start_ + absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(2));
}

TEST_F(AlarmTest, TheEarliestOfSeveralCounts) {
  Wait(start_ + absl::Seconds(10));
  alarm_.BringForward(start_ + absl::Seconds(3));
  alarm_.BringForward(start_ + absl::Seconds(2));
  alarm_.BringForward(start_ + absl::Seconds(4));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(2));
}

TEST_F(AlarmTest, ALaterTimeThanTheWaitersChangesNothing) {
  Wait(start_ + absl::Seconds(10));
  alarm_.BringForward(start_ + absl::Seconds(11));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(10));
}

TEST_F(AlarmTest, ATimeBroughtForwardWhileNobodyWaitsIsKept) {
  alarm_.BringForward(start_ + absl::Seconds(2));
  Wait(start_ + absl::Seconds(10));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(2));
}

TEST_F(AlarmTest, ATimeBroughtForwardWakesOnce) {
  alarm_.BringForward(start_);
  EXPECT_TRUE(alarm_.Await(&clock_, start_, start_ + absl::Seconds(10)));
  Wait(start_ + absl::Seconds(10));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(10));
}

TEST_F(AlarmTest, ATimeBroughtForwardDoesNotEndTheRest) {
  alarm_.BringForward(start_ - absl::Seconds(1));
  Wait(start_ + absl::Seconds(10), /*not_before=*/start_ + absl::Seconds(2));
  alarm_.BringForward(start_ - absl::Seconds(2));
  clock_.Advance(absl::Seconds(2) - kMoment);
  clock_.WaitForWaiters(1);
  EXPECT_FALSE(done_.HasBeenNotified());
  clock_.Advance(kMoment);
  EXPECT_EQ(Woken(), start_ + absl::Seconds(2));
}

TEST_F(AlarmTest, ARestThatEndsAfterTheTimeIsKept) {
  Wait(start_ + absl::Seconds(1), /*not_before=*/start_ + absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(2));
}

TEST_F(AlarmTest, ATimeBroughtForwardToAfterTheRestWakesThen) {
  Wait(start_ + absl::Seconds(10), /*not_before=*/start_ + absl::Seconds(2));
  alarm_.BringForward(start_ + absl::Seconds(3));
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Woken(), start_ + absl::Seconds(3));
}

TEST_F(AlarmTest, AStopEndsARest) {
  Wait(start_, /*not_before=*/start_ + absl::Seconds(2));
  alarm_.Stop();
  EXPECT_EQ(Woken(), absl::InfinitePast());
}

TEST_F(AlarmTest, AStopEndsTheWaitAndAllLaterOnes) {
  Wait(start_ + absl::Seconds(10));
  alarm_.Stop();
  EXPECT_EQ(Woken(), absl::InfinitePast());
  EXPECT_FALSE(alarm_.Await(&clock_, start_, start_ + absl::Seconds(10)));
}

}  // namespace
}  // namespace rmq
