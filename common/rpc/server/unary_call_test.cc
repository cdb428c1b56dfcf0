#include "common/rpc/server/unary_call.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/real_clock.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/loopback_server_testutil.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/server_calls.h"
#include "common/simulated_clock.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using Request = ::grpc::health::v1::HealthCheckRequest;
using Response = ::grpc::health::v1::HealthCheckResponse;

constexpr char kPath[] = "/grpc.health.v1.Health/Check";

// Writes each outcome as a large response.
class LargeOutcomeWriter final : public OutcomeWriter {
 public:
  grpc::Status Write(const google::protobuf::MethodDescriptor& /*method*/,
                     const CallStatus& /*outcome*/,
                     TrailingMetadata* /*metadata*/,
                     grpc::ByteBuffer* response) const override {
    BytesOf(std::string(kLargeBytes, 'x')).Swap(response);
    has_written_.Notify();
    return grpc::Status::OK;
  }
  void AwaitWritten() const { has_written_.WaitForNotification(); }

 private:
  mutable absl::Notification has_written_;
};

// A call of a client that sends an empty message, or none, and does not read.
// Blocking.
class UnreadCall {
 public:
  UnreadCall(const std::shared_ptr<grpc::Channel>& channel,
             const std::string& path, bool has_message = true)
      : stub_(channel) {
    context_.set_deadline(InAMinute());
    call_ = stub_.PrepareCall(&context_, path, &queue_);
    call_->StartCall(this);
    AwaitEvent(&queue_);
    if (!has_message) return;
    call_->WriteLast(BytesOf(""), grpc::WriteOptions(), this);
    AwaitEvent(&queue_);
  }
  ~UnreadCall() { context_.TryCancel(); }

  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    AwaitEvent(&queue_);
    return status;
  }

 private:
  grpc::CompletionQueue queue_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

// A server with one method, which refuses each call.
class UnaryCallTest : public LoopbackServerTest {
 protected:
  void SetUp() override {
    MethodTable::MethodOptions options;
    options.skips_gate = true;
    options.outcomes = &outcomes_;
    calls_.methods.Add<Request, Response>(
        *Request::descriptor()->file()->service(0)->method(0), options, nullptr,
        [](const CallContext&, const Request&, Response*) {
          return OverLimit("refused");
        });
    grpc::ServerBuilder builder;
    builder.RegisterAsyncGenericService(&service_);
    StartServer(&builder);
    UnaryCall::Wait(&calls_, server_.get(), loop_->queue.get());
    RunLoop();
  }

  void TearDown() override { StopServer(&calls_.live); }

  SimulatedClock clock_;
  AllowAllAuthorizer authorizer_;
  CallCounters counters_{[](const auto&) { return 0; }};
  LargeOutcomeWriter outcomes_;
  ServerCalls calls_{{},         &authorizer_, CallStatus(),
                     &counters_, &clock_,      [](absl::Time) {}};
  grpc::AsyncGenericService service_;
};

TEST_F(UnaryCallTest, AResponseThatHoldsAnErrorCountsUntilTheCallIsOver) {
  {
    UnreadCall unread(channel_, kPath);
    outcomes_.AwaitWritten();
    // The loop has handled the first call when it answers the second.
    EXPECT_EQ(UnreadCall(channel_, "/no/method").Finish().error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(calls_.unread.bytes(), kLargeBytes);
  }
  AwaitEndOfCalls(&calls_.live);
  EXPECT_EQ(calls_.unread.bytes(), 0);
}

// A call whose message does not come in time is answered, and the answer is not
// read either.
class UnfinishedCallTest : public UnaryCallTest {
 protected:
  void SetUp() override {
    UnaryCallTest::SetUp();
    unread_ = std::make_unique<UnreadCall>(channel_, kPath, false);
    AwaitUnfinished(1);
  }
  void TearDown() override {
    unread_.reset();
    UnaryCallTest::TearDown();
  }

  void AwaitUnfinished(size_t count) const {
    while (calls_.unfinished.size() != count) std::this_thread::yield();
  }
  // In steps, since a process that does not look for long counts as stopped.
  void PassTime(absl::Duration time) {
    while (time > absl::ZeroDuration()) {
      const absl::Duration step = std::min(time, absl::Seconds(5));
      clock_.Advance(step);
      calls_.unfinished.Check(clock_.TimeNow());
      time -= step;
    }
  }
  // Blocks until the call is over, though its client does not read.
  bool IsOver() {
    return calls_.live.AwaitNoneBegun(
        &RealClock(), RealClock().TimeNow() + absl::Seconds(60));
  }

  std::unique_ptr<UnreadCall> unread_;
};

TEST_F(UnfinishedCallTest, IsWatchedUntilItsAnswerIsReadOrTheLimitIsOver) {
  PassTime(ServerCalls::kFirstMessageLimit);
  outcomes_.AwaitWritten();
  EXPECT_EQ(calls_.unfinished.size(), 1u);
  PassTime(calls_.options.slow_reader_limit - absl::Milliseconds(1));
  EXPECT_EQ(counters_.slow_readers, 0);
  EXPECT_EQ(calls_.unfinished.size(), 1u);
  PassTime(absl::Milliseconds(1));
  EXPECT_EQ(counters_.slow_readers, 1);
  EXPECT_TRUE(IsOver());
}

TEST_F(UnfinishedCallTest, HoldsNoPlaceOnceItIsOverThoughItWasLookedAt) {
  PassTime(ServerCalls::kFirstMessageLimit);
  outcomes_.AwaitWritten();
  EXPECT_EQ(calls_.unfinished.size(), 1u);
  unread_.reset();
  EXPECT_TRUE(IsOver());
  EXPECT_EQ(calls_.unfinished.size(), 0u);
}

TEST_F(UnfinishedCallTest, WhenItMakesRoomForOthersItsAnswerIsDropped) {
  EXPECT_TRUE(calls_.unfinished.EndFirst(OverLimit("too many")));
  EXPECT_TRUE(IsOver());
}

TEST_F(UnfinishedCallTest, AmongManyItIsNotWatchedForItsAnswer) {
  constexpr size_t kCrowd = ServerCalls::kMostAwaitingCalls / 4;
  // Of another address, and younger.
  for (size_t i = 1; i < kCrowd; ++i) {
    calls_.unfinished.Add({}, 1, clock_.TimeNow() + absl::Seconds(1),
                          clock_.TimeNow());
  }
  PassTime(ServerCalls::kFirstMessageLimit - absl::Milliseconds(1));
  EXPECT_EQ(calls_.unfinished.size(), kCrowd);
  calls_.unfinished.Add({}, 1, clock_.TimeNow(), clock_.TimeNow());
  PassTime(absl::Milliseconds(1));
  EXPECT_EQ(calls_.unfinished.size(), kCrowd);
  EXPECT_TRUE(IsOver());
}

}  // namespace
}  // namespace rmq
