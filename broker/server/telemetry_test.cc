// Telemetry as the SDKs for C++, C# and Rust use it, which differ from those
// for Java: see the table of SDKs in broker/fronts/rocketmq_v2/README.md.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The SDK for Rust states no subscription, and no access point.
constexpr char kRustSettings[] = R"pb(
  settings {
    client_type: SIMPLE_CONSUMER
    request_timeout { seconds: 3 }
    subscription {
      group { name: "orders" }
      fifo: false
      long_polling_timeout { seconds: 8 }
    }
    user_agent { language: RUST version: "5.0.0" }
  })pb";
constexpr char kSimpleHeartbeat[] =
    "client_type: SIMPLE_CONSUMER group { name: 'orders' }";

TEST(TelemetryTest, TheInitialMetadataComesBeforeAnyMessage) {
  TestBroker broker;
  TestSdkClient client(broker, "pod@1#0");
  client.OpenStream();
  client.AwaitInitialMetadata();
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
}

TEST(TelemetryTest, SettingsWithoutAccessPointAndSubscriptionsAreTaken) {
  TestBroker broker;
  TestSdkClient client(broker, "pod@1#0");
  const v2::TelemetryCommand answer = client.State(kRustSettings);
  EXPECT_EQ(answer.status().code(), v2::OK);
  EXPECT_FALSE(answer.settings().has_access_point());
  EXPECT_EQ(answer.settings().subscription().long_polling_timeout().seconds(),
            8);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("pod@1#0"));
}

TEST(TelemetryTest, NoSubscriptionsWipeNoneOfTheGroup) {
  TestBroker broker;
  TestSdkClient java(broker, "java");
  java.State(kConsumerSettings);
  TestSdkClient rust(broker, "pod@1#0");
  rust.State(kRustSettings);
  const auto admin = pb::ClientManagerAdmin::NewStub(broker.connection());
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::FindSubscriptionRequest request;
  request.set_group("orders");
  request.set_topic("T1");
  pb::FindSubscriptionResponse response;
  EXPECT_TRUE(admin->FindSubscription(&context, request, &response).ok());
  EXPECT_EQ(response.subscription().expression(), "a || b");
}

TEST(TelemetryTest, AStreamThatEndsByItsDeadlineAndIsReopenedLosesNobody) {
  TestBroker broker;
  TestSdkClient client(broker, "host@1#0_1");
  client.OpenStream(absl::Milliseconds(300));
  client.State(kConsumerSettings);
  EXPECT_EQ(client.AwaitEnd().error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("host@1#0_1"));
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  broker.PassTime(absl::Seconds(100));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("host@1#0_1"));
}

TEST(TelemetryTest, AStreamThatIsResetIsAsOneThatIsHalfClosed) {
  for (const bool resets : {true, false}) {
    TestBroker broker;
    TestSdkClient client(broker, "pod@1#0");
    client.State(kConsumerSettings);
    if (resets) {
      client.BreakStream();
    } else {
      client.HalfClose();
      EXPECT_TRUE(client.AwaitEnd().ok());
    }
    broker.PassTime(absl::Seconds(30));
    EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("pod@1#0"));
    // The broker may hear of the end only now; the usual expiry is 120 s.
    broker.PassTime(absl::Seconds(40));
    EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
  }
}

TEST(TelemetryTest, HeartbeatsAfterAGoodbyeRegisterNothingForHalfAMinute) {
  TestBroker broker;
  TestSdkClient client(broker, "host@1#0_1");
  client.State(kConsumerSettings);
  EXPECT_EQ(client.Terminate().code(), v2::OK);
  broker.PassTime(absl::Seconds(29));
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
  broker.PassTime(absl::Seconds(1));
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("host@1#0_1"));
}

TEST(TelemetryTest, AStreamWithoutMetadataIsToldTheCodeAndEndsWithOk) {
  TestBroker broker;
  TestSdkClient client(broker, "");
  client.OpenStream();
  EXPECT_EQ(client.ReadCommand().status().code(), v2::CLIENT_ID_REQUIRED);
  broker.PassTime(absl::Seconds(1));
  EXPECT_TRUE(client.AwaitEnd().ok());
}

TEST(TelemetryTest, AStreamMayStaySilentAsLongAsItsClientLives) {
  TestBroker broker;
  TestSdkClient client(broker, "python");
  client.OpenStream();
  for (int i = 0; i < 60; ++i) {
    broker.PassTime(absl::Seconds(10));
    EXPECT_EQ(client.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  }
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("python"));
  EXPECT_EQ(client.State(kRustSettings).status().code(), v2::OK);
}

TEST(TelemetryTest, HeartbeatsOfManyClientsOnOneConnectionAreNoFlood) {
  constexpr int kClients = 200;
  constexpr int kRounds = 20;
  TestBroker broker;
  const auto connection = broker.NewConnection();
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kClients; ++i) {
      TestSdkClient client(connection, absl::StrCat("node@1@", i));
      ASSERT_EQ(client.Heartbeat(kSimpleHeartbeat).code(), v2::OK)
          << round << " " << i;
    }
  }
  EXPECT_THAT(broker.ConsumerIds("orders"), SizeIs(kClients));
}

}  // namespace
}  // namespace rmq
