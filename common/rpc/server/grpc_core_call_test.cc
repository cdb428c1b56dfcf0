#include "common/rpc/server/grpc_core_call.h"

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/server/grpc_batch.h"
#include "common/rpc/server/loopback_server_testutil.h"
#include "common/rpc/server/outcome_writer.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::StartsWith;

constexpr int kMostBytes = 1000;

// A call by a client.
class Caller {
 public:
  Caller(const std::shared_ptr<grpc::Channel>& channel,
         const std::string& message)
      : stub_(channel), request_(BytesOf(message)) {
    context_.AddMetadata("x-mq-client-id", "c1");
    context_.set_deadline(InAMinute());
    stub_.UnaryCall(&context_, "/test.Service/Method", {}, &request_,
                    &response_, [this](const grpc::Status& status) {
                      status_ = status;
                      is_over_.Notify();
                    });
  }
  ~Caller() {
    context_.TryCancel();
    is_over_.WaitForNotification();
  }

  const grpc::Status& AwaitStatus() {
    is_over_.WaitForNotification();
    return status_;
  }
  // After AwaitStatus().
  const grpc::ByteBuffer& response() const { return response_; }
  std::string Trailing(const std::string& key) const {
    return TrailingOf(context_, key);
  }

  void Cancel() { context_.TryCancel(); }

 private:
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  absl::Notification is_over_;
};

// A server with one call. The test's thread runs its queue.
class GrpcCoreCallTest : public LoopbackServerTest {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    builder.RegisterAsyncGenericService(&service_);
    builder.SetMaxReceiveMessageSize(kMostBytes);
    StartServer(&builder);
    call_ = std::make_unique<GrpcCoreCall>();
    call_->Await(server_.get(), loop_->queue.get(), &accepted_tag_);
  }

  void TearDown() override {
    server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
    call_.reset();
    loop_->queue->Shutdown();
    void* tag;
    bool ok;
    while (loop_->queue->Next(&tag, &ok)) {
    }
    DestroyServer();
  }

  // Runs the next completion. Returns whether the operation succeeded.
  bool Complete() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(loop_->queue->Next(&tag, &ok));
    static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
    return ok;
  }
  void Accept() {
    ASSERT_TRUE(Complete());
    ASSERT_EQ(last_, "accepted");
  }
  void Read() {
    call_->Read(&message_, &read_tag_);
    Complete();
    ASSERT_EQ(last_, "read");
  }
  void Finish(const grpc::Status& status, const TrailingMetadata& metadata = {},
              const std::string& response = "") {
    grpc::ByteBuffer bytes = BytesOf(response);
    call_->Finish(status, metadata, &bytes, &finished_tag_);
    Complete();
    ASSERT_EQ(last_, "finished");
  }

  void OnAccepted(bool /*ok*/) { last_ = "accepted"; }
  void OnRead(bool /*ok*/) { last_ = "read"; }
  void OnFinished(bool /*ok*/) { last_ = "finished"; }

  grpc::AsyncGenericService service_;
  std::unique_ptr<GrpcCoreCall> call_;
  grpc::ByteBuffer message_;
  // The operation that has completed last.
  absl::string_view last_;
  GrpcCoreTag<GrpcCoreCallTest, &GrpcCoreCallTest::OnAccepted> accepted_tag_{
      this};
  GrpcCoreTag<GrpcCoreCallTest, &GrpcCoreCallTest::OnRead> read_tag_{this};
  GrpcCoreTag<GrpcCoreCallTest, &GrpcCoreCallTest::OnFinished> finished_tag_{
      this};
};

TEST_F(GrpcCoreCallTest, AMessageIsReadAndAnswered) {
  Caller caller(channel_, "question");
  Accept();
  Read();
  ASSERT_TRUE(message_.Valid());
  EXPECT_EQ(TextOf(message_), "question");
  Finish(grpc::Status::OK, {}, std::string(5000, 'x'));
  EXPECT_TRUE(caller.AwaitStatus().ok());
  EXPECT_EQ(TextOf(caller.response()), std::string(5000, 'x'));
}

TEST_F(GrpcCoreCallTest,
       MethodPeerMetadataAndDeadlineAreKnownOnceThereIsACall) {
  const Caller caller(channel_, "question");
  Accept();
  EXPECT_EQ(call_->path(), "/test.Service/Method");
  EXPECT_THAT(call_->Peer(), StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(call_->metadata().Find("x-mq-client-id"), "c1");
  EXPECT_GT(call_->metadata().TimeLeft(), absl::ZeroDuration());
  // gRPC rounds it up on its way.
  EXPECT_LT(call_->metadata().TimeLeft(), absl::Seconds(70));
  Finish(grpc::Status::OK);
}

TEST_F(GrpcCoreCallTest, AnErrorHasItsMessageAndTrailingMetadataAndNoResponse) {
  Caller caller(channel_, "question");
  Accept();
  Read();
  const std::string value = "longer than what a slice has room for in itself";
  Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing \xc3\xa0 la carte"),
         {{"x-first", "1"}, {"x-second", value}}, "left out");
  EXPECT_EQ(caller.AwaitStatus().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(caller.AwaitStatus().error_message(), "nothing \xc3\xa0 la carte");
  EXPECT_EQ(caller.Trailing("x-first"), "1");
  EXPECT_EQ(caller.Trailing("x-second"), value);
  EXPECT_FALSE(caller.response().Valid());
}

TEST_F(GrpcCoreCallTest, AMessageIsReadUpToTheServersLimit) {
  Caller caller(channel_, std::string(kMostBytes, 'x'));
  Accept();
  Read();
  EXPECT_TRUE(message_.Valid());
  Finish(grpc::Status::OK);
}

TEST_F(GrpcCoreCallTest, ALargerMessageIsNone) {
  Caller caller(channel_, std::string(kMostBytes + 1, 'x'));
  Accept();
  Read();
  EXPECT_FALSE(message_.Valid());
  Finish(grpc::Status::OK);
}

TEST_F(GrpcCoreCallTest, ACallMayEndWhileItsMessageIsAwaited) {
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue client_queue;
  const auto silent = stub.PrepareCall(&context, "/silent", &client_queue);
  silent->StartCall(nullptr);
  AwaitEvent(&client_queue);
  Accept();
  call_->Read(&message_, &read_tag_);
  grpc::ByteBuffer none;
  call_->Finish(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "too late"),
                {}, &none, &finished_tag_);
  Complete();
  Complete();
  EXPECT_FALSE(message_.Valid());
  grpc::Status status;
  silent->Finish(&status, nullptr);
  AwaitEvent(&client_queue);
  EXPECT_EQ(status.error_message(), "too late");
}

TEST_F(GrpcCoreCallTest, ACallThatIsCancelledEndsAllOperations) {
  Caller caller(channel_, "question");
  Accept();
  Read();
  call_->Cancel();
  Finish(grpc::Status::OK, {}, "too late");
  EXPECT_FALSE(caller.AwaitStatus().ok());
}

TEST_F(GrpcCoreCallTest, ACallWhoseClientIsGoneEnds) {
  Caller caller(channel_, "question");
  Accept();
  Read();
  caller.Cancel();
  caller.AwaitStatus();
  Finish(grpc::Status::OK, {}, "too late");
}

TEST_F(GrpcCoreCallTest, WithoutACallTheServersShutdownEndsTheWait) {
  server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  EXPECT_FALSE(Complete());
  EXPECT_EQ(last_, "accepted");
}

}  // namespace
}  // namespace rmq
