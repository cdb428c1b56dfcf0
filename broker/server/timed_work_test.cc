// What the broker does by time, without a call.

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/server/test_broker.h"
#include "broker/timer/recording_clock.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

TEST(TimedWorkTest, TheTimerWakesForWhatIsDueAndForNothingElse) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.notifier.notify_window = absl::Milliseconds(100);
  options.housekeeping.period = absl::Seconds(10);
  RecordingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);

  // Idle: the first housekeeping.
  EXPECT_THAT(clock.AwaitWaits(1), ElementsAre(start + absl::Seconds(10)));
  // A member came, who is told at once, and another: the end of the window.
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  EXPECT_THAT(stream->TakePushes(), ElementsAre("orders"));
  const auto another = broker.Join(ConsumerHeartbeat("c2", "orders"));
  EXPECT_THAT(
      clock.AwaitWaits(2),
      ElementsAre(start + absl::Seconds(10), start + absl::Milliseconds(100)));
  clock.simulated().Advance(absl::Milliseconds(100));
  EXPECT_EQ(stream->ReadPush(), "orders");
  // Idle again.
  EXPECT_THAT(clock.AwaitWaits(3), ElementsAre(start + absl::Seconds(10),
                                               start + absl::Milliseconds(100),
                                               start + absl::Seconds(10)));
  // Each tick is followed by the wait for the next.
  clock.simulated().Advance(absl::Seconds(10));
  EXPECT_EQ(clock.AwaitWaits(4).back(),
            start + absl::Seconds(20) + absl::Milliseconds(100));
}

TEST(TimedWorkTest, ThoseThatLiveHaveTimeWhileVeryManyExpire) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  // The last reply may not be known to be written when the time is moved.
  options.server.slow_reader_limit = absl::Hours(1);
  RecordingClock clock;
  const absl::Time tick =
      clock.TimeNow() + options.table.channel_expiry + absl::Seconds(1);
  TestBroker broker(options, &clock);
  const auto connection = broker.NewConnection();
  std::vector<std::unique_ptr<TestStream>> streams;
  for (size_t i = 0; i < Housekeeping::kEndsInAStep + 1; ++i) {
    streams.push_back(std::make_unique<TestStream>(connection));
    streams.back()->Call(ProducerHeartbeat(absl::StrCat("c", i), "payments"));
  }
  // Handled by the same thread, so what came of their writes has been.
  broker.ConsumerIds("orders");
  while (clock.TimeNow() < tick) {  // No tick is late.
    clock.simulated().Advance(absl::Seconds(1));
    clock.simulated().WaitForParkedWaiters(1);
  }
  clock.AwaitWaitUntil(tick + absl::Milliseconds(1));
  clock.simulated().Advance(absl::Milliseconds(1));
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->Finish().error_code(),
              grpc::StatusCode::DEADLINE_EXCEEDED);
  }
}

// A clock on which a piece of the timer's work takes kWorkTime. The timer looks
// at the time thrice a round: when it is woken, before its work and after it.
class WorkingClock final : public Clock {
 public:
  static constexpr absl::Duration kWorkTime = absl::Milliseconds(5);

  absl::Time TimeNow() override {
    bool works = false;
    {
      MutexLock lock(&mu_);
      works = std::this_thread::get_id() == timer_ && ++looks_ == 3;
    }
    if (works) recording_.simulated().Advance(kWorkTime);
    return recording_.TimeNow();
  }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    {
      MutexLock looks_lock(&mu_);
      timer_ = std::this_thread::get_id();
      looks_ = 0;
    }
    recording_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  RecordingClock& recording() { return recording_; }

 private:
  RecordingClock recording_;
  absl::Mutex mu_;
  std::thread::id timer_ ABSL_GUARDED_BY(mu_);
  int looks_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(TimedWorkTest, TheTimerRestsForAsLongAsItsPushesTook) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.housekeeping.period = absl::Seconds(10);
  WorkingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);
  EXPECT_THAT(clock.recording().AwaitWaits(1),
              ElementsAre(start + absl::Seconds(10)));
  // A join pushes to the first of them. The others are left to the timer.
  pb::HeartbeatResponse response;
  for (size_t i = 0; i < 3 * ConsumerIdsNotifier::kMostPushes; ++i) {
    const std::string client_id = absl::StrCat("c", i);
    ASSERT_TRUE(
        broker.Heartbeat(ConsumerHeartbeat(client_id, "orders"), &response)
            .ok());
  }
  const absl::Time pause_ends = start + ConsumerIdsNotifier::kPause;
  EXPECT_EQ(clock.recording().AwaitWaits(2).back(), pause_ends);
  clock.recording().simulated().Advance(ConsumerIdsNotifier::kPause);
  // While it pushed, the next pause has ended too; it rests nevertheless.
  EXPECT_EQ(clock.recording().AwaitWaits(3).back(),
            pause_ends + 2 * WorkingClock::kWorkTime);
}

TEST(TimedWorkTest, TheFirstHousekeepingIsAPeriodAfterTheStart) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.housekeeping.period = absl::Seconds(10);
  RecordingClock clock;
  const absl::Time start = clock.TimeNow();
  TestBroker broker(options, &clock);
  // Perhaps before the timer's thread got to run.
  clock.simulated().Advance(absl::Seconds(5));
  EXPECT_THAT(clock.AwaitWaits(1), ElementsAre(start + absl::Seconds(10)));
}

}  // namespace
}  // namespace rmq
