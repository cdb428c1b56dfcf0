// Two users of one broker, by real signatures and real rules: neither can act
// as a client of the other, whatever it sends.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/service.grpc.pb.h"
#include "broker/broker_controller.h"
#include "broker/fronts/auth_options.h"
#include "broker/server/test_broker.h"
#include "broker/server/test_sdk_client.h"
#include "broker/server/test_users.h"
#include "common/real_clock.h"
#include "common/rpc/credentials/credentials_source.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// pay and bill may be in every group, poor in none.
constexpr char kRules[] = R"pb(
  users { name: "pay" secret: "12345678" }
  users { name: "bill" secret: "87654321" }
  users { name: "poor" secret: "00000000" }
  users { name: "root" secret: "rootroot" type: SUPER }
  rules {
    user: "pay"
    resource: "*"
    action: [ SUB, PUB ]
    decision: ALLOW
  }
  rules {
    user: "bill"
    resource: "*"
    action: [ SUB, PUB ]
    decision: ALLOW
  }
)pb";

TestMetadata AsPay() { return Signed("pay", "12345678"); }
TestMetadata AsBill() { return Signed("bill", "87654321"); }
TestMetadata AsPoor() { return Signed("poor", "00000000"); }
TestMetadata AsRoot() { return Signed("root", "rootroot"); }

constexpr auto kDenied = grpc::StatusCode::PERMISSION_DENIED;

class SpoofingTest : public ::testing::Test {
 protected:
  explicit SpoofingTest(AuthMode mode = AuthMode::kOn) : file_(kRules) {
    BrokerController::Options options = TestBroker::DefaultOptions();
    options.auth.mode = mode;
    options.auth.file = file_.path();
    auto broker = BrokerController::Start(options, &RealClock());
    EXPECT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    clients_ = pb::ClientManager::NewStub(NewConnection());
    admin_ = pb::ClientManagerAdmin::NewStub(NewConnection());
  }

