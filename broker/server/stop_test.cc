// How a broker stops, and what its clients see of that.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/server/server_testutil.h"
#include "broker/server/test_broker.h"
#include "common/clock.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/simulated_clock.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/client_callback.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(StopTest, AStopIsIdempotent) {
  TestBroker broker;
  broker.controller().Shutdown(absl::Seconds(1));
  broker.controller().Shutdown(absl::Seconds(1));
  EXPECT_EQ(Serving(broker.connection()), absl::nullopt);
}

TEST(StopTest, ADrainWithClientsThatReadEndsLongBeforeItsTimeout) {
  TestBroker broker;
  const auto stream = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("DRAINED"));
  EXPECT_EQ(EndReasonOf(stream->context()), "DRAINED");
}

TEST(StopTest, ADrainEndsStreamsThatHaveSentNoHeartbeat) {
  TestBroker broker;
  const auto stream = broker.Connect();
  pb::ClientFrame unknown;
  stream->Call(unknown);
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(EndReasonOf(stream->context()), "DRAINED");
}

// As many clients of unary calls.
void JoinMany(const TestBroker& broker, int count) {
  for (int i = 0; i < count; ++i) {
    pb::HeartbeatResponse response;
    EXPECT_TRUE(broker
                    .Heartbeat(ConsumerHeartbeat(absl::StrCat("u", i), "unary"),
                               &response)
                    .ok());
  }
}

TEST(StopTest, ClientsAreToldOneAfterTheOtherAHundredASecond) {
  TestBroker broker;
  JoinMany(broker, 30);
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_GE(stopwatch.seconds(), 0.29);
  EXPECT_LT(stopwatch.seconds(), 20);
}

TEST(StopTest, AllClientsAreToldWithinHalfOfTheTime) {
  TestBroker broker;
  JoinMany(broker, 30);
  const auto last = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const Stopwatch stopwatch;
  std::thread stopper(
      [&] { broker.controller().Shutdown(absl::Milliseconds(200)); });
  EXPECT_EQ(last->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(EndReasonOf(last->context()), "DRAINED");
  EXPECT_GE(stopwatch.seconds(), 0.09);
  stopper.join();
  EXPECT_LT(stopwatch.seconds(), 20);
}

TEST(StopTest, ABrokerWithoutClientsStopsAtOnce) {
  TestBroker broker;
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 5);
}

TEST(StopTest, ADrainPushesNothing) {
  TestBroker broker;
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(
        broker.Join(ConsumerHeartbeat(absl::StrCat("c", i), "orders")));
  }
  // What came of the others' joining is read before.
  for (const auto& stream : streams) stream->Call(ListFrame("orders"));
  broker.controller().Shutdown(absl::Seconds(50));
  for (const auto& stream : streams) {
    std::vector<pb::BrokerFrame> rest;
    EXPECT_EQ(stream->Finish(&rest).error_code(),
              grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(rest, IsEmpty());
  }
}

// The loop is in the middle of a call while the server goes down and cancels
// all others: their events come when the server is gone, and need the queue.
TEST(StopTest, AStopDuringACallWaitsForAllThatStillHasToEnd) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");

  broker.authorizer().Hold("UnregisterClient");
  std::thread caller([&] {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::UnregisterClientResponse response;
    EXPECT_FALSE(pb::ClientManager::NewStub(broker.NewConnection())
                     ->UnregisterClient(&context, {}, &response)
                     .ok());
  });
  broker.authorizer().AwaitCount("UnregisterClient", 1);

  absl::Notification stopped;
  std::thread stopper([&] {
    broker.controller().Shutdown(absl::ZeroDuration());
    stopped.Notify();
  });
  caller.join();
  EXPECT_FALSE(slow->Finish().ok());
  EXPECT_FALSE(stopped.WaitForNotificationWithTimeout(absl::Milliseconds(100)));
  broker.authorizer().Hold("");
  stopper.join();
}

TEST(StopTest, AClientThatDoesNotReadDelaysADrainByItsTimeoutOnly) {
  TestBroker broker(LargeAnswerOptions());
  const auto slow = broker.JoinAndStall("slow", "orders");
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Milliseconds(300));
  EXPECT_GE(stopwatch.seconds(), 0.29);
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(slow->Finish().ok());
}

// A clock that stops the one who asks it for the time, when a test says so.
class HoldingClock final : public Clock {
 public:
  absl::Time TimeNow() override {
    {
      MutexLock lock(&mu_);
      if (armed_ && skipped_-- == 0) {
        armed_ = false;
        held_ = true;
        const auto released = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return !held_;
        };
        mu_.Await(absl::Condition(&released));
      }
    }
    return simulated_.TimeNow();
  }
  void WaitUntil(MutexLock* lock, CondVar* cond_var,
                 absl::Time deadline) override {
    simulated_.WaitUntil(lock, cond_var, deadline);
  }
  absl::Time ClockToWall(absl::Time time) override { return time; }

  SimulatedClock& simulated() { return simulated_; }
  // The next one, or the one after so many more.
  void HoldNext(int skipped = 0) {
    MutexLock lock(&mu_);
    armed_ = true;
    skipped_ = skipped;
  }
  void AwaitHeld() {
    MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&held_));
  }
  void Release() {
    MutexLock lock(&mu_);
    held_ = false;
  }

 private:
  SimulatedClock simulated_;
  absl::Mutex mu_;
  bool armed_ ABSL_GUARDED_BY(mu_) = false;
  int skipped_ ABSL_GUARDED_BY(mu_) = 0;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
};

