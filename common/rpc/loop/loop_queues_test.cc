#include "common/rpc/loop/loop_queues.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/rpc/loop/completion_loop.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::Each;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Found = CompletionSource::Found;

constexpr size_t kMost = LoopQueues::kMostCallsOnAQueue;

class Results final : public CompletionHandler {
 public:
  void OnCompletion(bool ok) override { oks_.push_back(ok); }
  const std::vector<bool>& oks() const { return oks_; }

 private:
  std::vector<bool> oks_;
};

class LoopQueuesTest : public ::testing::Test {
 protected:
  ~LoopQueuesTest() override {
    first_.Shutdown();
    RunCompletionLoop(&queues_, absl::ZeroDuration());
  }

  // An operation on `queue` that ends when it is cancelled.
  std::unique_ptr<grpc::Alarm> Pending(grpc::CompletionQueue* queue) {
    auto alarm = std::make_unique<grpc::Alarm>();
    alarm->Set(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC),
               static_cast<CompletionHandler*>(&results_));
    return alarm;
  }

  // Makes `queue` have an event.
  void MakeEvent(grpc::CompletionQueue* queue) { Pending(queue)->Cancel(); }

  // What as many polls find as look everywhere.
  std::vector<Found> PollAll() {
    std::vector<Found> found;
    for (size_t i = queues_.queue_count(); i > 0; --i) {
      CompletionSource::Event event;
      found.push_back(queues_.Poll(&event));
    }
    return found;
  }

  // Fills the first queue, and returns a second one's, with one call.
  grpc::CompletionQueue* AddSecond() {
    for (size_t i = 0; i < kMost; ++i) queues_.AddCall();
    return queues_.AddCall();
  }

  Results results_;
  grpc::CompletionQueue first_;
  LoopQueues queues_{&first_};
};

TEST_F(LoopQueuesTest, TheFirstQueueCarriesSoManyCalls) {
  for (size_t i = 0; i < kMost; ++i) EXPECT_EQ(queues_.AddCall(), &first_);
  EXPECT_EQ(queues_.queue_count(), 1);
}

TEST_F(LoopQueuesTest, OneCallMoreIsOnAFurtherQueueWhichIsFilledThen) {
  grpc::CompletionQueue* const second = AddSecond();
  EXPECT_NE(second, &first_);
  for (size_t i = 1; i < kMost; ++i) EXPECT_EQ(queues_.AddCall(), second);
  EXPECT_EQ(queues_.queue_count(), 2);
  grpc::CompletionQueue* const third = queues_.AddCall();
  EXPECT_EQ(queues_.queue_count(), 3);
  queues_.RemoveCall(third);
  for (size_t i = 0; i < kMost; ++i) queues_.RemoveCall(second);
}

TEST_F(LoopQueuesTest, ACallThatIsRemovedMakesRoomWhereItWas) {
  grpc::CompletionQueue* const second = AddSecond();
  queues_.RemoveCall(&first_);
  EXPECT_EQ(queues_.AddCall(), &first_);
  EXPECT_EQ(queues_.AddCall(), second);
  queues_.RemoveCall(second);
  queues_.RemoveCall(second);
}

TEST_F(LoopQueuesTest, AFurtherQueueGoesWithItsLastCall) {
  grpc::CompletionQueue* const second = AddSecond();
  queues_.AddCall();
  queues_.RemoveCall(second);
  PollAll();
  EXPECT_EQ(queues_.queue_count(), 2);
  queues_.RemoveCall(second);
  PollAll();
  EXPECT_EQ(queues_.queue_count(), 1);
}

TEST_F(LoopQueuesTest, AFurtherQueueStaysUntilGrpcHasNothingMoreForIt) {
  grpc::CompletionQueue* const second = AddSecond();
  const auto pending = Pending(second);
  queues_.RemoveCall(second);
  EXPECT_THAT(PollAll(), Each(Found::kNothing));
  EXPECT_EQ(queues_.queue_count(), 2);
  pending->Cancel();
  EXPECT_THAT(PollAll(), UnorderedElementsAre(Found::kNothing, Found::kEvent));
  PollAll();
  EXPECT_EQ(queues_.queue_count(), 1);
}

TEST_F(LoopQueuesTest, AQueueThatIsAboutToGoGetsNoCall) {
  grpc::CompletionQueue* const second = AddSecond();
  const auto pending = Pending(second);
  queues_.RemoveCall(second);
  grpc::CompletionQueue* const third = queues_.AddCall();
  EXPECT_NE(third, &first_);
  EXPECT_NE(third, second);
  queues_.RemoveCall(third);
  pending->Cancel();
}