  std::shared_ptr<grpc::Channel> NewConnection() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(
        broker_->address(), PlaintextChannelCredentials().Get(), arguments);
  }
  std::unique_ptr<TestStream> Connect(const TestMetadata& user) const {
    return std::make_unique<TestStream>(NewConnection(), Sending(user));
  }
  std::unique_ptr<TestStream> Join(const TestMetadata& user,
                                   const pb::HeartbeatRequest& heartbeat,
                                   uint64_t* token = nullptr) const {
    auto stream = Connect(user);
    const pb::Reply reply = stream->Call(heartbeat);
    EXPECT_FALSE(reply.has_status()) << reply.ShortDebugString();
    if (token != nullptr) *token = reply.heartbeat().statement_token();
    return stream;
  }
  TestSdkClient SdkClient(const std::string& client_id,
                          const TestMetadata& user) const {
    return TestSdkClient(NewConnection(), client_id, user);
  }

  // A unary call.
  template <typename Stub, typename Method, typename Request, typename Response>
  static grpc::Status Call(Stub& stub, Method method, const TestMetadata& user,
                           const Request& request, Response* response) {
    grpc::ClientContext context;
    SetTestDeadline(context);
    Sending(user)(&context);
    return (stub.*method)(&context, request, response);
  }
  grpc::Status Heartbeat(const TestMetadata& user,
                         const pb::HeartbeatRequest& request,
                         pb::HeartbeatResponse* response) const {
    return Call(*clients_, &pb::ClientManager::Stub::Heartbeat, user, request,
                response);
  }
  grpc::StatusCode Heartbeat(const TestMetadata& user,
                             const pb::HeartbeatRequest& request) const {
    pb::HeartbeatResponse response;
    return Heartbeat(user, request, &response).error_code();
  }
  grpc::StatusCode Unregister(const TestMetadata& user,
                              const std::string& client_id) const {
    pb::UnregisterClientRequest request;
    request.set_client_id(client_id);
    request.set_consumer_group("orders");
    pb::UnregisterClientResponse response;
    return Call(*clients_, &pb::ClientManager::Stub::UnregisterClient, user,
                request, &response)
        .error_code();
  }
  pb::GetConsumerConnectionListResponse Group(const std::string& group) const {
    pb::GetConsumerConnectionListRequest request;
    request.set_group(group);
    pb::GetConsumerConnectionListResponse response;
    (void)Call(*admin_,
               &pb::ClientManagerAdmin::Stub::GetConsumerConnectionList,
               AsRoot(), request, &response);
    return response;
  }
  std::vector<std::string> Members(const std::string& group = "orders") const {
    std::vector<std::string> ids;
    const pb::GetConsumerConnectionListResponse list = Group(group);
    for (const auto& connection : list.connections()) {
      ids.push_back(
          absl::StrCat(connection.principal(), ":", connection.client_id()));
    }
    return ids;
  }

  // The code with which a ReceiveMessage is answered, which is not held.
  v2::Code Receive(const TestMetadata& user,
                   const std::string& client_id) const {
    const auto stub = v2::MessagingService::NewStub(NewConnection());
    grpc::ClientContext context;
    PrepareSdkCall(client_id, &context);
    Sending(user)(&context);
    const auto call = stub->ReceiveMessage(
        &context, ParseText<v2::ReceiveMessageRequest>(R"pb(
          group { name: "orders" }
          message_queue { topic { name: "T1" } }
          long_polling_timeout {}
        )pb"));
    v2::ReceiveMessageResponse response;
    EXPECT_TRUE(call->Read(&response));
    const v2::Code code = response.status().code();
    EXPECT_FALSE(call->Read(&response));
    EXPECT_TRUE(call->Finish().ok());
    return code;
  }

  // Has other rules hold: the same with each first text replaced by the second
  // one. Blocks until they do.
  void SetRules(
      const std::vector<std::pair<std::string, std::string>>& changes) const {
    file_.Write(absl::StrReplaceAll(kRules, changes));
    pb::ReloadConfigRequest request;
    pb::ReloadConfigResponse response;
    do {
      response.Clear();
      ASSERT_TRUE(Call(*admin_, &pb::ClientManagerAdmin::Stub::ReloadConfig,
                       AsRoot(), request, &response)
                      .ok());
      request.set_show_only(true);
    } while (response.pending());
    ASSERT_EQ(response.files_size(), 1);
    EXPECT_EQ(response.files(0).error(), "");
  }

  static pb::HeartbeatRequest Light(uint64_t token,
                                    const std::string& client_id = "") {
    pb::HeartbeatRequest request;
    request.set_client_id(client_id);
    request.set_statement_token(token);
    return request;
  }

  const TestRulesFile file_;
  std::unique_ptr<BrokerController> broker_;
  std::unique_ptr<pb::ClientManager::Stub> clients_;
  std::unique_ptr<pb::ClientManagerAdmin::Stub> admin_;
};

TEST_F(SpoofingTest, AStreamOfAnotherUserNeitherDuplicatesNorReplaces) {
  uint64_t token;
  pb::HeartbeatRequest heartbeat = ConsumerHeartbeat("c1", "orders");
  heartbeat.set_incarnation(7);
  heartbeat.set_stream_number(1);
  const auto held = Join(AsPay(), heartbeat, &token);
  for (const uint64_t incarnation : {7, 8, 0}) {
    heartbeat.set_incarnation(incarnation);
    heartbeat.set_stream_number(99);
    const auto stream = Connect(AsBill());
    EXPECT_THAT(stream->Call(heartbeat).status().message(),
                HasSubstr("another user holds the client id \"c1\""));
    EXPECT_EQ(stream->Finish().error_code(), kDenied);
  }
  held->TakePushes();
  EXPECT_FALSE(held->Call(Light(token)).heartbeat().full_statement_needed());
  EXPECT_THAT(held->TakePushes(), IsEmpty());
  EXPECT_THAT(Members(), ElementsAre("pay:c1"));
}

TEST_F(SpoofingTest, AUnaryHeartbeatOfAnotherUserChangesNothing) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  EXPECT_EQ(Heartbeat(AsBill(), ConsumerHeartbeat("c1", "refunds")), kDenied);
  EXPECT_THAT(Members("refunds"), IsEmpty());
  EXPECT_EQ(Heartbeat(AsPay(), ConsumerHeartbeat("c2", "orders")),
            grpc::StatusCode::OK);
  EXPECT_EQ(Heartbeat(AsBill(), ConsumerHeartbeat("c2", "refunds")), kDenied);
  EXPECT_THAT(Members("refunds"), IsEmpty());
  EXPECT_THAT(Members(), ElementsAre("pay:c1", "pay:c2"));
}

