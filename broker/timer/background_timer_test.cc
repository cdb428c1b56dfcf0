#include "broker/timer/background_timer.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/timer/recording_clock.h"
#include "common/due_task.h"
#include "common/mutex_lock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Runs = std::vector<std::pair<std::string, absl::Time>>;

// A task that is due once, and whose work takes some time.
class FakeTask final : public DueTask {
 public:
  FakeTask(std::string name, RecordingClock* clock, Runs* runs)
      : name_(std::move(name)), clock_(*clock), runs_(*runs) {}

  // Before the timer starts, or followed by BringForward().
  void SetDue(absl::Time due) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    due_ = due;
  }
  void SetWork(absl::Duration work) { work_ = work; }
  // Has the task be due always, so that it has more to do after each run.
  void SetAlwaysDue() {
    always_ = true;
    SetDue(absl::InfinitePast());
  }

  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return due_;
  }
  void Run(absl::Time now) override {
    if (now < NextDue()) return;
    runs_.emplace_back(name_, now);
    if (!always_) SetDue(absl::InfiniteFuture());
    clock_.simulated().Advance(work_);
  }
  void Finish(absl::Time now) override { runs_.emplace_back("end", now); }

 private:
  const std::string name_;
  RecordingClock& clock_;
  Runs& runs_;  // Read by the test when the timer waits, or has stopped.
  absl::Duration work_;
  bool always_ = false;
  absl::Mutex mu_;
  absl::Time due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
};

class BackgroundTimerTest : public ::testing::Test {
 protected:
  BackgroundTimerTest() {
    timer_.Add(&first_);
    timer_.Add(&second_);
  }

  RecordingClock clock_;
  const absl::Time start_ = clock_.TimeNow();
  Runs runs_;
  FakeTask first_{"first", &clock_, &runs_};
  FakeTask second_{"second", &clock_, &runs_};
  BackgroundTimer timer_{&clock_};
};

TEST_F(BackgroundTimerTest, SleepsUntilTheEarliestTaskIsDue) {
  first_.SetDue(start_ + absl::Seconds(20));
  second_.SetDue(start_ + absl::Seconds(10));
  ASSERT_TRUE(timer_.Start().ok());
  EXPECT_THAT(clock_.AwaitWaits(1), ElementsAre(start_ + absl::Seconds(10)));
  clock_.simulated().Advance(absl::Seconds(10));
  EXPECT_EQ(clock_.AwaitWaits(2).back(), start_ + absl::Seconds(20));
  EXPECT_THAT(runs_, ElementsAre(Pair("second", start_ + absl::Seconds(10))));
}

TEST_F(BackgroundTimerTest, TasksThatAreDueTogetherRunInTheirOrder) {
  first_.SetDue(start_ + absl::Seconds(10));
  second_.SetDue(start_ + absl::Seconds(10));
  ASSERT_TRUE(timer_.Start().ok());
  clock_.AwaitWaits(1);
  clock_.simulated().Advance(absl::Seconds(10));
  EXPECT_EQ(clock_.AwaitWaits(2).back(), absl::InfiniteFuture());
  EXPECT_THAT(runs_, ElementsAre(Pair("first", start_ + absl::Seconds(10)),
                                 Pair("second", start_ + absl::Seconds(10))));
}

TEST_F(BackgroundTimerTest, ATaskThatIsBroughtForwardWakesIt) {
  ASSERT_TRUE(timer_.Start().ok());
  EXPECT_THAT(clock_.AwaitWaits(1), ElementsAre(absl::InfiniteFuture()));
  first_.SetDue(start_ + absl::Seconds(3));
  timer_.Listener()(start_ + absl::Seconds(3));
  EXPECT_EQ(clock_.AwaitWaits(2).back(), start_ + absl::Seconds(3));
  clock_.simulated().Advance(absl::Seconds(3));
  clock_.AwaitWaits(3);
  EXPECT_THAT(runs_, ElementsAre(Pair("first", start_ + absl::Seconds(3))));
}

TEST_F(BackgroundTimerTest, RestsForAsLongAsItsTasksTook) {
  first_.SetAlwaysDue();
  first_.SetWork(absl::Milliseconds(5));
  ASSERT_TRUE(timer_.Start().ok());
  absl::Time rest_ends = start_ + BackgroundTimer::kShortestRest;
  EXPECT_THAT(clock_.AwaitWaits(1), ElementsAre(rest_ends));
  clock_.simulated().Advance(BackgroundTimer::kShortestRest);
  rest_ends += absl::Milliseconds(5) + absl::Milliseconds(5);
  EXPECT_EQ(clock_.AwaitWaits(2).back(), rest_ends);
}

// A process that was stopped has not worked.
TEST_F(BackgroundTimerTest, NoRestIsLongerThanTheLongest) {
  first_.SetAlwaysDue();
  first_.SetWork(absl::Hours(1));
  ASSERT_TRUE(timer_.Start().ok());
  clock_.AwaitWaits(1);
  clock_.simulated().Advance(BackgroundTimer::kShortestRest);
  EXPECT_EQ(clock_.AwaitWaits(2).back(),
            start_ + BackgroundTimer::kShortestRest + absl::Hours(1) +
                BackgroundTimer::kLongestRest);
}

TEST_F(BackgroundTimerTest, AStopFinishesTheTasksAndRunsNone) {
  first_.SetDue(start_ + absl::Seconds(10));
  ASSERT_TRUE(timer_.Start().ok());
  clock_.AwaitWaits(1);
  timer_.Stop(absl::ZeroDuration());
  EXPECT_THAT(runs_, ElementsAre(Pair("end", start_), Pair("end", start_)));
}

TEST_F(BackgroundTimerTest, OneThatNeverStartedStopsAtOnce) {
  timer_.Stop(absl::ZeroDuration());
}

}  // namespace
}  // namespace rmq