// A call of a service that gRPC brings along, which stays open.
class OpenCall final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  OpenCall(const std::shared_ptr<grpc::Channel>& connection,
           const std::string& method, const std::string& request)
      : stub_(connection),
        request_slice_(request),
        request_(&request_slice_, 1) {
    SetTestDeadline(context_);
    stub_.PrepareBidiStreamingCall(&context_, method, {}, this);
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }

  // Blocks until a response has come, or the call is over. Which?
  bool AwaitResponse() {
    read_.WaitForNotification();
    return has_response_;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status AwaitEnd() {
    done_.WaitForNotification();
    return status_;
  }

 private:
  void OnReadDone(bool ok) override {
    if (!read_.HasBeenNotified()) {
      has_response_ = ok;
      read_.Notify();
    }
    // The end is told to who has read all that came before it.
    if (ok) StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    done_.Notify();
  }

  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  grpc::Slice request_slice_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  bool has_response_ = false;
  grpc::Status status_;
  absl::Notification read_;
  absl::Notification done_;
};

class ForeignCallTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ForeignCallTest, ThatStaysOpenDelaysNoStop) {
  TestBroker broker;
  // Of reflection: list_services, "". For health: an unknown field, skipped.
  OpenCall call(broker.connection(), GetParam(), {"\x3a\x00", 2});
  ASSERT_TRUE(call.AwaitResponse());
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(call.AwaitEnd().ok());
}

INSTANTIATE_TEST_SUITE_P(
    Each, ForeignCallTest,
    ::testing::Values(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Watch"),
    [](const auto& test) {
      return absl::StrContains(test.param, "Watch") ? "Health" : "Reflection";
    });

// gRPC serves each call of reflection with a thread.
TEST(StopTest, ReflectionRefusesCallsBeyondItsThreadsAndServesAgain) {
  TestBroker broker;
  const std::string method =
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const std::string request("\x3a\x00", 2);  // list_services, "".
  std::vector<std::unique_ptr<OpenCall>> calls;
  int refused = 0;
  int answered = 0;
  for (int i = 0; i < 20; ++i) {
    calls.push_back(
        std::make_unique<OpenCall>(broker.connection(), method, request));
    if (calls.back()->AwaitResponse()) {
      ++answered;
    } else {
      ++refused;
      EXPECT_EQ(calls.back()->AwaitEnd().error_code(),
                grpc::StatusCode::RESOURCE_EXHAUSTED);
    }
  }
  EXPECT_GE(answered, 1);
  EXPECT_GE(refused, 10);
  for (const auto& call : calls) call->Cancel();
  bool is_served = false;
  for (int i = 0; i < 1000 && !is_served; ++i) {
    OpenCall call(broker.connection(), method, request);
    is_served = call.AwaitResponse();
    call.Cancel();
    call.AwaitEnd();
  }
  EXPECT_TRUE(is_served);
  for (const auto& call : calls) call->AwaitEnd();
}

// One is held by the clock, the other goes on.
BrokerController::Options TwoThreads() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.threads = 2;
  return options;
}

TEST(StopTest, AStreamThatOpensBehindTheDrainIsTurnedAwayToo) {
  HoldingClock clock;
  TestBroker broker(TwoThreads(), &clock);
  clock.simulated().WaitForWaiters(1);  // The timer asks no more.
  const auto joined = broker.Join(ConsumerHeartbeat("c1", "orders"));

  // It is being opened ...
  clock.HoldNext();
  const auto late = broker.Connect();
  clock.AwaitHeld();
  // ... while all that are open are ended.
  const Stopwatch stopwatch;
  std::thread stopper([&] { broker.controller().Shutdown(absl::Seconds(50)); });
  EXPECT_EQ(joined->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  clock.Release();
  const grpc::Status status = late->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("DRAINED"));
  EXPECT_EQ(EndReasonOf(late->context()), "DRAINED");
  stopper.join();
  EXPECT_LT(stopwatch.seconds(), 40);
}

TEST(StopTest, AUnaryHeartbeatDuringTheDrainRegistersNothing) {
  HoldingClock clock;
  TestBroker broker(TwoThreads(), &clock);
  clock.simulated().WaitForWaiters(1);
  const auto joined = broker.Join(ConsumerHeartbeat("c1", "orders"));

  // The clock is asked when the call comes, and when its message does.
  clock.HoldNext(/*skipped=*/1);
  std::thread caller([&] {
    pb::HeartbeatResponse response;
    int code = -1;
    const grpc::Status status =
        broker.Heartbeat(ConsumerHeartbeat("late", "orders"), &response, &code);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(code, 1);
  });
  clock.AwaitHeld();
  std::thread stopper([&] { broker.controller().Shutdown(absl::Seconds(50)); });
  EXPECT_EQ(joined->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  clock.Release();
  caller.join();
  stopper.join();
}

}  // namespace
}  // namespace rmq