TEST_F(SpoofingTest, AnotherUserCannotUnregister) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  Heartbeat(AsPay(), ConsumerHeartbeat("c2", "orders"));
  EXPECT_EQ(Unregister(AsBill(), "c1"), kDenied);
  EXPECT_EQ(Unregister(AsBill(), "c2"), kDenied);
  const auto other = Join(AsBill(), ConsumerHeartbeat("c3", "refunds"));
  pb::ClientFrame frame;
  frame.mutable_unregister_client()->set_client_id("c1");
  frame.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_TRUE(other->Call(frame).has_status());
  EXPECT_THAT(Members(), ElementsAre("pay:c1", "pay:c2"));
  EXPECT_EQ(Unregister(AsPay(), "c2"), grpc::StatusCode::OK);
  EXPECT_THAT(Members(), ElementsAre("pay:c1"));
}

TEST_F(SpoofingTest, ModesAndSubscriptionsStayAsTheHolderStatesThem) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  const std::string before = Group("orders").ShortDebugString();
  const auto change = [](const std::string& client_id) {
    pb::HeartbeatRequest other = ConsumerHeartbeat(client_id, "orders");
    pb::ConsumerData* const consumer = other.mutable_consumers(0);
    consumer->set_message_model(pb::MESSAGE_MODEL_BROADCASTING);
    consumer->set_consume_type(pb::CONSUME_TYPE_CONSUME_ACTIVELY);
    consumer->mutable_subscriptions(0)->set_expression("stolen");
    consumer->mutable_subscriptions(0)->set_sub_version(INT64_MAX);
    return other;
  };
  // As the client of another one.
  EXPECT_EQ(Heartbeat(AsBill(), change("c1")), kDenied);
  EXPECT_EQ(Connect(AsBill())->Call(change("c1")).status().code(), kDenied);
  // As a client of its own, without a right to the group.
  pb::HeartbeatResponse response;
  EXPECT_TRUE(Heartbeat(AsPoor(), change("c9"), &response).ok());
  ASSERT_EQ(response.skipped_groups_size(), 1);
  EXPECT_EQ(response.skipped_groups(0).reason(),
            pb::SkippedGroup::REASON_PERMISSION_DENIED);
  const auto stream = Join(AsPoor(), change("c9"));
  EXPECT_EQ(Group("orders").ShortDebugString(), before);
}

TEST_F(SpoofingTest, ATokenIsOfNoUseToAnotherUser) {
  uint64_t of_stream;
  const auto held =
      Join(AsPay(), ConsumerHeartbeat("c1", "orders"), &of_stream);
  pb::HeartbeatResponse response;
  ASSERT_TRUE(
      Heartbeat(AsPay(), ConsumerHeartbeat("c2", "orders"), &response).ok());
  const uint64_t of_unary = response.statement_token();
  EXPECT_EQ(Heartbeat(AsBill(), Light(of_unary, "c2")), kDenied);
  EXPECT_EQ(Heartbeat(AsBill(), Light(1, "c2")), kDenied);
  // Over streams of its own.
  const auto other = Join(AsBill(), ConsumerHeartbeat("c3", "refunds"));
  for (const uint64_t token : {of_stream, of_unary}) {
    EXPECT_TRUE(other->Call(Light(token)).heartbeat().full_statement_needed());
  }
  EXPECT_TRUE(Connect(AsBill())
                  ->Call(Light(of_stream, "c1"))
                  .heartbeat()
                  .full_statement_needed());
  ASSERT_TRUE(Heartbeat(AsPay(), Light(of_unary, "c2"), &response).ok());
  EXPECT_FALSE(response.full_statement_needed());
  EXPECT_THAT(Members(), ElementsAre("pay:c1", "pay:c2"));
}

