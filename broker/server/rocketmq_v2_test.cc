// Clients of RocketMQ 5's protocol, as its SDKs call a broker.

#include <vector>

#include "absl/time/time.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/fronts/rocketmq_v2/rocketmq5_options.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(RocketmqV2Test, ARouteHasQueuesAtTheEndpointsOfTheRequest) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const v2::QueryRouteResponse route = client.QueryRoute(R"pb(
    topic { name: "T1" }
    endpoints {
      scheme: DOMAIN_NAME
      addresses { host: "proxy.example" port: 8081 }
    })pb");
  EXPECT_EQ(route.status().code(), v2::OK);
  ASSERT_EQ(route.message_queues_size(), 8);
  const v2::MessageQueue& queue = route.message_queues(7);
  EXPECT_EQ(queue.id(), 7);
  EXPECT_EQ(queue.permission(), v2::READ_WRITE);
  EXPECT_EQ(queue.broker().id(), 0);
  EXPECT_EQ(queue.broker().endpoints().scheme(), v2::DOMAIN_NAME);
  EXPECT_EQ(queue.broker().endpoints().addresses(0).host(), "proxy.example");
  EXPECT_EQ(queue.accept_message_types_size(), 4);
}

TEST(RocketmqV2Test, ARouteWithoutEndpointsIsToTheBrokersOwnAddress) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const v2::QueryRouteResponse route =
      client.QueryRoute("topic { name: 'T1' }");
  ASSERT_GT(route.message_queues_size(), 0);
  const auto& address = route.message_queues(0).broker().endpoints();
  EXPECT_EQ(address.scheme(), v2::IPv4);
  EXPECT_EQ(address.addresses(0).port(), broker.controller().port());
}

TEST(RocketmqV2Test, ATopicOfBadFormIsAnErrorInTheBody) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const v2::Status status = client.QueryRoute("topic { name: 'a b' }").status();
  EXPECT_EQ(status.code(), v2::ILLEGAL_TOPIC);
  EXPECT_THAT(status.message(), HasSubstr("a b"));
}

TEST(RocketmqV2Test, ACallWithoutAClientIdIsToldSoInTheBody) {
  TestBroker broker;
  TestSdkClient client(broker, "");
  EXPECT_EQ(client.Heartbeat(kProducerHeartbeat).code(),
            v2::CLIENT_ID_REQUIRED);
}

TEST(RocketmqV2Test, AProducerIsInTheGroupsOfItsTopicsUntilItSaysGoodbye) {
  TestBroker broker;
  TestSdkClient client(broker, "p1");
  const v2::TelemetryCommand answer = client.State(kProducerSettings);
  EXPECT_EQ(answer.status().code(), v2::OK);
  EXPECT_EQ(
      answer.settings().backoff_policy().exponential_backoff().multiplier(), 2);
  EXPECT_EQ(answer.settings().publishing().topics_size(), 2);
  EXPECT_EQ(answer.settings().publishing().max_body_size(), 4 * 1024 * 1024);
  EXPECT_THAT(ProducerIds(broker, "T1"), ElementsAre("p1"));
  EXPECT_THAT(ProducerIds(broker, "T2"), ElementsAre("p1"));

  EXPECT_EQ(client.Terminate().code(), v2::OK);
  EXPECT_THAT(ProducerIds(broker, "T1"), IsEmpty());
  EXPECT_THAT(ProducerIds(broker, "T2"), IsEmpty());
  // A heartbeat that was under way.
  EXPECT_EQ(client.Heartbeat(kProducerHeartbeat).code(), v2::OK);
  EXPECT_THAT(ProducerIds(broker, "T1"), IsEmpty());
  // Twice, and unknown.
  EXPECT_EQ(client.Terminate().code(), v2::OK);
  EXPECT_EQ(TestSdkClient(broker, "nobody").Terminate().code(), v2::OK);
}

TEST(RocketmqV2Test, SettingsAfterAGoodbyeCount) {
  TestBroker broker;
  TestSdkClient client(broker, "p1");
  client.State(kProducerSettings);
  client.Terminate();
  client.State(kProducerSettings);
  EXPECT_THAT(ProducerIds(broker, "T1"), ElementsAre("p1"));
}