TEST_F(LoopQueuesTest, TheFirstQueueStaysWithoutACall) {
  EXPECT_EQ(queues_.AddCall(), &first_);
  queues_.RemoveCall(&first_);
  PollAll();
  EXPECT_EQ(queues_.AddCall(), &first_);
}

TEST_F(LoopQueuesTest, PollsFindTheEventsOfEachQueue) {
  grpc::CompletionQueue* const second = AddSecond();
  MakeEvent(second);
  EXPECT_THAT(PollAll(), UnorderedElementsAre(Found::kNothing, Found::kEvent));
  MakeEvent(&first_);
  EXPECT_THAT(PollAll(), UnorderedElementsAre(Found::kNothing, Found::kEvent));
  EXPECT_THAT(PollAll(), Each(Found::kNothing));
  queues_.RemoveCall(second);
}

TEST_F(LoopQueuesTest, AwaitReturnsForAnEventOfAnyQueue) {
  grpc::CompletionQueue* const second = AddSecond();
  for (grpc::CompletionQueue* const queue : {&first_, second}) {
    grpc::Alarm alarm;
    alarm.Set(queue, gpr_now(GPR_CLOCK_MONOTONIC),
              static_cast<CompletionHandler*>(&results_));
    CompletionSource::Event event;
    EXPECT_EQ(queues_.Await(&event), Found::kEvent);
    EXPECT_EQ(event.handler, &results_);
    EXPECT_TRUE(event.ok);
  }
  queues_.RemoveCall(second);
}

TEST_F(LoopQueuesTest, AQueueThatAlwaysHasEventsDoesNotHideTheOthers) {
  grpc::CompletionQueue* const second = AddSecond();
  for (size_t i = 0; i <= kMostEventsTogether; ++i) MakeEvent(&first_);
  grpc::Alarm alarm;
  Results of_second;
  alarm.Set(second, gpr_inf_future(GPR_CLOCK_MONOTONIC),
            static_cast<CompletionHandler*>(&of_second));
  alarm.Cancel();
  for (size_t i = 0; i <= kMostEventsTogether; ++i) {
    CompletionSource::Event event;
    ASSERT_EQ(queues_.Poll(&event), Found::kEvent);
    event.handler->OnCompletion(event.ok);
  }
  EXPECT_THAT(of_second.oks(), SizeIs(1));
  queues_.RemoveCall(second);
}

TEST_F(LoopQueuesTest, AwaitUntilReturnsAtItsTimeWithHoweverManyQueues) {
  CompletionSource::Event event;
  const gpr_timespec past = gpr_time_0(GPR_CLOCK_MONOTONIC);
  EXPECT_EQ(queues_.AwaitUntil(past, &event), Found::kNothing);
  grpc::CompletionQueue* const second = AddSecond();
  EXPECT_EQ(queues_.AwaitUntil(past, &event), Found::kNothing);
  MakeEvent(second);
  EXPECT_EQ(queues_.AwaitUntil(past, &event), Found::kEvent);
  queues_.RemoveCall(second);
}

class EndTest : public ::testing::TestWithParam<absl::Duration> {};

TEST_P(EndTest, ALoopRunsAllEventsOfAllQueuesBeforeItEnds) {
  Results results;
  void* const tag = static_cast<CompletionHandler*>(&results);
  grpc::CompletionQueue first;
  LoopQueues queues(&first);
  for (size_t i = 0; i < kMost; ++i) queues.AddCall();
  grpc::CompletionQueue* const second = queues.AddCall();
  grpc::Alarm due[4];
  for (size_t i = 0; i < 4; ++i) {
    due[i].Set(i % 2 == 0 ? &first : second, gpr_now(GPR_CLOCK_MONOTONIC), tag);
  }
  grpc::Alarm never;
  never.Set(second, gpr_inf_future(GPR_CLOCK_MONOTONIC), tag);
  never.Cancel();
  queues.RemoveCall(second);
  first.Shutdown();
  RunCompletionLoop(&queues, GetParam());
  // An alarm that is cancelled is an operation that failed.
  EXPECT_THAT(results.oks(),
              UnorderedElementsAre(true, true, true, true, false));
  EXPECT_EQ(queues.queue_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    , EndTest, ::testing::Values(absl::ZeroDuration(), absl::Milliseconds(2)),
    [](const auto& test) {
      return test.param == absl::ZeroDuration() ? "WithoutANap" : "WithANap";
    });

}  // namespace
}  // namespace rmq