TEST_F(SpoofingTest, AnSdkClientCannotBeANativeClientOfAnotherUser) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  TestSdkClient other = SdkClient("c1", AsBill());
  EXPECT_EQ(other.State(kConsumerSettings).status().code(), v2::FORBIDDEN);
  EXPECT_EQ(other.Heartbeat(kConsumerHeartbeat).code(), v2::FORBIDDEN);
  EXPECT_EQ(other.Terminate().code(), v2::OK);
  EXPECT_THAT(Members(), ElementsAre("pay:c1"));
}

TEST_F(SpoofingTest, ANativeClientCannotBeAnSdkClientOfAnotherUser) {
  TestSdkClient held = SdkClient("c1", AsPay());
  ASSERT_EQ(held.State(kConsumerSettings).status().code(), v2::OK);
  EXPECT_EQ(Heartbeat(AsBill(), ConsumerHeartbeat("c1", "orders")), kDenied);
  EXPECT_EQ(Connect(AsBill())
                ->Call(ConsumerHeartbeat("c1", "orders"))
                .status()
                .code(),
            kDenied);
  EXPECT_EQ(Unregister(AsBill(), "c1"), kDenied);
  EXPECT_THAT(Members(), ElementsAre("pay:c1"));
  EXPECT_EQ(held.Heartbeat(kConsumerHeartbeat).code(), v2::OK);
}

TEST_F(SpoofingTest, AHeartbeatTellsNobodyWhatAnotherUsersClientStates) {
  TestSdkClient held = SdkClient("c1", AsPay());
  ASSERT_EQ(held.State(kConsumerSettings).status().code(), v2::OK);
  const v2::Status told =
      SdkClient("c1", AsPoor()).Heartbeat("client_type: PUSH_CONSUMER");
  EXPECT_EQ(told.code(), v2::FORBIDDEN);
  EXPECT_THAT(told.message(),
              HasSubstr("another user holds the client id \"c1\""));
  EXPECT_THAT(told.message(), Not(HasSubstr("orders")));
}

TEST_F(SpoofingTest, NoCallOfAnSdkActsAsAClientOfAnotherUser) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  const auto route = [this](const TestMetadata& user) {
    return SdkClient("c1", user)
        .QueryRoute("topic { name: 'T1' }")
        .status()
        .code();
  };
  const auto assignment = [this](const TestMetadata& user) {
    return SdkClient("c1", user)
        .Call<v2::QueryAssignmentResponse>(
            &v2::MessagingService::Stub::QueryAssignment,
            ParseText<v2::QueryAssignmentRequest>(
                "topic { name: 'T1' } group { name: 'orders' }"))
        .status()
        .code();
  };
  EXPECT_EQ(route(AsPay()), v2::OK);
  EXPECT_EQ(assignment(AsPay()), v2::OK);
  EXPECT_EQ(Receive(AsPay(), "c1"), v2::MESSAGE_NOT_FOUND);
  EXPECT_EQ(route(AsBill()), v2::FORBIDDEN);
  EXPECT_EQ(assignment(AsBill()), v2::FORBIDDEN);
  EXPECT_EQ(Receive(AsBill(), "c1"), v2::FORBIDDEN);
}

TEST_F(SpoofingTest, WhoMayNotBeInAGroupReceivesNothingForIt) {
  EXPECT_EQ(Receive(AsBill(), "c9"), v2::MESSAGE_NOT_FOUND);
  EXPECT_EQ(Receive(AsPoor(), "c8"), v2::FORBIDDEN);
}

TEST_F(SpoofingTest, AClientCannotKickTheOthers) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  pb::KickClientsRequest request;
  request.set_client_id("c1");
  pb::KickClientsResponse response;
  EXPECT_EQ(Call(*admin_, &pb::ClientManagerAdmin::Stub::KickClients, AsBill(),
                 request, &response)
                .error_code(),
            kDenied);
  EXPECT_THAT(Members(), ElementsAre("pay:c1"));
}

