// Who calls is found out when a call or a stream opens, and for a stream again
// at its next frame once the rules have changed.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

CallStatus Unknown() {
  return {absl::StatusCode::kUnauthenticated, ResponseCode::kSystemError,
          "who are you"};
}

CallStatus Denied() {
  return {absl::StatusCode::kPermissionDenied, ResponseCode::kSystemError,
          "you may not"};
}

pb::HeartbeatRequest Light(uint64_t token) {
  pb::HeartbeatRequest request;
  request.set_statement_token(token);
  return request;
}

grpc::Status Call(const TestBroker& broker,
                  const pb::HeartbeatRequest& request) {
  pb::HeartbeatResponse response;
  return broker.Heartbeat(request, &response);
}

TEST(IdentityTest, WithoutRulesNobodyIsIdentified) {
  TestBroker broker;
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c1", "orders")).ok());
  broker.Join(ConsumerHeartbeat("c2", "orders"));
  EXPECT_EQ(broker.authorizer().identified(), 0);
  EXPECT_EQ(broker.authorizer().last().user, "");
}

TEST(IdentityTest, TheGateIsToldWhoMakesAUnaryCall) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "pay");
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c1", "orders")).ok());
  EXPECT_EQ(broker.authorizer().last().user, "pay");
}

TEST(IdentityTest, AUnaryCallOfWhoIsNotKnownIsRefused) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "", Unknown());
  const grpc::Status status = Call(broker, ConsumerHeartbeat("c1", "orders"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(status.error_message(), "who are you");
  EXPECT_EQ(broker.authorizer().count("Heartbeat"), 0);
}

TEST(IdentityTest, HealthIsToldToEverybody) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "", Unknown());
  const auto stub = grpc::health::v1::Health::NewStub(broker.connection());
  grpc::ClientContext context;
  SetTestDeadline(context);
  grpc::health::v1::HealthCheckResponse response;
  EXPECT_TRUE(stub->Check(&context, {}, &response).ok());
  grpc::ClientContext watch;
  SetTestDeadline(watch);
  EXPECT_TRUE(stub->Watch(&watch, {})->Read(&response));
}

TEST(IdentityTest, AStreamOfWhoIsNotKnownEndsAtOnce) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "", Unknown());
  EXPECT_EQ(broker.Connect()->Finish().error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST(IdentityTest, AStreamIsIdentifiedOnceForAllOfItsFrames) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "pay");
  const auto stream = broker.Connect();
  const uint64_t token = stream->Call(ConsumerHeartbeat("c1", "orders"))
                             .heartbeat()
                             .statement_token();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(
        stream->Call(Light(token)).heartbeat().full_statement_needed());
    stream->Call(ListFrame("orders"));
    EXPECT_EQ(broker.authorizer().last().user, "pay");
  }
  EXPECT_EQ(broker.authorizer().identified(), 1);
}

TEST(IdentityTest, NewRulesHaveAStatementMadeAgainThoughItIsRepeated) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "pay");
  const auto stream = broker.Connect();
  const auto state = [&] {
    return stream->Call(ConsumerHeartbeat("c1", "orders"))
        .heartbeat()
        .statement_token();
  };
  const uint64_t token = state();
  EXPECT_EQ(state(), token);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(
        stream->Call(Light(token)).heartbeat().full_statement_needed());
  }
  broker.authorizer().SetRules(2, "pay");
  EXPECT_TRUE(stream->Call(Light(token)).heartbeat().full_statement_needed());
  EXPECT_EQ(broker.authorizer().identified(), 2);
  const int asked = broker.authorizer().count("Heartbeat");
  const uint64_t new_token = state();
  EXPECT_NE(new_token, token);
  EXPECT_EQ(broker.authorizer().count("Heartbeat"), asked + 1);
  EXPECT_FALSE(
      stream->Call(Light(new_token)).heartbeat().full_statement_needed());
}

TEST(IdentityTest, AUnaryClientsStatementIsMadeAgainByNewRulesToo) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "pay");
  pb::HeartbeatResponse response;
  ASSERT_TRUE(
      broker.Heartbeat(ConsumerHeartbeat("c1", "orders"), &response).ok());
  pb::HeartbeatRequest light = Light(response.statement_token());
  light.set_client_id("c1");
  ASSERT_TRUE(broker.Heartbeat(light, &response).ok());
  EXPECT_FALSE(response.full_statement_needed());
  broker.authorizer().SetRules(2, "pay");
  ASSERT_TRUE(broker.Heartbeat(light, &response).ok());
  EXPECT_TRUE(response.full_statement_needed());
}

