// Unary calls to a broker: messages, limits, errors.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/broker_controller.h"
#include "broker/server/server_testutil.h"
#include "broker/server/test_broker.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(UnaryCallsTest, UnaryErrorsCarryRocketMqsCodeInTheTrailingMetadata) {
  TestBroker broker;
  int code = -1;
  pb::HeartbeatResponse response;
  EXPECT_TRUE(
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response, &code)
          .ok());
  EXPECT_EQ(code, 0);

  const grpc::Status bad =
      broker.Heartbeat(ConsumerHeartbeat("c1", "no blanks"), &response, &code);
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(bad.error_message(),
              AllOf(HasSubstr("consumers[0].group"), HasSubstr("no blanks")));
  EXPECT_EQ(code, 1);

  pb::GetConsumerListByGroupRequest list;
  list.set_group("unknown");
  GenericOutcome outcome = GenericCall(
      broker.connection(),
      "/rocketmq.clientmanager.v1.ClientManager/GetConsumerListByGroup",
      list.SerializeAsString());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(outcome.response_code, 1);

  pb::CheckClientConfigRequest check;
  check.set_client_id("c1");
  check.set_group("orders");
  check.mutable_subscription()->set_expression_type("XPATH");
  outcome =
      GenericCall(broker.connection(),
                  "/rocketmq.clientmanager.v1.ClientManager/CheckClientConfig",
                  check.SerializeAsString());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(outcome.response_code, 23);
}

TEST(UnaryCallsTest, ARequestOverTheSizeLimitIsResourceExhausted) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_bytes = 4096;
  TestBroker broker(options);
  pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "orders");
  pb::SubscriptionData* const subscription =
      request.mutable_consumers(0)->mutable_subscriptions(0);
  // Two bytes more for each of two lengths that no longer fit into one.
  subscription->set_expression(
      std::string(4096 - request.ByteSizeLong() - 1, 'x'));
  while (request.ByteSizeLong() > 4096) {
    subscription->mutable_expression()->pop_back();
  }
  ASSERT_EQ(request.ByteSizeLong(), 4096);
  pb::HeartbeatResponse response;
  EXPECT_TRUE(broker.Heartbeat(request, &response).ok());

  subscription->mutable_expression()->push_back('x');
  int code = -1;
  const grpc::Status status = broker.Heartbeat(request, &response, &code);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(),
            "message must be at most 4096 bytes, got 4097");
  EXPECT_EQ(code, 2);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(UnaryCallsTest, BytesThatAreNoRequestAreRefusedAndTheNextCallIsServed) {
  TestBroker broker;
  const std::string method =
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat";
  const GenericOutcome outcome =
      GenericCall(broker.connection(), method, "\x0a\xff");
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(outcome.status.error_message(),
            "the message is not a HeartbeatRequest");
  EXPECT_EQ(outcome.response_code, 1);
  EXPECT_THAT(GenericCall(broker.connection(), method, "").status,
              SaysInvalid("client_id"));
}

// A heartbeat by a client that has not said what: a stream of requests may be
// none, which a unary call's client cannot say.
class CallWithoutAMessage {
 public:
  explicit CallWithoutAMessage(
      const std::shared_ptr<grpc::Channel>& connection) {
    SetTestDeadline(context_);
    call_.reset(
        grpc::internal::ClientWriterFactory<pb::HeartbeatRequest>::Create(
            connection.get(), method_, &context_, &response_));
  }

  grpc::ClientWriter<pb::HeartbeatRequest>* operator->() { return call_.get(); }

 private:
  const grpc::internal::RpcMethod method_{
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::CLIENT_STREAMING};
  grpc::ClientContext context_;
  pb::HeartbeatResponse response_;
  std::unique_ptr<grpc::ClientWriter<pb::HeartbeatRequest>> call_;
};

TEST(UnaryCallsTest, ACallWithoutAMessageIsRefused) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  call->WritesDone();
  EXPECT_THAT(call->Finish(), SaysInvalid("the call has no message"));
}

TEST(UnaryCallsTest, ACallWhoseMessageDoesNotComeEndsAfterTenSeconds) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  // On the same connection, so the call before it has begun.
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  broker.clock().Advance(absl::Milliseconds(9999));
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  CallWithoutAMessage later(broker.connection());
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  broker.clock().Advance(absl::Milliseconds(1));
  const grpc::Status status = call->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(status.error_message(),
            "the call's message did not come within 10s");
  // Each has its own time.
  ASSERT_TRUE(later->Write(ConsumerHeartbeat("c1", "orders")));
  later->WritesDone();
  EXPECT_TRUE(later->Finish().ok());
}