TEST(RocketmqV2Test, NativeMembersArePushedWhenSdkMembersComeAndGo) {
  TestBroker broker;
  const auto native = broker.Join(ConsumerHeartbeat("native", "orders"));
  TestSdkClient client(broker, "sdk");
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(native->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("native", "sdk"));
  client.Terminate();
  broker.PassTime(absl::Seconds(1));
  EXPECT_EQ(native->ReadPush(), "orders");
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("native"));
}

TEST(RocketmqV2Test, AHeartbeatOfAnUnknownConsumerRegistersIt) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(RocketmqV2Test, AnUnknownProducerIsRegisteredByTheRoutesThatItAsks) {
  TestBroker broker;
  TestSdkClient client(broker, "p1");
  const v2::Status unknown = client.Heartbeat(kProducerHeartbeat);
  EXPECT_EQ(unknown.code(), v2::UNRECOGNIZED_CLIENT_TYPE);
  EXPECT_THAT(unknown.message(), HasSubstr("QueryRoute"));
  client.QueryRoute("topic { name: 'T1' }");
  EXPECT_EQ(client.Heartbeat(kProducerHeartbeat).code(), v2::OK);
  EXPECT_THAT(ProducerIds(broker, "T1"), ElementsAre("p1"));
}

TEST(RocketmqV2Test, TheGroupOfTheSettingsCountsAndNotThatOfTheHeartbeat) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  EXPECT_EQ(
      client.Heartbeat("client_type: SIMPLE_CONSUMER group { name: 'other' }")
          .code(),
      v2::OK);
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  EXPECT_THAT(broker.ConsumerIds("other"), IsEmpty());
}

TEST(RocketmqV2Test, AClientWhoseStreamBrokeIsLostAfterItsLastHeartbeat) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  client.BreakStream();
  broker.PassTime(absl::Seconds(20));
  client.Heartbeat(kConsumerHeartbeat);
  broker.PassTime(absl::Seconds(30));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  broker.PassTime(absl::Seconds(30));
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(RocketmqV2Test, AClientThatHasOpenedNoStreamIsLostAsSoon) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.Heartbeat(kConsumerHeartbeat);
  broker.PassTime(absl::Seconds(30));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
  broker.PassTime(absl::Seconds(30));
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(RocketmqV2Test, AStreamThatIsReopenedBringsTheUsualExpiryBack) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  client.BreakStream();
  client.State(kConsumerSettings);
  broker.PassTime(absl::Seconds(100));
  EXPECT_THAT(broker.ConsumerIds("orders"), ElementsAre("c1"));
}

TEST(RocketmqV2Test, SettingsThatCannotBeTakenAreToldAndEndTheStream) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const v2::TelemetryCommand answer = client.State(R"pb(
    settings {
      client_type: PUSH_CONSUMER
      subscription { group { name: "no blanks" } }
    })pb");
  EXPECT_EQ(answer.status().code(), v2::ILLEGAL_CONSUMER_GROUP);
  EXPECT_FALSE(answer.has_settings());
  broker.PassTime(absl::Seconds(1));
  const grpc::Status end = client.AwaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(end.error_message(), HasSubstr("no blanks"));
}

TEST(RocketmqV2Test, ATypeThatIsNotServedIsUnsupported) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  EXPECT_EQ(client
                .State("settings { client_type: PULL_CONSUMER "
                       "subscription { group { name: 'orders' } } }")
                .status()
                .code(),
            v2::UNSUPPORTED);
}

TEST(RocketmqV2Test, AHeartbeatOfATypeThatIsNotServedIsToldItsName) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const v2::Status status =
      client.Heartbeat("client_type: PULL_CONSUMER group { name: 'orders' }");
  EXPECT_EQ(status.code(), v2::UNRECOGNIZED_CLIENT_TYPE);
  EXPECT_THAT(status.message(), HasSubstr("PULL_CONSUMER"));
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(RocketmqV2Test, TopicsThatAConsumerAsksForAreItsUntilItsSettingsCome) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.QueryRoute("topic { name: 'T1' }");
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  const auto expression_type_of = [&broker] {
    const auto admin = pb::ClientManagerAdmin::NewStub(broker.connection());
    grpc::ClientContext context;
    SetTestDeadline(context);
    pb::FindSubscriptionRequest request;
    request.set_group("orders");
    request.set_topic("T1");
    pb::FindSubscriptionResponse response;
    EXPECT_TRUE(admin->FindSubscription(&context, request, &response).ok());
    return response.subscription().expression_type();
  };
  EXPECT_EQ(expression_type_of(), "INFERRED");
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(expression_type_of(), "TAG");
}

