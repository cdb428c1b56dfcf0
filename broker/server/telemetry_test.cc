// Telemetry as the SDKs for C++, C# and Rust use it, which differ from those
// for Java: see the table of SDKs in broker/fronts/rocketmq_v2/README.md.

#include <stdlib.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "common/rpc/credentials/credentials_source.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

// The client ids that several processes use, with how many there are.
std::vector<std::string> Duplicates(const TestBroker& broker) {
  grpc::ClientContext context;
  SetTestDeadline(context);
  pb::ListDuplicateClientIdsResponse response;
  EXPECT_TRUE(pb::ClientManagerAdmin::NewStub(broker.connection())
                  ->ListDuplicateClientIds(&context, {}, &response)
                  .ok());
  std::vector<std::string> ids;
  for (const auto& duplicate : response.duplicates()) {
    EXPECT_EQ(duplicate.addresses_size(), duplicate.streams());
    ids.push_back(
        absl::StrCat(duplicate.client_id(), " ", duplicate.streams()));
  }
  return ids;
}

TEST(TelemetryTest, TwoStreamsOfOneIdAreReportedAndBothStay) {
  TestBroker broker;
  TestSdkClient first(broker, "pod@1#0");
  first.State(kConsumerSettings);
  EXPECT_THAT(Duplicates(broker), IsEmpty());
  TestSdkClient second(broker, "pod@1#0");
  second.State(kConsumerSettings);
  TestSdkClient other(broker, "pod@2#0");
  other.State(kConsumerSettings);
  EXPECT_THAT(Duplicates(broker), ElementsAre("pod@1#0 2"));
  EXPECT_EQ(first.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(second.State(kConsumerSettings).status().code(), v2::OK);
  second.HalfClose();
  EXPECT_TRUE(second.AwaitEnd().ok());
  while (!Duplicates(broker).empty()) std::this_thread::yield();
}

// What the admin service says of a client's threads, asked in a thread of its
// own.
class StackOf {
 public:
  StackOf(const TestBroker& broker, std::string client_id)
      : asks_([this, &broker, client_id = std::move(client_id)] {
          const auto admin =
              pb::ClientManagerAdmin::NewStub(broker.connection());
          grpc::ClientContext context;
          SetTestDeadline(context);
          pb::PrintThreadStackTraceRequest request;
          request.set_client_id(client_id);
          const auto call = admin->PrintThreadStackTrace(&context, request);
          while (call->Read(&response_)) ++responses_;
          status_ = call->Finish();
        }) {}
  ~StackOf() { Await(); }

  void Await() {
    if (asks_.joinable()) asks_.join();
  }
  // After Await().
  const grpc::Status& status() const { return status_; }
  int responses() const { return responses_; }
  const std::string& text() const { return response_.thread_stack_trace(); }

 private:
  pb::PrintThreadStackTraceResponse response_;
  int responses_ = 0;
  grpc::Status status_;
  std::thread asks_;  // The last member.
};

TEST(TelemetryTest, AClientTellsTheStacksOfItsThreads) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  StackOf stack(broker, "c1");
  const v2::TelemetryCommand asked = client.ReadCommand();
  ASSERT_TRUE(asked.has_print_thread_stack_trace_command());
  v2::TelemetryCommand answer;
  answer.mutable_thread_stack_trace()->set_nonce(
      asked.print_thread_stack_trace_command().nonce());
  answer.mutable_thread_stack_trace()->set_thread_stack_trace("main at x");
  client.Send(answer);
  stack.Await();
  EXPECT_TRUE(stack.status().ok()) << stack.status().error_message();
  EXPECT_EQ(stack.responses(), 1);
  EXPECT_EQ(stack.text(), "main at x");
  // The stream goes on.
  EXPECT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
}

TEST(TelemetryTest, AClientThatDoesNotTellItsStacksIsAnError) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  StackOf stack(broker, "c1");
  EXPECT_TRUE(client.ReadCommand().has_print_thread_stack_trace_command());
  broker.PassTime(absl::Seconds(3));
  stack.Await();
  EXPECT_EQ(stack.status().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(stack.responses(), 0);
}

TEST(TelemetryTest, AClientWhoseStreamEndsTellsNoStacks) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.State(kConsumerSettings);
  StackOf stack(broker, "c1");
  EXPECT_TRUE(client.ReadCommand().has_print_thread_stack_trace_command());
  client.BreakStream();
  stack.Await();
  EXPECT_EQ(stack.status().error_code(), grpc::StatusCode::ABORTED);
}

