#include "client/loop/thread_event_loop.h"

#include <memory>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ThreadEventLoopTest : public ::testing::Test {
 protected:
  // Waits for everything posted before.
  void Flush() {
    absl::Notification done;
    loop_->Post([&done] { done.Notify(); });
    done.WaitForNotification();
  }

  // Moves time, once the loop is parked, and lets due timers run.
  void Advance(absl::Duration duration) {
    clock_.WaitForWaiters(1);
    clock_.Advance(duration);
    Flush();
    Flush();
  }

  SimulatedClock clock_;
  std::vector<int> ran_;  // Written on the loop, read after Flush().
  std::unique_ptr<ThreadEventLoop> loop_ =
      std::make_unique<ThreadEventLoop>(&clock_);
};

TEST_F(ThreadEventLoopTest, TasksRunInTheOrderOfPosting) {
  for (int i : {1, 2, 3}) loop_->Post([this, i] { ran_.push_back(i); });
  Flush();
  EXPECT_THAT(ran_, ElementsAre(1, 2, 3));
}

TEST_F(ThreadEventLoopTest, ATimerRunsWhenItsTimeHasComeAndNotBefore) {
  loop_->Post([this] {
    loop_->RunAt(loop_->Now() + absl::Seconds(1),
                 [this] { ran_.push_back(1); });
  });
  Flush();
  Advance(absl::Milliseconds(999));
  EXPECT_THAT(ran_, IsEmpty());
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(ran_, ElementsAre(1));
}

TEST_F(ThreadEventLoopTest, TimersRunInTheOrderOfTheirTimesThenOfSetting) {
  loop_->Post([this] {
    const absl::Time now = loop_->Now();
    loop_->RunAt(now + absl::Seconds(2), [this] { ran_.push_back(3); });
    loop_->RunAt(now + absl::Seconds(1), [this] { ran_.push_back(1); });
    loop_->RunAt(now + absl::Seconds(1), [this] { ran_.push_back(2); });
  });
  Flush();
  Advance(absl::Seconds(2));
  EXPECT_THAT(ran_, ElementsAre(1, 2, 3));
}

TEST_F(ThreadEventLoopTest, ACancelledTimerDoesNotRun) {
  loop_->Post([this] {
    const EventLoop::TimerId timer = loop_->RunAt(
        loop_->Now() + absl::Seconds(1), [this] { ran_.push_back(1); });
    loop_->Cancel(timer);
    loop_->Cancel(timer);
  });
  Flush();
  Advance(absl::Seconds(2));
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(ThreadEventLoopTest, ATimerMaySetATimerThatIsDue) {
  loop_->Post([this] {
    loop_->RunAt(loop_->Now(), [this] {
      ran_.push_back(1);
      loop_->RunAt(loop_->Now(), [this] { ran_.push_back(2); });
    });
  });
  Flush();
  Flush();
  Flush();
  EXPECT_THAT(ran_, ElementsAre(1, 2));
}

TEST_F(ThreadEventLoopTest, TheDestructorRunsWhatWasPosted) {
  loop_->Post([this, loop = loop_.get()] {
    ran_.push_back(1);
    loop->Post([this] { ran_.push_back(2); });
  });
  loop_.reset();
  EXPECT_THAT(ran_, ElementsAre(1, 2));
}

TEST_F(ThreadEventLoopTest, OnlyATaskIsOnTheLoop) {
  EXPECT_FALSE(loop_->IsCurrent());
  loop_->Post([this] { EXPECT_TRUE(loop_->IsCurrent()); });
  Flush();
}

}  // namespace
}  // namespace rmq