TEST(RocketmqV2Test, ANamespaceIsAPartOfTheGroupsName) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(R"pb(
    settings {
      client_type: SIMPLE_CONSUMER
      subscription { group { resource_namespace: "ns" name: "orders" } }
    })pb");
  EXPECT_THAT(broker.ConsumerIds("ns%orders"), ElementsAre("c1"));
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(RocketmqV2Test, WhatNeedsMessagesIsNotImplemented) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const auto sent = client.Call<v2::SendMessageResponse>(
      &v2::MessagingService::Stub::SendMessage, v2::SendMessageRequest());
  EXPECT_EQ(sent.status().code(), v2::NOT_IMPLEMENTED);
}

TEST(RocketmqV2Test, AnAssignmentIsOkAndEmpty) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  const auto assignment = client.Call<v2::QueryAssignmentResponse>(
      &v2::MessagingService::Stub::QueryAssignment,
      ParseText<v2::QueryAssignmentRequest>(
          "topic { name: 'T1' } group { name: 'orders' }"));
  EXPECT_EQ(assignment.status().code(), v2::OK);
  EXPECT_EQ(assignment.assignments_size(), 0);
}

// Which queues of "T1" a client is assigned.
std::vector<int> AssignedTo(TestSdkClient& client) {
  const auto assignment = client.Call<v2::QueryAssignmentResponse>(
      &v2::MessagingService::Stub::QueryAssignment,
      ParseText<v2::QueryAssignmentRequest>(R"pb(
        topic { name: "T1" }
        group { name: "orders" }
        endpoints {
          scheme: DOMAIN_NAME
          addresses { host: "proxy.example" port: 8081 }
        })pb"));
  EXPECT_EQ(assignment.status().code(), v2::OK);
  std::vector<int> ids;
  for (const v2::Assignment& assigned : assignment.assignments()) {
    const v2::MessageQueue& queue = assigned.message_queue();
    EXPECT_EQ(queue.broker().endpoints().addresses(0).host(), "proxy.example");
    ids.push_back(queue.id());
  }
  return ids;
}

TEST(RocketmqV2Test, QueuesAreSharedAmongTheMembersOfBothProtocols) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.rocketmq5.assignment = QueueAssignment::kQueues;
  TestBroker broker(options);
  TestSdkClient a(broker, "a");
  TestSdkClient b(broker, "b");
  EXPECT_THAT(AssignedTo(a), IsEmpty());
  a.State(kConsumerSettings);
  EXPECT_THAT(AssignedTo(a), SizeIs(8));
  b.State(kConsumerSettings);
  const auto native = broker.Join(ConsumerHeartbeat("c", "orders"));
  broker.PassTime(absl::Seconds(1));
  EXPECT_THAT(AssignedTo(a), ElementsAre(0, 1, 2));
  EXPECT_THAT(AssignedTo(b), ElementsAre(3, 4, 5));
  b.Terminate();
  broker.PassTime(absl::Seconds(1));
  EXPECT_THAT(AssignedTo(a), ElementsAre(0, 1, 2, 3));
}

TEST(RocketmqV2Test, AKickedClientIsKeptOut) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  const auto admin = pb::ClientManagerAdmin::NewStub(broker.connection());
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::KickClientsRequest kick;
  kick.set_client_id("c1");
  pb::KickClientsResponse kicked;
  ASSERT_TRUE(admin->KickClients(&context, kick, &kicked).ok());
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
  EXPECT_EQ(client.Heartbeat(kConsumerHeartbeat).code(), v2::FORBIDDEN);
  EXPECT_THAT(broker.ConsumerIds("orders"), IsEmpty());
}

TEST(RocketmqV2Test, ABrokerMayServeNoSdks) {
  BrokerController::Options options = TestBroker::DefaultOptions();
  options.rocketmq5.enabled = false;
  TestBroker broker(options);
  const auto stub = v2::MessagingService::NewStub(broker.connection());
  grpc::ClientContext context;
  PrepareSdkCall("c1", &context);
  v2::HeartbeatResponse response;
  EXPECT_EQ(stub->Heartbeat(&context, {}, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace rmq
