#include "client/admin/streaming_call.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/channel/call_trailers.h"
#include "common/rpc/credentials/credentials_source.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/support/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

namespace health = ::grpc::health::v1;
using ::google::protobuf::Message;
using ::testing::ElementsAre;

// Answers as the name of the service says.
class FakeHealth final : public health::Health::Service {
 public:
  grpc::Status Watch(
      grpc::ServerContext* context, const health::HealthCheckRequest* request,
      grpc::ServerWriter<health::HealthCheckResponse>* writer) override {
    health::HealthCheckResponse response;
    if (request->service() == "refused") {
      return {grpc::StatusCode::INVALID_ARGUMENT, "service: refused"};
    }
    for (const auto status : {health::HealthCheckResponse::SERVING,
                              health::HealthCheckResponse::NOT_SERVING}) {
      response.set_status(status);
      writer->Write(response);
    }
    if (request->service() == "silent") {
      // Until the caller gives up.
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    }
    if (request->service() == "drained") {
      context->AddTrailingMetadata("rocketmq-end-reason", "DRAINED");
      context->AddTrailingMetadata("rocketmq-retry-after-ms", "1500");
      return {grpc::StatusCode::UNAVAILABLE, "DRAINED"};
    }
    return grpc::Status::OK;
  }
};

class StreamingCallTest : public ::testing::Test {
 protected:
  StreamingCallTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", PlaintextServerCredentials().Get(),
                             &port);
    builder.RegisterService(&health_);
    server_ = builder.BuildAndStart();
    stub_ = std::make_unique<grpc::TemplatedGenericStub<Message, Message>>(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port),
                            PlaintextChannelCredentials().Get()));
  }
  ~StreamingCallTest() override { server_->Shutdown(); }

  // Notes the responses, and goes on while `goes_on_`.
  grpc::Status Call(const std::string& service) {
    health::HealthCheckRequest request;
    request.set_service(service);
    health::HealthCheckResponse response;
    return CallStreaming(
        stub_.get(), &context_, "/grpc.health.v1.Health/Watch", request,
        &response,
        [this](const Message& message) {
          responses_.push_back(
              static_cast<const health::HealthCheckResponse&>(message)
                  .status());
        },
        [this] { return responses_.size() < wanted_; });
  }

  grpc::TemplatedGenericStub<Message, Message>* stub() { return stub_.get(); }

  size_t wanted_ = 1000;
  std::vector<int> responses_;
  grpc::ClientContext context_;

 private:
  FakeHealth health_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::TemplatedGenericStub<Message, Message>> stub_;
};

TEST_F(StreamingCallTest, ResponsesComeInOrderAndThenTheEnd) {
  EXPECT_TRUE(Call("").ok());
  EXPECT_THAT(responses_,
              ElementsAre(health::HealthCheckResponse::SERVING,
                          health::HealthCheckResponse::NOT_SERVING));
}

TEST_F(StreamingCallTest, ARefusalIsTheStatusAlone) {
  const grpc::Status status = Call("refused");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "service: refused");
  EXPECT_TRUE(responses_.empty());
}

TEST_F(StreamingCallTest, TheEndHasTheReasonAndTheTimeToStayAway) {
  EXPECT_EQ(Call("drained").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(EndReasonTrailer(context_), "DRAINED");
  EXPECT_EQ(RetryAfterTrailer(context_), absl::Milliseconds(1500));
}

TEST_F(StreamingCallTest, ACallerThatHasEnoughGetsNoFurtherResponse) {
  wanted_ = 1;
  EXPECT_EQ(Call("silent").error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(responses_.size(), 1u);
}

TEST_F(StreamingCallTest, ACallThatWaitsEndsAtItsDeadline) {
  context_.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                     gpr_time_from_millis(300, GPR_TIMESPAN)));
  EXPECT_EQ(Call("silent").error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(StreamingCallTest, ACallThatWaitsForAResponseIsCancelled) {
  health::HealthCheckRequest request;
  request.set_service("silent");
  health::HealthCheckResponse response;
  // It goes on at the looks after the two responses, and ends at a later one,
  // while no response comes.
  int looks = 0;
  EXPECT_EQ(
      CallStreaming(
          stub(), &context_, "/grpc.health.v1.Health/Watch", request, &response,
          [](const Message&) {}, [&looks] { return ++looks <= 5; })
          .error_code(),
      grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace rmq