TEST_F(SpoofingTest, WhoMayBeInNoGroupTakesNoClientId) {
  const auto squatter = Join(AsPoor(), ConsumerHeartbeat("c1", "orders"));
  const auto unary = Heartbeat(AsPoor(), ConsumerHeartbeat("c2", "orders"));
  EXPECT_EQ(unary, grpc::StatusCode::OK);
  const auto first = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  const auto second = Join(AsPay(), ConsumerHeartbeat("c2", "orders"));
  EXPECT_THAT(Members(), ElementsAre("pay:c1", "pay:c2"));
  const grpc::Status told = squatter->Finish();
  EXPECT_EQ(told.error_code(), kDenied);
  EXPECT_EQ(told.error_message(), "another user holds the client id \"c1\"");
}

TEST_F(SpoofingTest, ConnectionsAreListedWithTheirUsers) {
  const auto held = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  const auto squatter = Join(AsPoor(), ConsumerHeartbeat("c2", "orders"));
  pb::ListPeersResponse response;
  ASSERT_TRUE(Call(*admin_, &pb::ClientManagerAdmin::Stub::ListPeers, AsRoot(),
                   pb::ListPeersRequest(), &response)
                  .ok());
  std::vector<std::string> users;
  for (const pb::ConnectedPeer& peer : response.peers()) {
    users.push_back(peer.principal());
    EXPECT_FALSE(peer.several_principals());
  }
  EXPECT_THAT(users, UnorderedElementsAre("pay", "poor", "root"));
}

TEST_F(SpoofingTest, WhoMayNotBeInAGroupAnyMoreCanLeaveIt) {
  const auto stream = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  SetRules({{"user: \"pay\"", "user: \"poor\""}});
  pb::ClientFrame frame;
  frame.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_FALSE(stream->Call(frame).has_status());
  EXPECT_THAT(Members(), IsEmpty());
}

TEST_F(SpoofingTest, WhoMayNotBeInAGroupAnyMoreLeavesItThoughNotStatingIt) {
  pb::HeartbeatRequest both = ConsumerHeartbeat("c1", "orders");
  *both.add_consumers() = ConsumerHeartbeat("c1", "bills").consumers(0);
  *both.add_consumers() = ConsumerHeartbeat("c1", "offers").consumers(0);
  const auto stream = Join(AsPay(), both);
  const pb::HeartbeatRequest bills = ConsumerHeartbeat("c1", "bills");
  EXPECT_FALSE(stream->Call(bills).has_status());
  EXPECT_THAT(Members("orders"), ElementsAre("pay:c1"));
  SetRules({{"users { name: \"root\"",
             R"(rules { user: "pay" resource: "Group:orders"
                        action: ALL decision: DENY }
                users { name: "root")"}});
  EXPECT_FALSE(stream->Call(bills).has_status());
  EXPECT_THAT(Members("orders"), IsEmpty());
  EXPECT_THAT(Members("bills"), ElementsAre("pay:c1"));
  EXPECT_THAT(Members("offers"), ElementsAre("pay:c1"));
}

// --- Those who say nothing ---

class DisabledTest : public SpoofingTest {
 protected:
  void DisablePay() const {
    SetRules({{"name: \"pay\"", "name: \"pay\" status: DISABLE"}});
  }
};

TEST_F(DisabledTest, AUserWhoIsDisabledIsOutThoughItsStreamSaysNothing) {
  const auto silent = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  const auto unheard = Connect(AsPay());
  const auto stays = Join(AsBill(), ConsumerHeartbeat("c2", "orders"));
  DisablePay();
  EXPECT_EQ(silent->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(unheard->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(Members(), ElementsAre("bill:c2"));
  EXPECT_FALSE(stays->Call(ConsumerHeartbeat("c2", "orders")).has_status());
}

TEST_F(DisabledTest, AUserWithAnotherSecretIsOutToo) {
  const auto silent = Join(AsPay(), ConsumerHeartbeat("c1", "orders"));
  SetRules({{"12345678", "another!"}});
  EXPECT_EQ(silent->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(Members(), IsEmpty());
}

TEST_F(DisabledTest, TheTelemetryStreamOfAnSdkEnds) {
  TestSdkClient client = SdkClient("c1", AsPay());
  ASSERT_EQ(client.State(kConsumerSettings).status().code(), v2::OK);
  DisablePay();
  EXPECT_EQ(client.ReadCommand().status().code(), v2::UNAUTHORIZED);
  EXPECT_FALSE(client.AwaitEnd().ok());
}

}  // namespace
}  // namespace rmq
