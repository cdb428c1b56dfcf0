// ReceiveMessage of RocketMQ 5's protocol: held, and then answered.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr char kReceive[] = R"pb(
  group { name: "orders" }
  message_queue { topic { name: "T1" } }
  long_polling_timeout { seconds: 5 }
)pb";

// Calls of one client, each read by a thread of its own.
class Receives {
 public:
  Receives(const TestBroker& broker, int count)
      : stub_(v2::MessagingService::NewStub(broker.connection())) {
    for (int i = 0; i < count; ++i) {
      readers_.emplace_back([this] { Receive(); });
    }
  }
  ~Receives() { AwaitAll(); }

  // Blocks until the broker has said to one that there are too many: it has
  // the others then.
  void AwaitTooMany() const {
    while (too_many == 0) std::this_thread::yield();
  }
  void AwaitAll() {
    for (std::thread& reader : readers_) reader.join();
    readers_.clear();
  }

  // How many were answered so.
  std::atomic<int> too_many{0};
  std::atomic<int> no_message{0};

 private:
  void Receive() {
    grpc::ClientContext context;
    PrepareSdkCall("c1", &context);
    const auto call = stub_->ReceiveMessage(
        &context, ParseText<v2::ReceiveMessageRequest>(kReceive));
    v2::ReceiveMessageResponse response;
    EXPECT_TRUE(call->Read(&response));
    const v2::Code code = response.status().code();
    EXPECT_FALSE(call->Read(&response));
    EXPECT_TRUE(call->Finish().ok());
    if (code == v2::NOT_IMPLEMENTED) ++too_many;
    if (code == v2::MESSAGE_NOT_FOUND) ++no_message;
  }

  const std::unique_ptr<v2::MessagingService::Stub> stub_;
  std::vector<std::thread> readers_;
};

TEST(ReceiveTest, AReceiveIsHeldAndThenHasNoMessage) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.rocketmq5.topic_queues = 1;
  TestBroker broker(options);
  Receives receives(broker, 2);
  receives.AwaitTooMany();
  broker.PassTime(absl::Seconds(4));
  EXPECT_EQ(receives.no_message, 0);
  broker.PassTime(absl::Seconds(1));
  receives.AwaitAll();
  EXPECT_EQ(receives.no_message, 1);
}

TEST(ReceiveTest, AClientHasAsManyHeldReceivesAsTheTopicHasQueues) {
  TestBroker broker;
  const int queues = TestBroker::DefaultOptions().rocketmq5.topic_queues;
  Receives receives(broker, queues + 1);
  receives.AwaitTooMany();
  broker.PassTime(absl::Seconds(5));
  receives.AwaitAll();
  EXPECT_EQ(receives.too_many, 1);
  EXPECT_EQ(receives.no_message, queues);
}

TEST(ReceiveTest, AReceiveWithoutMetadataIsToldInTheBody) {
  TestBroker broker;
  const auto stub = v2::MessagingService::NewStub(broker.connection());
  grpc::ClientContext context;
  SetTestDeadline(context);
  const auto call = stub->ReceiveMessage(&context, v2::ReceiveMessageRequest());
  v2::ReceiveMessageResponse response;
  EXPECT_TRUE(call->Read(&response));
  EXPECT_EQ(response.status().code(), v2::CLIENT_ID_REQUIRED);
  EXPECT_TRUE(call->Finish().ok());
}

TEST(ReceiveTest, APullIsNotImplemented) {
  TestBroker broker;
  const auto stub = v2::MessagingService::NewStub(broker.connection());
  grpc::ClientContext context;
  PrepareSdkCall("c1", &context);
  const auto call = stub->PullMessage(&context, v2::PullMessageRequest());
  v2::PullMessageResponse response;
  EXPECT_TRUE(call->Read(&response));
  EXPECT_EQ(response.status().code(), v2::NOT_IMPLEMENTED);
  EXPECT_TRUE(call->Finish().ok());
}

}  // namespace
}  // namespace rmq