TEST(TelemetryTest, WhoHasNoStreamCannotBeAskedForStacks) {
  TestBroker broker;
  TestSdkClient client(broker, "c1");
  client.Heartbeat(kConsumerHeartbeat);
  StackOf stack(broker, "c1");
  stack.Await();
  EXPECT_EQ(stack.status().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(stack.status().error_message(),
              HasSubstr("\"c1\" has no Telemetry stream"));
}

// A broker that is called from two networks: over TCP, and over a Unix socket.
class TwoNetworksTest : public ::testing::Test {
 protected:
  TwoNetworksTest()
      : directory_(mkdtemp(name_)), broker_(OptionsIn(directory_)) {}
  ~TwoNetworksTest() override {
    broker_.Stop();
    rmdir(directory_.c_str());
  }

  // Over the socket.
  std::shared_ptr<grpc::Channel> OtherConnection() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(broker_.controller().addresses()[1],
                                     PlaintextChannelCredentials().Get(),
                                     arguments);
  }

 private:
  static BrokerController::Options OptionsIn(const std::string& directory) {
    BrokerController::Options options = TestBroker::DefaultOptions();
    absl::StrAppend(&options.server.address, ",unix:", directory, "/socket");
    options.table.max_channels = 3;  // Half: 2.
    options.table.max_channels_per_address = absl::nullopt;
    return options;
  }

  char name_[32] = "/tmp/telemetry_test.XXXXXX";
  const std::string directory_;

 protected:
  TestBroker broker_;
};

TEST_F(TwoNetworksTest, OneIdAtTwoNetworksIsTwoClientsThatAreNoneOfEachOther) {
  TestSdkClient here(broker_, "pod@1#0");
  TestSdkClient there(OtherConnection(), "pod@1#0");
  EXPECT_EQ(here.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(there.State(kRustSettings).status().code(), v2::OK);
  EXPECT_EQ(here.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_EQ(there.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  // Once for each channel.
  EXPECT_THAT(broker_.ConsumerIds("orders"), ElementsAre("pod@1#0", "pod@1#0"));
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  EXPECT_EQ(there.Terminate().code(), v2::OK);
  there.BreakStream();
  EXPECT_THAT(broker_.ConsumerIds("orders"), ElementsAre("pod@1#0"));
  EXPECT_EQ(here.State(kConsumerSettings).status().code(), v2::OK);
  broker_.PassTime(absl::Seconds(100));
  EXPECT_THAT(broker_.ConsumerIds("orders"), ElementsAre("pod@1#0"));
}

TEST_F(TwoNetworksTest, ClientsWithoutStreamsAreReportedUntilTheyGo) {
  TestSdkClient here(broker_, "pod@1#0");
  TestSdkClient there(OtherConnection(), "pod@1#0");
  EXPECT_EQ(here.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), IsEmpty());
  EXPECT_EQ(there.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  EXPECT_EQ(there.Terminate().code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), IsEmpty());
  broker_.PassTime(absl::Seconds(30));
  EXPECT_EQ(there.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  // `here` expires.
  broker_.PassTime(absl::Seconds(10));
  EXPECT_THAT(Duplicates(broker_), IsEmpty());
}

TEST_F(TwoNetworksTest, AClientWithAStreamAndOneWithoutAreReported) {
  TestSdkClient here(broker_, "pod@1#0");
  TestSdkClient there(OtherConnection(), "pod@1#0");
  EXPECT_EQ(here.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(here.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), IsEmpty());
  EXPECT_EQ(there.Heartbeat(kSimpleHeartbeat).code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  // Its stream changes nothing.
  EXPECT_EQ(there.State(kRustSettings).status().code(), v2::OK);
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  // Nor does the end of one whose client is a member still.
  here.BreakStream();
  EXPECT_THAT(Duplicates(broker_), ElementsAre("pod@1#0 2"));
  EXPECT_EQ(here.Terminate().code(), v2::OK);
  while (!Duplicates(broker_).empty()) std::this_thread::yield();
}

TEST_F(TwoNetworksTest, StreamsOfOneAddressAreAsManyAsItsChannelsMayBe) {
  TestSdkClient first(broker_, "c1");
  TestSdkClient second(broker_, "c2");
  for (TestSdkClient* const client : {&first, &second}) {
    client->OpenStream();
    client->AwaitInitialMetadata();
  }
  TestSdkClient third(broker_, "c3");
  third.OpenStream();
  const v2::Status status = third.ReadCommand().status();
  EXPECT_EQ(status.code(), v2::TOO_MANY_REQUESTS);
  EXPECT_THAT(status.message(), HasSubstr("at most 3, and 2 of one user"));
  broker_.PassTime(absl::Seconds(1));
  EXPECT_FALSE(third.AwaitEnd().ok());
  TestSdkClient elsewhere(OtherConnection(), "c3");
  EXPECT_EQ(elsewhere.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(second.State(kConsumerSettings).status().code(), v2::OK);
  // All of them are open now.
  TestSdkClient last(OtherConnection(), "c4");
  last.OpenStream();
  EXPECT_EQ(last.ReadCommand().status().code(), v2::TOO_MANY_REQUESTS);
}

TEST_F(TwoNetworksTest, OfTwoClientsTheOneWithTheLatestStreamTellsItsStacks) {
  TestSdkClient here(broker_, "c1");
  TestSdkClient there(OtherConnection(), "c1");
  here.State(kConsumerSettings);
  there.State(kConsumerSettings);
  for (TestSdkClient* const asked : {&there, &here}) {
    StackOf stack(broker_, "c1");
    EXPECT_TRUE(asked->ReadCommand().has_print_thread_stack_trace_command());
    asked->BreakStream();
    stack.Await();
    EXPECT_EQ(stack.status().error_code(), grpc::StatusCode::ABORTED);
  }
}

}  // namespace
}  // namespace rmq