// Blocks until the broker has no call but the one that asks. A client that read
// its answer instead would make room for the rest of it.
void AwaitEndOfCalls(const TestBroker& broker) {
  const auto admin = pb::ClientManagerAdmin::NewStub(broker.connection());
  int64_t open_calls = 0;
  do {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::ListPeersResponse response;
    ASSERT_TRUE(admin->ListPeers(&context, {}, &response).ok());
    open_calls = 0;
    for (const pb::ConnectedPeer& peer : response.peers()) {
      open_calls += peer.open_calls();
    }
  } while (open_calls > 1);
}

TEST(UnaryCallsTest, ASlowReaderLimitBelowThatOfMessagesHoldsForAnswersToo) {
  BrokerController::Options options = LargeAnswerOptions();
  options.server.slow_reader_limit = absl::Seconds(3);
  TestBroker broker(options);
  const auto connection = broker.NewNarrowConnection();
  const grpc::internal::RpcMethod method(
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::BIDI_STREAMING);
  grpc::ClientContext context;
  SetTestDeadline(context);
  const std::unique_ptr<
      grpc::ClientReaderWriter<pb::HeartbeatRequest, pb::HeartbeatResponse>>
      call(grpc::internal::ClientReaderWriterFactory<
           pb::HeartbeatRequest,
           pb::HeartbeatResponse>::Create(connection.get(), method, &context));
  ASSERT_TRUE(call->Write(LargeAnswerHeartbeat("c1", "orders")));
  call->WritesDone();
  broker.authorizer().AwaitCount("Heartbeat", 1);
  for (int i = 0; i < 4; ++i) {
    broker.ConsumerIds("orders");
    broker.clock().Advance(absl::Seconds(1));
    broker.clock().WaitForParkedWaiters(1);
  }
  AwaitEndOfCalls(broker);
  pb::HeartbeatResponse response;
  while (call->Read(&response)) {
  }
  EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(UnaryCallsTest, AnAnswerThatIsNotReadEndsAfterTheSlowReaderLimit) {
  BrokerController::Options options = LargeAnswerOptions();
  options.table.channel_expiry = absl::Hours(24);
  options.server.slow_reader_limit = absl::Seconds(30);
  TestBroker broker(options);
  // Of two alike one reads.
  const auto connection = broker.NewNarrowConnection();
  const grpc::internal::RpcMethod method(
      "/rocketmq.clientmanager.v1.ClientManager/Heartbeat",
      grpc::internal::RpcMethod::BIDI_STREAMING);
  using Call =
      grpc::ClientReaderWriter<pb::HeartbeatRequest, pb::HeartbeatResponse>;
  grpc::ClientContext contexts[2];
  std::unique_ptr<Call> calls[2];
  for (int i = 0; i < 2; ++i) {
    SetTestDeadline(contexts[i]);
    calls[i].reset(grpc::internal::ClientReaderWriterFactory<
                   pb::HeartbeatRequest,
                   pb::HeartbeatResponse>::Create(connection.get(), method,
                                                  &contexts[i]));
    ASSERT_TRUE(calls[i]->Write(LargeAnswerHeartbeat("c1", "orders")));
    calls[i]->WritesDone();
    broker.authorizer().AwaitCount("Heartbeat", i + 1);
  }
  broker.ConsumerIds("orders");
  broker.clock().Advance(absl::Seconds(10));
  broker.clock().WaitForParkedWaiters(1);
  broker.ConsumerIds("orders");
  pb::HeartbeatResponse response;
  EXPECT_TRUE(calls[0]->Read(&response));
  EXPECT_TRUE(calls[0]->Finish().ok());
  for (int i = 0; i < 5; ++i) {
    broker.clock().Advance(absl::Seconds(10));
    broker.ConsumerIds("orders");
    broker.clock().WaitForParkedWaiters(1);
  }
  AwaitEndOfCalls(broker);
  while (calls[1]->Read(&response)) {
  }
  EXPECT_EQ(calls[1]->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST(UnaryCallsTest, CompressedRequestsAreAnsweredUpToTheSizeLimit) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.max_frame_bytes = 4096;
  TestBroker broker(options);
  for (auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    const auto connection = broker.NewCompressingConnection(algorithm);
    const auto heartbeat = [&](size_t expression_bytes) {
      pb::HeartbeatRequest request = ConsumerHeartbeat("c1", "orders");
      request.mutable_consumers(0)->mutable_subscriptions(0)->set_expression(
          std::string(expression_bytes, 'x'));
      grpc::ClientContext context;
      SetTestDeadline(context);
      pb::HeartbeatResponse response;
      return pb::ClientManager::NewStub(connection)
          ->Heartbeat(&context, request, &response);
    };
    EXPECT_TRUE(heartbeat(4000).ok());
    for (size_t bytes : {size_t{4096}, size_t{1} << 20}) {
      const grpc::Status status = heartbeat(bytes);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
      EXPECT_THAT(status.error_message(),
                  HasSubstr("message must be at most 4096 bytes, got more: "));
    }
    // Small ones are not compressed, and to health they are the same.
    EXPECT_EQ(Serving(connection), absl::make_optional(true));
  }
}

TEST(UnaryCallsTest, UnaryCallsOfAnAddressAreRatedByGroupsRowsAndBytes) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 10'000;
  options.server.rates.max_unary_groups_rate = 1;
  options.server.rates.max_listed_rows_rate = 1;
  TestBroker broker(options);
  pb::HeartbeatResponse response;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());
  }
  int code = -1;
  grpc::Status status =
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response, &code);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(code, 2);
  EXPECT_EQ(status.error_message(),
            "groups of unary requests from one address must be at most 1 a "
            "second, come again in 1ms");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  }
  const auto list = [&] {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::GetConsumerListByGroupRequest request;
    request.set_group("orders");
    pb::GetConsumerListByGroupResponse members;
    return pb::ClientManager::NewStub(broker.connection())
        ->GetConsumerListByGroup(&context, request, &members);
  };
  EXPECT_THAT(list().error_message(),
              HasSubstr("rows of listings from one address must be at most 1"));
  broker.clock().Advance(absl::Seconds(1));
  EXPECT_TRUE(list().ok());
  EXPECT_TRUE(
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());

  pb::HeartbeatRequest large = ConsumerHeartbeat("c1", "orders");
  large.mutable_consumers(0)->mutable_subscriptions(0)->set_expression(
      std::string(60'000, 'x'));
  broker.clock().Advance(absl::Seconds(2));
  EXPECT_TRUE(broker.Heartbeat(large, &response).ok());
  EXPECT_THAT(list().error_message(), HasSubstr("bytes of unary requests"));
}

TEST(UnaryCallsTest, ACallThatSendsNoMessageDelaysNoStop) {
  TestBroker broker;
  CallWithoutAMessage call(broker.connection());
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
  const Stopwatch stopwatch;
  broker.controller().Shutdown(absl::Seconds(50));
  EXPECT_LT(stopwatch.seconds(), 40);
  EXPECT_FALSE(call->Finish().ok());
}

TEST(UnaryCallsTest, EveryUnaryMethodOfItsServicesIsServed) {
  TestBroker broker;
  const google::protobuf::FileDescriptor* const files[] = {
      pb::HeartbeatRequest::descriptor()->file(),
      pb::ListGroupsRequest::descriptor()->file(),
      grpc::health::v1::HealthCheckRequest::descriptor()->file()};
  for (const auto* const file : files) {
    ASSERT_EQ(file->service_count(), 1);
    const auto& service = *file->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const auto& method = *service.method(i);
      if (method.server_streaming()) continue;
      const GenericOutcome outcome = GenericCall(
          broker.connection(),
          absl::StrCat("/", service.full_name(), "/", method.name()), "");
      EXPECT_NE(outcome.status.error_code(), grpc::StatusCode::UNIMPLEMENTED)
          << method.full_name();
    }
  }
}

TEST(UnaryCallsTest, AnUnknownMethodIsUnimplemented) {
  TestBroker broker;
  for (const std::string method :
       {"/rocketmq.clientmanager.v1.ClientManager/SendMessage",
        "/no.such.Service/Heartbeat", "nonsense"}) {
    const GenericOutcome outcome = GenericCall(broker.connection(), method, "");
    EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(outcome.status.error_message(),
              absl::StrCat("no such method: \"", method, "\""));
    EXPECT_EQ(outcome.response_code, 3);
  }
}

TEST(UnaryCallsTest, HealthSaysServing) {
  TestBroker broker;
  EXPECT_EQ(Serving(broker.connection()), absl::make_optional(true));
}

}  // namespace
}  // namespace rmq
