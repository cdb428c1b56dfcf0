#include "broker/fronts/admin/drain_method.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "broker/housekeeping/drain.h"
#include "broker/server/test_broker.h"
#include "common/real_clock.h"
#include "gmock/gmock.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

pb::DrainRequest For(int64_t seconds, int32_t nanos = 0) {
  pb::DrainRequest request;
  request.mutable_duration()->set_seconds(seconds);
  request.mutable_duration()->set_nanos(nanos);
  return request;
}
pb::DrainRequest TheCancel() {
  pb::DrainRequest request;
  request.set_cancel(true);
  return request;
}

// One call of Drain.
class DrainCall {
 public:
  DrainCall(const TestBroker& broker, const pb::DrainRequest& request)
      : stub_(pb::ClientManagerAdmin::NewStub(broker.connection())) {
    SetTestDeadline(context_);
    reader_ = stub_->Drain(&context_, request);
  }

  // The next message; of state UNSPECIFIED if the call is over.
  pb::DrainProgress Read() {
    pb::DrainProgress progress;
    if (!reader_->Read(&progress)) progress.Clear();
    return progress;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManagerAdmin::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<pb::DrainProgress>> reader_;
};

class DrainMethodTest : public ::testing::Test {
 protected:
  // The status of a call that must not succeed.
  grpc::Status Refused(const pb::DrainRequest& request) {
    DrainCall call(broker_, request);
    EXPECT_EQ(call.Read().state(), pb::DrainProgress::STATE_UNSPECIFIED);
    return call.Finish();
  }
  Drain& drain() { return broker_.controller().drain(); }

  TestBroker broker_;
};

// By the real clock: a test that moves a clock does not know when the timer
// rests.
TEST(DrainProgressTest, ProgressIsToldAtOnceWhileItGoesOnAndAtTheEnd) {
  TestBroker broker(TestBroker::DefaultOptions(), &RealClock());
  const auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const auto second = broker.Join(ConsumerHeartbeat("c2", "orders"));
  DrainCall call(broker, For(3));
  std::vector<pb::DrainProgress> all;
  for (pb::DrainProgress read = call.Read();
       read.state() != pb::DrainProgress::STATE_UNSPECIFIED;
       read = call.Read()) {
    all.push_back(read);
  }
  EXPECT_TRUE(call.Finish().ok());
  ASSERT_GE(all.size(), 3);
  int64_t left = 2;
  for (const pb::DrainProgress& progress : all) {
    EXPECT_EQ(progress.clients_at_start(), 2);
    // The wall clock may be set meanwhile, by a little.
    EXPECT_NEAR(progress.ends_at().seconds() - progress.started_at().seconds(),
                3, 1);
    EXPECT_LE(progress.clients_left(), left);
    left = progress.clients_left();
    EXPECT_EQ(progress.state(), &progress == &all.back()
                                    ? pb::DrainProgress::STATE_DRAINED
                                    : pb::DrainProgress::STATE_DRAINING);
  }
  EXPECT_EQ(all.front().clients_left(), 2);
  EXPECT_EQ(left, 0);
}

TEST_F(DrainMethodTest, ACancelEndsTheDrainAndTheCallsThatFollowIt) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  DrainCall follower(broker_, For(3600));
  EXPECT_EQ(follower.Read().state(), pb::DrainProgress::STATE_DRAINING);
  DrainCall cancel(broker_, TheCancel());
  const pb::DrainProgress cancelled = cancel.Read();
  EXPECT_EQ(cancelled.state(), pb::DrainProgress::STATE_CANCELLED);
  EXPECT_EQ(cancelled.clients_left(), 1);
  EXPECT_EQ(cancel.Read().state(), pb::DrainProgress::STATE_UNSPECIFIED);
  EXPECT_TRUE(cancel.Finish().ok());
  EXPECT_EQ(follower.Read().state(), pb::DrainProgress::STATE_CANCELLED);
  EXPECT_TRUE(follower.Finish().ok());
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "orders")).has_status());
  broker_.Join(ConsumerHeartbeat("c2", "orders"));
}

TEST_F(DrainMethodTest, ACancelOfNothingIsNoError) {
  DrainCall cancel(broker_, TheCancel());
  EXPECT_EQ(cancel.Read().state(), pb::DrainProgress::STATE_CANCELLED);
  EXPECT_TRUE(cancel.Finish().ok());
}

TEST_F(DrainMethodTest, ADrainOutlivesItsCall) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  {
    DrainCall call(broker_, For(3600));
    EXPECT_EQ(call.Read().state(), pb::DrainProgress::STATE_DRAINING);
    call.Cancel();
    EXPECT_FALSE(call.Finish().ok());
  }
  EXPECT_EQ(drain().progress().state, DrainState::kDraining);
  // Another call gives it another duration, and goes on with it.
  DrainCall call(broker_, For(60));
  const pb::DrainProgress progress = call.Read();
  EXPECT_EQ(progress.state(), pb::DrainProgress::STATE_DRAINING);
  EXPECT_EQ(progress.ends_at().seconds() - progress.started_at().seconds(), 60);
  EXPECT_EQ(drain().progress().drain, 1);
}

TEST_F(DrainMethodTest, ADurationIsZeroToADay) {
  EXPECT_EQ(Refused({}).error_message(),
            "duration must be set, unless cancel is");
  const grpc::Status negative = Refused(For(0, -1));
  EXPECT_EQ(negative.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(negative.error_message(), "duration must be 0 to 24h, got -1ns");
  EXPECT_EQ(Refused(For(24 * 3600, 1)).error_message(),
            "duration must be 0 to 24h, got 24h0.000000001s");
  EXPECT_THAT(Refused(For(0, 1'000'000'000)).error_message(),
              HasSubstr("duration must be 0 to 24h"));
  pb::DrainRequest both = For(1);
  both.set_cancel(true);
  EXPECT_EQ(Refused(both).error_message(),
            "duration must not be set if cancel is");
  EXPECT_EQ(drain().progress().drain, 0);

  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  DrainCall longest(broker_, For(24 * 3600));
  EXPECT_EQ(longest.Read().state(), pb::DrainProgress::STATE_DRAINING);
  DrainCall shortest(broker_, For(0));
  EXPECT_EQ(shortest.Read().state(), pb::DrainProgress::STATE_DRAINING);
}

TEST_F(DrainMethodTest, CallsThatFollowAreLimitedAndOneThatCancelsIsLetIn) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  std::vector<std::unique_ptr<DrainCall>> calls;
  for (size_t i = 0; i < kMostDrainFollowersOfOne; ++i) {
    calls.push_back(std::make_unique<DrainCall>(broker_, For(3600)));
    EXPECT_EQ(calls.back()->Read().state(), pb::DrainProgress::STATE_DRAINING);
  }
  EXPECT_EQ(Refused(For(3600)).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  DrainCall cancel(broker_, TheCancel());
  EXPECT_EQ(cancel.Read().state(), pb::DrainProgress::STATE_CANCELLED);
}

TEST_F(DrainMethodTest, AStopEndsTheCallsThatFollow) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  DrainCall call(broker_, For(3600));
  EXPECT_EQ(call.Read().state(), pb::DrainProgress::STATE_DRAINING);
  broker_.controller().Shutdown(absl::Seconds(50));
  while (call.Read().state() != pb::DrainProgress::STATE_UNSPECIFIED) {
  }
  call.Finish();
}

}  // namespace
}  // namespace rmq
