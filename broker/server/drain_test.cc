// What clients and operators see while an operator has the broker drained.

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/housekeeping/drain.h"
#include "broker/server/server_testutil.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::StartsWith;

// How long the client of an ended call should stay away; zero: not said.
absl::Duration RetryAfter(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("rocketmq-retry-after-ms");
  int64_t millis = 0;
  if (found != metadata.end()) {
    EXPECT_TRUE(absl::SimpleAtoi(
        absl::string_view(found->second.data(), found->second.size()),
        &millis));
  }
  return absl::Milliseconds(millis);
}

// Reads to the end of the stream, which must be that of a drain.
void ExpectDrained(TestStream& stream) {
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), StartsWith("DRAINED"));
  EXPECT_EQ(EndReasonOf(stream.context()), "DRAINED");
  EXPECT_GE(RetryAfter(stream.context()), Drain::kReturnDelay);
}

class DrainedBrokerTest : public ::testing::Test {
 protected:
  void Begin(absl::Duration duration) {
    EXPECT_TRUE(drain().Begin(duration, broker_.clock().TimeNow()));
  }
  // Moves the clock to so long after the beginning of the drain.
  void PassUntil(absl::Duration since_the_beginning) {
    // PassTime() waits for the timer once the timer has noticed the drain.
    while (drain().NextDue() <= broker_.clock().TimeNow()) {
      broker_.PassTime(absl::Milliseconds(1));
      std::this_thread::yield();
    }
    broker_.PassTime(drain().progress().started + since_the_beginning -
                     broker_.clock().TimeNow());
  }
  void Cancel() { EXPECT_TRUE(drain().Cancel(broker_.clock().TimeNow())); }
  Drain& drain() { return broker_.controller().drain(); }

  TestBroker broker_;
};

TEST_F(DrainedBrokerTest, AStreamThatComesIsTurnedAwayUntilTheCancel) {
  Begin(absl::Seconds(30));
  const auto stream = broker_.Connect();
  ExpectDrained(*stream);
  EXPECT_EQ(RetryAfter(stream->context()),
            absl::Seconds(30) + Drain::kReturnDelay);
  Cancel();
  broker_.Join(ConsumerHeartbeat("c1", "orders"));
}

TEST_F(DrainedBrokerTest, UnaryCallsOfClientsAreTurnedAwayUntilTheCancel) {
  Begin(absl::Seconds(30));
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::HeartbeatResponse response;
  const grpc::Status status =
      pb::ClientManager::NewStub(broker_.connection())
          ->Heartbeat(&context, ConsumerHeartbeat("c1", "orders"), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), StartsWith("DRAINED"));
  EXPECT_EQ(EndReasonOf(context), "DRAINED");
  EXPECT_EQ(RetryAfter(context), absl::Seconds(30) + Drain::kReturnDelay);
  EXPECT_EQ(ResponseCodeOf(context), 1);
  Cancel();
  EXPECT_TRUE(
      broker_.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());
}

TEST_F(DrainedBrokerTest, ClientsThatAreThereGoOnUntilItIsTheirTurn) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  Begin(absl::Seconds(10));
  PassUntil(absl::Seconds(9));
  EXPECT_FALSE(stream->Call(ConsumerHeartbeat("c1", "bills")).has_status());
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_client_id("c1");
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_FALSE(stream->Call(unregister).has_status());
  PassUntil(absl::Seconds(10));
  ExpectDrained(*stream);
  EXPECT_EQ(drain().progress().state, DrainState::kDrained);
}

TEST_F(DrainedBrokerTest, AStreamWithoutAHeartbeatEndsAtOnce) {
  const auto joined = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  const auto stream = broker_.Connect();
  pb::ClientFrame unknown;
  stream->Call(unknown);
  Begin(absl::Hours(1));
  PassUntil(absl::Seconds(1));
  ExpectDrained(*stream);
  EXPECT_FALSE(joined->Call(ConsumerHeartbeat("c1", "orders")).has_status());
}

TEST_F(DrainedBrokerTest, StandInsGoToo) {
  pb::HeartbeatResponse response;
  EXPECT_TRUE(
      broker_.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());
  Begin(absl::Seconds(1));
  EXPECT_EQ(drain().progress().clients_left, 1);
  PassUntil(absl::Seconds(1));
  EXPECT_EQ(drain().progress().state, DrainState::kDrained);
}

TEST_F(DrainedBrokerTest, OperatorsCallsPass) {
  Begin(absl::Hours(1));
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::GetPolicyResponse response;
  EXPECT_TRUE(pb::ClientManagerAdmin::NewStub(broker_.connection())
                  ->GetPolicy(&context, {}, &response)
                  .ok());
}

TEST_F(DrainedBrokerTest, ClientsGoEvenlyAndThoseLeftAreToldOnceAfterACancel) {
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 20; ++i) {
    streams.push_back(
        broker_.Join(ConsumerHeartbeat(absl::StrCat("c", i), "orders")));
    broker_.PassTime(absl::Milliseconds(200));
  }
  for (const auto& stream : streams) {
    stream->Call(ListFrame("orders"));
    stream->TakePushes();
  }
  Begin(absl::Seconds(20));
  for (int second = 1; second <= 10; ++second) {
    PassUntil(absl::Seconds(second));
    EXPECT_THAT(drain().progress().clients_left,
                AllOf(Ge(20 - second - 1), Le(20 - second + 1)));
  }
  // The first ones have gone, and nobody was told.
  ExpectDrained(*streams[0]);
  streams[19]->Call(ListFrame("orders"));
  EXPECT_THAT(streams[19]->TakePushes(), IsEmpty());
  Cancel();
  EXPECT_EQ(streams[19]->ReadPush(), "orders");
  streams[19]->Call(ListFrame("orders"));
  EXPECT_THAT(streams[19]->TakePushes(), IsEmpty());
  // Those that went come back.
  broker_.Join(ConsumerHeartbeat("c0", "orders"));
}

TEST_F(DrainedBrokerTest, AStopTakesOverAndNobodyIsLetInAgain) {
  const auto stream = broker_.Join(ConsumerHeartbeat("c1", "orders"));
  Begin(absl::Hours(1));
  const Stopwatch stopwatch;
  broker_.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 20);
  ExpectDrained(*stream);
  EXPECT_FALSE(drain().Cancel(broker_.clock().TimeNow()));
}

}  // namespace
}  // namespace rmq