TEST(IdentityTest, WhoIsNotKnownAnyMoreIsOutAtTheNextLightHeartbeat) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "pay");
  const auto stream = broker.Connect();
  const uint64_t token = stream->Call(ConsumerHeartbeat("c1", "orders"))
                             .heartbeat()
                             .statement_token();
  // So that the next one repeats it.
  stream->Call(Light(token));
  broker.authorizer().SetRules(2, "", Unknown());
  stream->Write(FrameOf(Light(token)));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(EndReasonOf(stream->context()), "");
  broker.authorizer().SetRules(3, "pay");
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(IdentityTest, TheAddressOfWhoIsNotKnownPaysForItsBytes) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 1000;
  TestBroker broker(options);
  broker.authorizer().SetRules(1, "", Unknown());
  const pb::HeartbeatRequest large =
      ConsumerHeartbeat(std::string(2500, 'x'), "orders");
  const auto code = [&] { return Call(broker, large).error_code(); };
  EXPECT_EQ(code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // Users behind the address pay for themselves.
  broker.authorizer().SetRules(2, "pay");
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c1", "orders")).ok());
  broker.authorizer().SetRules(3, "", Unknown());
  broker.PassTime(absl::Seconds(2));
  EXPECT_EQ(code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST(IdentityTest, AWatchOfWhoIsNotKnownIsPaidForTheSame) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.server.rates.max_unary_bytes_rate = 1000;
  TestBroker broker(options);
  broker.authorizer().SetRules(1, "", Unknown());
  const auto watch = [&] {
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::WatchRequest request;
    request.add_groups(std::string(2500, 'x'));
    pb::WatchResponse response;
    const auto stub = pb::ClientManagerAdmin::NewStub(broker.connection());
    const auto reader = stub->Watch(&context, request);
    EXPECT_FALSE(reader->Read(&response));
    return reader->Finish().error_code();
  };
  EXPECT_EQ(watch(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(watch(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

BrokerController::Options OneChannelForEach() {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.table.max_channels_per_address = 1;
  return options;
}

TEST(IdentityTest, UnaryClientsOfUsersAtOneAddressHaveRoomEach) {
  TestBroker broker(OneChannelForEach());
  broker.authorizer().SetRules(1, "pay");
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c1", "orders")).ok());
  const grpc::Status second = Call(broker, ConsumerHeartbeat("c2", "orders"));
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(second.error_message(),
              HasSubstr("no room for another channel from user \"pay\""));
  broker.authorizer().SetRules(2, "ship");
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c2", "orders")).ok());
  broker.authorizer().SetRules(3, "");
  EXPECT_TRUE(Call(broker, ConsumerHeartbeat("c3", "orders")).ok());
}

TEST(IdentityTest, StreamsOfUsersAtOneAddressHaveRoomEach) {
  TestBroker broker(OneChannelForEach());
  broker.authorizer().SetRules(1, "pay");
  const auto first = broker.Join(ConsumerHeartbeat("c1", "orders"));
  const grpc::Status second = broker.Connect()->Finish();
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(second.error_message(), HasSubstr("user \"pay\""));
  broker.authorizer().SetRules(2, "ship");
  broker.Join(ConsumerHeartbeat("c2", "orders"));
}

// A stream of events, with what has been read of it.
class Watch {
 public:
  explicit Watch(const TestBroker& broker)
      : stub_(pb::ClientManagerAdmin::NewStub(broker.connection())) {
    SetTestDeadline(context_);
    reader_ = stub_->Watch(&context_, {});
  }
  // Blocks until the snapshot is read.
  void ReadSnapshot() {
    pb::WatchResponse response;
    while (reader_->Read(&response) && !response.snapshot().last()) {
    }
  }
  grpc::Status Finish() {
    pb::WatchResponse response;
    while (reader_->Read(&response)) {
    }
    return reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<pb::ClientManagerAdmin::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<pb::WatchResponse>> reader_;
};

TEST(IdentityTest, AWatchEndsBeforeItsNextEventIfItsCallerIsNotKnownAnyMore) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "operator");
  const auto member = broker.Join(ConsumerHeartbeat("c1", "orders"));
  Watch watch(broker);
  watch.ReadSnapshot();
  broker.authorizer().SetRules(2, "", Unknown());
  member->HalfClose();
  broker.PassTime(absl::Seconds(1));
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST(IdentityTest, AWatchEndsBeforeItsNextEventIfItsCallerMayNotAnyMore) {
  TestBroker broker;
  broker.authorizer().SetRules(1, "operator");
  const auto member = broker.Join(ConsumerHeartbeat("c1", "orders"));
  Watch watch(broker);
  watch.ReadSnapshot();
  broker.authorizer().SetRules(2, "operator", {}, Denied());
  member->HalfClose();
  broker.PassTime(absl::Seconds(1));
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace rmq
