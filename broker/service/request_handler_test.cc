#include "broker/service/request_handler.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/service/edge_counters.h"
#include "broker/service/recording_authorizer.h"
#include "common/response_code.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kPeer[] = "192.0.2.1:50001";

MATCHER(IsSuccess, "") {
  *result_listener << arg.message;
  return arg.ok() && arg.response_code == ResponseCode::kSuccess;
}
MATCHER_P3(FailsWith, code, response_code, message, "") {
  *result_listener << absl::StatusCodeToString(arg.code) << " and "
                   << static_cast<int>(arg.response_code) << ": "
                   << arg.message;
  return arg.code == code && arg.response_code == response_code &&
         ::testing::ExplainMatchResult(message, arg.message, result_listener);
}
template <typename Message>
auto BadFormWith(Message message) {
  return FailsWith(absl::StatusCode::kInvalidArgument,
                   ResponseCode::kSystemError, message);
}

// The same for a reply's status.
CallStatus StatusOf(const pb::Reply& reply) {
  if (!reply.has_status()) return {};
  EXPECT_EQ(reply.response_case(), pb::Reply::RESPONSE_NOT_SET);
  return {static_cast<absl::StatusCode>(reply.status().code()),
          static_cast<ResponseCode>(reply.status().response_code()),
          reply.status().message()};
}

pb::HeartbeatRequest Consumer(absl::string_view client_id,
                              absl::string_view group) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  pb::ConsumerData* const consumer = request.add_consumers();
  consumer->set_group(std::string(group));
  consumer->set_message_model(pb::MESSAGE_MODEL_CLUSTERING);
  consumer->add_subscriptions()->set_topic("topic");
  return request;
}

pb::HeartbeatRequest Producer(absl::string_view client_id,
                              absl::string_view group) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  request.add_producers()->set_group(std::string(group));
  return request;
}

pb::HeartbeatRequest Light(absl::string_view client_id, uint64_t token) {
  pb::HeartbeatRequest request;
  request.set_client_id(std::string(client_id));
  request.set_statement_token(token);
  return request;
}

GroupPolicy::Options RejectPull() {
  GroupPolicy::Options options;
  options.reject_pull_consumer_enable = true;
  return options;
}

class RequestHandlerTest : public ::testing::Test {
 protected:
  explicit RequestHandlerTest(const ClientTable::Options& table = {},
                              const CallStatus& gate = {})
      : authorizer_(gate),
        policy_(RejectPull(),
                [this](absl::string_view group) {
                  return table_.FindConsumerGroup(group).has_value();
                }),
        notifier_(ConsumerIdsNotifier::Options()),
        table_(table, {&policy_, &notifier_}),
        processor_(&table_, &policy_, &notifier_),
        handler_({"TestCluster", "broker-x", 3, 77}, Limits(),
                 /*settled_at=*/now_ + absl::Milliseconds(1500), &table_,
                 &processor_, &authorizer_, &counters_) {}

  // --- Unary ---

  CallStatus Heartbeat(const pb::HeartbeatRequest& request) {
    response_.Clear();
    return handler_.Heartbeat(kPeer, now_, request, &response_);
  }
  uint64_t RegisterUnary(const pb::HeartbeatRequest& request) {
    EXPECT_THAT(Heartbeat(request), IsSuccess());
    return response_.statement_token();
  }
  CallStatus Unregister(absl::string_view client_id, absl::string_view producer,
                        absl::string_view consumer) {
    pb::UnregisterClientRequest request;
    request.set_client_id(std::string(client_id));
    request.set_producer_group(std::string(producer));
    request.set_consumer_group(std::string(consumer));
    return Unregister(request);
  }
  CallStatus Unregister(const pb::UnregisterClientRequest& request) {
    pb::UnregisterClientResponse response;
    return handler_.UnregisterClient(kPeer, now_, request, &response);
  }
  CallStatus Check(const pb::CheckClientConfigRequest& request) {
    pb::CheckClientConfigResponse response;
    return handler_.CheckClientConfig(kPeer, now_, request, &response);
  }
  CallStatus List(const pb::GetConsumerListByGroupRequest& request) {
    list_.Clear();
    return handler_.GetConsumerListByGroup(kPeer, now_, request, &list_);
  }
  std::vector<std::string> ConsumerIds(absl::string_view group) {
    pb::GetConsumerListByGroupRequest request;
    request.set_group(std::string(group));
    List(request);
    return {list_.client_ids().begin(), list_.client_ids().end()};
  }

  // --- Streams ---

  struct Stream {
    FakeClientChannelPtr channel = std::make_shared<FakeClientChannel>();
    RequestHandler::StreamClient client;
    uint64_t last_request_id = 100;
  };
  Stream OpenStream() { return {}; }
  pb::Reply HandleAsIs(Stream& stream, const pb::ClientFrame& frame) {
    pb::Reply reply;
    reply.mutable_status()->set_message("left over");
    const std::string bytes = frame.SerializeAsString();
    if (!handler_.HandleRepeatedHeartbeat(*stream.channel, bytes, now_,
                                          stream.client, &reply)) {
      EXPECT_THAT(handler_.HandleFrame(*stream.channel, kPeer, frame, bytes,
                                       now_, &stream.client, &reply),
                  IsSuccess());
    }
    EXPECT_EQ(reply.request_id(), frame.request_id());
    return reply;
  }
  pb::Reply Handle(Stream& stream, pb::ClientFrame frame) {
    frame.set_request_id(++stream.last_request_id);
    return HandleAsIs(stream, frame);
  }
  pb::Reply Handle(Stream& stream, const pb::HeartbeatRequest& request) {
    pb::ClientFrame frame;
    *frame.mutable_heartbeat() = request;
    return Handle(stream, frame);
  }
  // A stream after its first full heartbeat.
  Stream Join(const pb::HeartbeatRequest& request, uint64_t* token = nullptr) {
    Stream stream = OpenStream();
    const pb::Reply reply = Handle(stream, request);
    EXPECT_THAT(StatusOf(reply), IsSuccess());
    if (token != nullptr) *token = reply.heartbeat().statement_token();
    return stream;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  RecordingAuthorizer authorizer_;
  EdgeCounters counters_;
  GroupPolicy policy_;
  ConsumerIdsNotifier notifier_;
  ClientTable table_;
  ClientManageProcessor processor_;
  RequestHandler handler_;
  pb::HeartbeatResponse response_;
  pb::GetConsumerListByGroupResponse list_;
};

// --- Unary heartbeats ---

TEST_F(RequestHandlerTest, AFullHeartbeatIsAnsweredWithAllThatAClientNeeds) {
  ASSERT_THAT(Heartbeat(Consumer("c1", "orders")), IsSuccess());
  EXPECT_EQ(response_.broker_name(), "broker-x");
  EXPECT_EQ(response_.broker_id(), 3);
  EXPECT_EQ(response_.broker_incarnation(), 77);
  EXPECT_EQ(response_.channel_expiry().seconds(), 120);
  EXPECT_EQ(response_.suggested_interval().seconds(), 30);
  EXPECT_NE(response_.statement_token(), 0);
  EXPECT_EQ(response_.skipped_groups_size(), 0);
  EXPECT_FALSE(response_.full_statement_needed());
  EXPECT_THAT(
      response_.features(),
      ElementsAre(pb::FEATURE_UNREGISTER_MANY_GROUPS, pb::FEATURE_END_REASON));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, ALightHeartbeatIsAnsweredWithNothing) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  ASSERT_THAT(Heartbeat(Light("c1", token)), IsSuccess());
  EXPECT_EQ(response_.ByteSizeLong(), 0);
}

TEST_F(RequestHandlerTest, ALightHeartbeatRenewsTheGroups) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  now_ += absl::Seconds(100);
  Heartbeat(Light("c1", token));
  now_ += absl::Seconds(120);
  table_.BeginScan(now_);
  std::vector<ClientChannelPtr> ended;
  table_.ScanSome(now_, 100, &ended);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, ALightHeartbeatOfAnUnknownClientNeedsAFullOne) {
  ASSERT_THAT(Heartbeat(Light("c1", 1)), IsSuccess());
  EXPECT_TRUE(response_.full_statement_needed());
}

TEST_F(RequestHandlerTest, AForeignOrOldTokenNeedsAFullHeartbeat) {
  const uint64_t of_another = RegisterUnary(Consumer("c2", "orders"));
  const uint64_t old = RegisterUnary(Consumer("c1", "orders"));
  const uint64_t current = RegisterUnary(Consumer("c1", "orders"));
  for (uint64_t token : {of_another, old, current + 1}) {
    ASSERT_THAT(Heartbeat(Light("c1", token)), IsSuccess());
    EXPECT_TRUE(response_.full_statement_needed()) << token;
  }
  Heartbeat(Light("c1", current));
  EXPECT_FALSE(response_.full_statement_needed());
}

TEST_F(RequestHandlerTest, AnUnregisteredGroupVoidsTheToken) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  const uint64_t token = RegisterUnary(request);
  EXPECT_THAT(Unregister("c1", "payments", ""), IsSuccess());
  Heartbeat(Light("c1", token));
  EXPECT_TRUE(response_.full_statement_needed());
}

TEST_F(RequestHandlerTest, ALightHeartbeatWithGroupsIsRefused) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  for (pb::HeartbeatRequest request :
       {Consumer("c1", "orders"), Producer("c1", "payments")}) {
    request.set_statement_token(token);
    EXPECT_THAT(Heartbeat(request),
                BadFormWith(HasSubstr("statement_token must state no groups")));
  }
}

TEST_F(RequestHandlerTest, AHeartbeatWithNoGroupsIsRefused) {
  pb::HeartbeatRequest request;
  request.set_client_id("c1");
  EXPECT_THAT(Heartbeat(request), BadFormWith(HasSubstr("at least one group")));
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(RequestHandlerTest, ASkippedGroupIsToldAndLeavesNoToken) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  pb::ConsumerData* const pull = request.add_consumers();
  pull->set_group("puller");
  pull->set_consume_type(pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  ASSERT_THAT(Heartbeat(request), IsSuccess());
  EXPECT_EQ(response_.statement_token(), 0);
  ASSERT_EQ(response_.skipped_groups_size(), 1);
  const pb::SkippedGroup& skipped = response_.skipped_groups(0);
  EXPECT_EQ(skipped.group(), "puller");
  EXPECT_FALSE(skipped.producer());
  EXPECT_EQ(skipped.reason(), pb::SkippedGroup::REASON_PULL_CONSUMER_REJECTED);
  EXPECT_THAT(skipped.message(), HasSubstr("\"puller\""));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, AStandInOfWhichNothingIsRegisteredIsGone) {
  pb::HeartbeatRequest request = Consumer("c1", "puller");
  request.mutable_consumers(0)->set_consume_type(
      pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  EXPECT_THAT(Heartbeat(request), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

struct BadClientId {
  std::string client_id;
  std::string message;
};
std::vector<BadClientId> BadClientIds() {
  return {
      {"", "client_id must not be empty"},
      {std::string(256, 'x'), "client_id must be at most 255 bytes, got 256"},
      {"caf\xc3\xa9",
       "client_id must be printable ASCII, got "
       "\"caf\\xc3\\xa9\""},
      {"a\nb", "client_id must be printable ASCII, got \"a\\nb\""},
      {"\x7f", "client_id must be printable ASCII"}};
}

TEST_F(RequestHandlerTest, ABadClientIdIsRefusedByEveryUnaryMethodThatHasOne) {
  for (const BadClientId& bad : BadClientIds()) {
    EXPECT_THAT(Heartbeat(Consumer(bad.client_id, "orders")),
                BadFormWith(StartsWith(bad.message)));
    EXPECT_THAT(Heartbeat(Light(bad.client_id, 1)),
                BadFormWith(StartsWith(bad.message)));
    EXPECT_THAT(Unregister(bad.client_id, "", "orders"),
                BadFormWith(StartsWith(bad.message)));
    pb::CheckClientConfigRequest check;
    check.set_client_id(bad.client_id);
    check.set_group("orders");
    EXPECT_THAT(Check(check), BadFormWith(StartsWith(bad.message)));
  }
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(RequestHandlerTest, TheLongestClientIdIsTaken) {
  for (const std::string& client_id :
       {std::string(255, 'x'), std::string(" ~"), std::string("x")}) {
    EXPECT_THAT(Heartbeat(Consumer(client_id, "orders")), IsSuccess());
  }
}

class FullTableTest : public RequestHandlerTest {
 protected:
  static ClientTable::Options OneChannel() {
    ClientTable::Options options;
    options.max_channels = 1;
    return options;
  }
  FullTableTest() : RequestHandlerTest(OneChannel()) {}
};

TEST_F(FullTableTest, StandInsCountAsChannels) {
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(
      Heartbeat(Consumer("c2", "orders")),
      FailsWith(absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
                HasSubstr("max_channels is 1")));
  EXPECT_THAT(Heartbeat(Consumer("c1", "orders")), IsSuccess());
  EXPECT_THAT(Unregister("c1", "", "orders"), IsSuccess());
  EXPECT_THAT(Heartbeat(Consumer("c2", "orders")), IsSuccess());
}

// --- Unary unregister ---

TEST_F(RequestHandlerTest, UnregisteringWhatIsNotThereIsASuccess) {
  EXPECT_THAT(Unregister("c1", "payments", "orders"), IsSuccess());
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister("c1", "payments", "others"), IsSuccess());
  EXPECT_THAT(Unregister("c2", "", "orders"), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, AStandInGoesWithItsLastGroup) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  RegisterUnary(request);
  EXPECT_THAT(Unregister("c1", "payments", ""), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_THAT(Unregister("c1", "", "orders"), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(RequestHandlerTest, AUnaryUnregisterNeverActsOnAStream) {
  const Stream stream = Join(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister("c1", "", "orders"), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, AnUnregisterNeedsAGroupOfGoodForm) {
  EXPECT_THAT(Unregister("c1", "", ""),
              BadFormWith(HasSubstr("producer_group and consumer_group are "
                                    "both empty")));
  EXPECT_THAT(Unregister("c1", "a b", ""),
              BadFormWith(HasSubstr("producer_group must be letters")));
  EXPECT_THAT(Unregister("c1", "payments", "a b"),
              BadFormWith(HasSubstr("consumer_group must be letters")));
  EXPECT_THAT(Unregister("c1", "", std::string(121, 'x')),
              BadFormWith(HasSubstr("consumer_group must be at most 120")));
}

pb::UnregisterClientRequest UnregisterOf(
    const std::vector<std::string>& producers,
    const std::vector<std::string>& consumers) {
  pb::UnregisterClientRequest request;
  request.set_client_id("c1");
  request.mutable_producer_groups()->Add(producers.begin(), producers.end());
  request.mutable_consumer_groups()->Add(consumers.begin(), consumers.end());
  return request;
}

TEST_F(RequestHandlerTest, ManyGroupsAreLeftByOneUnregister) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  for (const char* group : {"refunds", "returns", "stays"}) {
    *request.add_consumers() = request.consumers(0);
    request.mutable_consumers()->rbegin()->set_group(group);
  }
  for (const char* group : {"payments", "invoices"}) {
    request.add_producers()->set_group(group);
  }
  RegisterUnary(request);
  pb::UnregisterClientRequest leave = UnregisterOf(
      {"payments", "invoices"}, {"refunds", "unknown", "returns", "refunds"});
  leave.set_consumer_group("orders");
  EXPECT_THAT(Unregister(leave), IsSuccess());
  EXPECT_EQ(table_.counts().producer_groups, 0);
  EXPECT_EQ(table_.counts().consumer_groups, 1);
  EXPECT_THAT(ConsumerIds("stays"), ElementsAre("c1"));

  EXPECT_THAT(Unregister(UnregisterOf({}, {"stays", "orders"})), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(RequestHandlerTest, EachOfManyGroupsToLeaveNeedsGoodForm) {
  EXPECT_THAT(Unregister(UnregisterOf({"a", "a b"}, {})),
              BadFormWith(HasSubstr("producer_groups[1] must be letters")));
  EXPECT_THAT(Unregister(UnregisterOf({}, {"a", "b", "c", ""})),
              BadFormWith(StartsWith("consumer_groups[3] must not be empty")));
}

TEST_F(RequestHandlerTest, AGroupOfBadFormAmongManyLeavesAllAsTheyWere) {
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(Unregister(UnregisterOf({}, {"orders", "a b"})),
              BadFormWith(HasSubstr("consumer_groups[1]")));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, SoManyGroupsAndNoMoreAreLeftAtOnce) {
  std::vector<std::string> names;
  for (int i = 0; i < 254; ++i) names.push_back(absl::StrCat("g", i));
  pb::UnregisterClientRequest request = UnregisterOf({"p"}, names);
  request.set_producer_group("payments");
  EXPECT_THAT(Unregister(request), IsSuccess());
  request.set_consumer_group("orders");
  EXPECT_THAT(
      Unregister(request),
      FailsWith(absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
                "groups to leave in one request must be at most 256, got 257"));
}

// --- Unary checks and lists ---

TEST_F(RequestHandlerTest, ACheckOfNothingAndOfTagsPasses) {
  pb::CheckClientConfigRequest request;
  request.set_client_id("c1");
  request.set_group("orders");
  EXPECT_THAT(Check(request), IsSuccess());
  request.mutable_subscription()->set_expression("a || b");
  EXPECT_THAT(Check(request), IsSuccess());
  request.mutable_subscription()->set_expression_type("TAG");
  EXPECT_THAT(Check(request), IsSuccess());
}

TEST_F(RequestHandlerTest, ACheckNamesTheFieldThatIsWrong) {
  pb::CheckClientConfigRequest request;
  request.set_client_id("c1");
  EXPECT_THAT(Check(request), BadFormWith("group must not be empty"));
  request.set_group("orders");
  request.mutable_subscription()->set_topic("a b");
  EXPECT_THAT(Check(request),
              BadFormWith(StartsWith("subscription.topic must be letters")));
  request.mutable_subscription()->clear_topic();
  request.mutable_subscription()->set_expression_type("XPATH");
  EXPECT_THAT(Check(request), FailsWith(absl::StatusCode::kInvalidArgument,
                                        ResponseCode::kSubscriptionParseFailed,
                                        HasSubstr("XPATH")));
}

TEST_F(RequestHandlerTest, AListTellsWhoseViewItIs) {
  RegisterUnary(Consumer("c1", "orders"));
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  ASSERT_THAT(List(request), IsSuccess());
  EXPECT_EQ(list_.broker_name(), "broker-x");
  EXPECT_EQ(list_.broker_id(), 3);
  EXPECT_EQ(list_.next_page_token(), "");
}

TEST_F(RequestHandlerTest, ListsAndPushesTellHowLongTheBrokerIsSettling) {
  Stream stream = Join(Consumer("c1", "orders"));
  now_ += absl::Milliseconds(300);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
  EXPECT_EQ(list_.settling_until().seconds(), 1);
  EXPECT_EQ(list_.settling_until().nanos(), 200'000'000);
  pb::ClientFrame frame;
  frame.mutable_get_consumer_list_by_group()->set_group("orders");
  EXPECT_EQ(Handle(stream, frame)
                .get_consumer_list_by_group()
                .settling_until()
                .seconds(),
            1);
  pb::NotifyConsumerIdsChanged push;
  now_ += absl::Milliseconds(1199);
  handler_.FillPush("orders", now_, &push);
  EXPECT_EQ(push.group(), "orders");
  EXPECT_EQ(push.settling_until().nanos(), 1'000'000);
}

TEST_F(RequestHandlerTest, ABrokerThatHasSettledSaysNothingOfIt) {
  RegisterUnary(Consumer("c1", "orders"));
  now_ += absl::Milliseconds(1500);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
  EXPECT_FALSE(list_.has_settling_until());
  pb::NotifyConsumerIdsChanged push;
  handler_.FillPush("orders", now_, &push);
  EXPECT_FALSE(push.has_settling_until());
}

TEST_F(RequestHandlerTest, AListOfAnUnknownGroupIsNotFound) {
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  EXPECT_THAT(List(request),
              FailsWith(absl::StatusCode::kNotFound, ResponseCode::kSystemError,
                        HasSubstr("orders")));
}

TEST_F(RequestHandlerTest, AnUnknownGroupMayComeBackWhileTheBrokerIsSettling) {
  now_ += absl::Milliseconds(300);
  pb::GetConsumerListByGroupRequest request;
  request.set_group("orders");
  EXPECT_EQ(List(request).message,
            "no consumer for this group, orders; the broker is settling for "
            "1.2s more");
  now_ += absl::Milliseconds(1200);
  EXPECT_EQ(List(request).message, "no consumer for this group, orders");
}

TEST_F(RequestHandlerTest, AListRefusesBadGroupsPageSizesAndTokens) {
  RegisterUnary(Consumer("c1", "orders"));
  pb::GetConsumerListByGroupRequest request;
  EXPECT_THAT(List(request), BadFormWith("group must not be empty"));
  request.set_group("a b");
  EXPECT_THAT(List(request), BadFormWith(StartsWith("group must be letters")));
  request.set_group("orders");
  for (int page_size : {-1, 1001}) {
    request.set_page_size(page_size);
    EXPECT_THAT(List(request), BadFormWith(StartsWith("page_size must be 0")));
  }
  request.clear_page_size();
  for (const char* token : {"0", "x", "-1"}) {
    request.set_page_token(token);
    EXPECT_THAT(List(request), BadFormWith(StartsWith("page_token must be")));
  }
  EXPECT_EQ(list_.client_ids_size(), 0);
}

// --- Frames ---

TEST_F(RequestHandlerTest, RequestIdZeroIsRefusedAndTheStreamGoesOn) {
  Stream stream = OpenStream();
  pb::ClientFrame frame;
  *frame.mutable_heartbeat() = Consumer("c1", "orders");
  EXPECT_THAT(StatusOf(HandleAsIs(stream, frame)),
              BadFormWith("request_id must not be 0"));
  EXPECT_THAT(ConsumerIds("orders"), IsEmpty());
  EXPECT_THAT(StatusOf(Handle(stream, frame)), IsSuccess());
}

TEST_F(RequestHandlerTest, AnUnknownKindOfFrameIsUnimplemented) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame frame;
  EXPECT_THAT(
      StatusOf(Handle(stream, frame)),
      FailsWith(absl::StatusCode::kUnimplemented,
                ResponseCode::kRequestCodeNotSupported, HasSubstr("kind")));
  // Field 99, as a newer client's.
  ASSERT_TRUE(frame.ParseFromString(std::string("\x9a\x06\x00", 3)));
  EXPECT_THAT(
      StatusOf(Handle(stream, frame)),
      FailsWith(absl::StatusCode::kUnimplemented,
                ResponseCode::kRequestCodeNotSupported, HasSubstr("kind")));
}

TEST_F(RequestHandlerTest, OtherFramesWaitForTheFirstFullHeartbeat) {
  Stream stream = OpenStream();
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  pb::ClientFrame check;
  check.mutable_check_client_config()->set_group("orders");
  pb::ClientFrame list;
  list.mutable_get_consumer_list_by_group()->set_group("orders");
  for (const pb::ClientFrame& frame : {unregister, check, list}) {
    EXPECT_THAT(StatusOf(Handle(stream, frame)),
                FailsWith(absl::StatusCode::kFailedPrecondition,
                          ResponseCode::kSystemError,
                          HasSubstr("first full heartbeat")));
  }
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
  for (const pb::ClientFrame& frame : {check, list, unregister}) {
    EXPECT_THAT(StatusOf(Handle(stream, frame)), IsSuccess());
  }
}

TEST_F(RequestHandlerTest, ALightHeartbeatBeforeAFullOneNeedsAFullOne) {
  Stream stream = OpenStream();
  const pb::Reply reply = Handle(stream, Light("", 4711));
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.heartbeat().full_statement_needed());
  // It has bound nothing.
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
}

TEST_F(RequestHandlerTest, AFirstHeartbeatOfBadFormBindsNothing) {
  Stream stream = OpenStream();
  for (const BadClientId& bad : BadClientIds()) {
    EXPECT_THAT(StatusOf(Handle(stream, Consumer(bad.client_id, "orders"))),
                BadFormWith(StartsWith(bad.message)));
  }
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c0", "a b"))),
              BadFormWith(HasSubstr("consumers[0].group")));
  EXPECT_FALSE(stream.client.is_bound());
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
  EXPECT_EQ(stream.client.client_id, "c1");
}

TEST_F(RequestHandlerTest, ASecondClientIdOnAStreamIsRefused) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  const auto is_refused = BadFormWith(
      AllOf(HasSubstr("client_id must be the stream's \"c1\" or absent"),
            HasSubstr("got \"c2\"")));
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c2", "orders"))), is_refused);
  EXPECT_THAT(StatusOf(Handle(stream, Light("c2", token))), is_refused);
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_client_id("c2");
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  EXPECT_THAT(StatusOf(Handle(stream, unregister)), is_refused);
  pb::ClientFrame check;
  check.mutable_check_client_config()->set_client_id("c2");
  check.mutable_check_client_config()->set_group("orders");
  EXPECT_THAT(StatusOf(Handle(stream, check)), is_refused);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, TheClientIdMayBeAbsentLaterOnAStream) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  EXPECT_FALSE(
      Handle(stream, Light("", token)).heartbeat().full_statement_needed());
  const pb::Reply full = Handle(stream, Consumer("", "orders"));
  EXPECT_THAT(StatusOf(full), IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, ALightHeartbeatOnAStreamIsAnsweredWithNothing) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  const pb::Reply reply = Handle(stream, Light("c1", token));
  EXPECT_TRUE(reply.has_heartbeat());
  EXPECT_EQ(reply.heartbeat().ByteSizeLong(), 0);
}

TEST_F(RequestHandlerTest, AStreamsForeignOrOldTokenNeedsAFullHeartbeat) {
  uint64_t of_another = 0;
  Join(Consumer("c2", "orders"), &of_another);
  uint64_t old = 0;
  Stream stream = Join(Consumer("c1", "orders"), &old);
  const uint64_t current =
      Handle(stream, Consumer("c1", "refunds")).heartbeat().statement_token();
  const uint64_t of_stand_in = RegisterUnary(Consumer("c1", "orders"));
  for (uint64_t token : {of_another, old, of_stand_in}) {
    const pb::Reply reply = Handle(stream, Light("c1", token));
    EXPECT_THAT(StatusOf(reply), IsSuccess());
    EXPECT_TRUE(reply.heartbeat().full_statement_needed());
  }
  EXPECT_FALSE(
      Handle(stream, Light("c1", current)).heartbeat().full_statement_needed());
}

TEST_F(RequestHandlerTest, AStreamsLightHeartbeatWithGroupsIsRefused) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.set_statement_token(token);
  EXPECT_THAT(StatusOf(Handle(stream, request)),
              BadFormWith(HasSubstr("must state no groups")));
}

TEST_F(RequestHandlerTest, HeartbeatsOnAClosedChannelAreAborted) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  table_.Close(*stream.channel, RemovalReason::kExpired);
  for (const pb::HeartbeatRequest& request :
       {Light("c1", token), Consumer("c1", "orders")}) {
    EXPECT_THAT(StatusOf(Handle(stream, request)),
                FailsWith(absl::StatusCode::kAborted,
                          ResponseCode::kSystemError, HasSubstr("closed")));
  }
  EXPECT_THAT(ConsumerIds("orders"), IsEmpty());
}

TEST_F(RequestHandlerTest, UnregisteringNothingOnAStreamIsASuccess) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame frame;
  frame.mutable_unregister_client()->set_producer_group("payments");
  const pb::Reply reply = Handle(stream, frame);
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.has_unregister_client());
  frame.mutable_unregister_client()->clear_producer_group();
  EXPECT_THAT(StatusOf(Handle(stream, frame)),
              BadFormWith(HasSubstr("are both empty")));
}

TEST_F(RequestHandlerTest, ManyGroupsAreLeftByOneFrameOfAStream) {
  pb::HeartbeatRequest both = Consumer("c1", "orders");
  *both.add_consumers() = both.consumers(0);
  both.mutable_consumers(1)->set_group("refunds");
  Stream stream = Join(both);
  const Stream peer = Join(Consumer("c2", "orders"));
  pb::ClientFrame frame;
  *frame.mutable_unregister_client() = UnregisterOf({}, {"orders", "refunds"});
  const pb::Reply reply = Handle(stream, frame);
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.has_unregister_client());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c2"));
  EXPECT_THAT(ConsumerIds("refunds"), IsEmpty());
  EXPECT_EQ(table_.counts().channels, 2);
}

TEST_F(RequestHandlerTest, AListIsPagedThroughTheStream) {
  std::vector<Stream> members;
  std::vector<std::string> client_ids;
  for (int i = 0; i < 5; ++i) {
    client_ids.push_back(absl::StrCat("c", i));
    members.push_back(Join(Consumer(client_ids.back(), "orders")));
  }
  pb::ClientFrame frame;
  pb::GetConsumerListByGroupRequest& request =
      *frame.mutable_get_consumer_list_by_group();
  request.set_group("orders");
  request.set_page_size(2);
  std::vector<std::string> listed;
  int pages = 0;
  do {
    const pb::Reply reply = Handle(members[0], frame);
    ASSERT_THAT(StatusOf(reply), IsSuccess());
    const auto& page = reply.get_consumer_list_by_group();
    EXPECT_LE(page.client_ids_size(), 2);
    listed.insert(listed.end(), page.client_ids().begin(),
                  page.client_ids().end());
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(listed, client_ids);

  request.set_page_token("0");
  EXPECT_THAT(StatusOf(Handle(members[0], frame)),
              BadFormWith(StartsWith("page_token must be")));
  request.clear_page_token();
  request.set_page_size(1001);
  EXPECT_THAT(StatusOf(Handle(members[0], frame)),
              BadFormWith("page_size must be 0 to 1000, got 1001"));
}

// --- Full heartbeats that repeat the last one ---
// That one was not read again is told by the gate, which is asked for each that
// is.

TEST_F(RequestHandlerTest, ARepeatedFullHeartbeatIsAnsweredAsItsFirst) {
  Stream stream = OpenStream();
  const pb::Reply first = Handle(stream, Consumer("c1", "orders"));
  pb::Reply again = Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 1);
  again.set_request_id(first.request_id());
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(counters_.full_heartbeats.value(absl::StatusCode::kOk), 2);
}

TEST_F(RequestHandlerTest, ARepeatedFullHeartbeatRenewsWhatItStates) {
  pb::HeartbeatRequest both = Consumer("c1", "orders");
  both.add_producers()->set_group("payments");
  Stream stream = Join(both);
  now_ += absl::Seconds(10);
  Handle(stream, Consumer("c1", "orders"));
  now_ += absl::Seconds(10);
  Handle(stream, Consumer("c1", "orders"));
  MemberCursor cursor = 0;
  EXPECT_EQ(table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor)
                .at(0)
                .last_heard,
            now_);
  // Left out by the second, and not stated by the third either.
  cursor = 0;
  EXPECT_EQ(table_.ListMembers(GroupKind::kProducer, "payments", 1, &cursor)
                .at(0)
                .last_heard,
            now_ - absl::Seconds(20));
}

TEST_F(RequestHandlerTest, ARepeatedLightHeartbeatRenewsAndIsAnsweredAsSuch) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Seconds(10);
    const pb::Reply reply = Handle(stream, Light("c1", token));
    EXPECT_TRUE(reply.has_heartbeat());
    EXPECT_EQ(reply.heartbeat().ByteSizeLong(), 0);
    EXPECT_EQ(stream.channel->last_heard(), now_);
  }
  EXPECT_EQ(counters_.light_heartbeats.value(absl::StatusCode::kOk), 3);
}

TEST_F(RequestHandlerTest, ARepeatedLightHeartbeatThatIsVoidIsAnsweredAsSuch) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  Handle(stream, Light("c1", token));
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  Handle(stream, unregister);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        Handle(stream, Light("c1", token)).heartbeat().full_statement_needed());
  }
  EXPECT_EQ(counters_.full_statements_needed.load(), 2);
}

TEST_F(RequestHandlerTest, AStatementAfterAnotherOneIsReadAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  Handle(stream, Consumer("c1", "refunds"));
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 3);
}

TEST_F(RequestHandlerTest, WhatWasUnregisteredIsRegisteredAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  Handle(stream, unregister);
  ASSERT_THAT(ConsumerIds("orders"), IsEmpty());
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RequestHandlerTest, ModesThatAnotherMemberChangedAreStatedAgain) {
  const auto model = [&] {
    return table_.FindConsumerGroup("orders")->modes.message_model;
  };
  pb::HeartbeatRequest clustering = Consumer("c1", "orders");
  clustering.mutable_consumers(0)->set_message_model(
      pb::MESSAGE_MODEL_CLUSTERING);
  Stream stream = Join(clustering);
  pb::HeartbeatRequest broadcasting = Consumer("c2", "orders");
  broadcasting.mutable_consumers(0)->set_message_model(
      pb::MESSAGE_MODEL_BROADCASTING);
  Join(broadcasting);
  ASSERT_EQ(model(), MessageModel::kBroadcasting);
  Handle(stream, clustering);
  EXPECT_EQ(model(), MessageModel::kClustering);
}

TEST_F(RequestHandlerTest, WhatAnotherMemberSubscribesToIsNotReadAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::HeartbeatRequest other = Consumer("c2", "orders");
  other.mutable_consumers(0)->mutable_subscriptions(0)->set_topic("other");
  Join(other);
  const int before = authorizer_.count("Heartbeat");
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), before);
  EXPECT_TRUE(table_.FindSubscription("orders", "topic").has_value());
  EXPECT_TRUE(table_.FindSubscription("orders", "other").has_value());
}

TEST_F(RequestHandlerTest, AMemberThatStatesTheSameAsOthersChangesNothing) {
  Stream stream = Join(Consumer("c1", "orders"));
  Join(Consumer("c2", "orders"));
  Join(Consumer("c3", "refunds"));
  const int before = authorizer_.count("Heartbeat");
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), before);
}

TEST_F(RequestHandlerTest, AStatementWithASkippedGroupIsReadEachTime) {
  pb::HeartbeatRequest pulls = Consumer("c1", "orders");
  pulls.mutable_consumers(0)->set_consume_type(
      pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  Stream stream = OpenStream();
  for (int i = 0; i < 2; ++i) {
    const pb::Reply reply = Handle(stream, pulls);
    EXPECT_EQ(reply.heartbeat().skipped_groups_size(), 1);
  }
  EXPECT_EQ(counters_.skipped_groups.value(SkipReason::kPullConsumerRejected),
            2);
}

TEST_F(RequestHandlerTest, ARepeatedStatementOnAClosedChannelIsAborted) {
  Stream stream = Join(Consumer("c1", "orders"));
  Handle(stream, Consumer("c1", "orders"));
  table_.Close(*stream.channel, RemovalReason::kExpired);
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))),
              FailsWith(absl::StatusCode::kAborted, ResponseCode::kSystemError,
                        HasSubstr("closed")));
}

// --- The gate ---

TEST_F(RequestHandlerTest, TheGateIsToldWhoAsksForWhat) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  Heartbeat(request);
  EXPECT_EQ(authorizer_.last().call, "Heartbeat");
  EXPECT_EQ(authorizer_.last().client_id, "c1");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("payments", "orders"));

  Stream stream = Join(Consumer("c2", "orders"));
  pb::ClientFrame list;
  list.mutable_get_consumer_list_by_group()->set_group("others");
  Handle(stream, list);
  EXPECT_EQ(authorizer_.last().call, "GetConsumerListByGroup");
  EXPECT_EQ(authorizer_.last().client_id, "c2");
  EXPECT_THAT(authorizer_.last().groups, ElementsAre("others"));

  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  unregister.mutable_unregister_client()->add_consumer_groups("others");
  unregister.mutable_unregister_client()->add_producer_groups("payments");
  Handle(stream, unregister);
  EXPECT_EQ(authorizer_.last().call, "UnregisterClient");
  EXPECT_EQ(authorizer_.last().client_id, "c2");
  EXPECT_THAT(authorizer_.last().groups,
              ElementsAre("payments", "orders", "others"));
}

TEST_F(RequestHandlerTest, OnlyWhatRepeatsWhatHasPassedSkipsTheGate) {
  Stream stream = OpenStream();
  Handle(stream, Light("c1", 4711));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 1);
  const uint64_t token =
      Handle(stream, Consumer("c1", "orders")).heartbeat().statement_token();
  EXPECT_EQ(authorizer_.count("Heartbeat"), 2);
  Handle(stream, Consumer("c1", "orders"));
  Handle(stream, Light("c1", token));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 2);
  Handle(stream, Consumer("c1", "refunds"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 3);
}

class ClosedGateTest : public RequestHandlerTest {
 protected:
  ClosedGateTest()
      : RequestHandlerTest({}, {absl::StatusCode::kPermissionDenied,
                                ResponseCode::kSystemError, "closed"}) {}
};

TEST_F(ClosedGateTest, WhatIsDeniedRegistersAndBindsNothing) {
  const auto is_denied = FailsWith(absl::StatusCode::kPermissionDenied,
                                   ResponseCode::kSystemError, "closed");
  EXPECT_THAT(Heartbeat(Consumer("c1", "orders")), is_denied);
  EXPECT_EQ(table_.counts().channels, 0);
  Stream stream = OpenStream();
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), is_denied);
  EXPECT_FALSE(stream.client.is_bound());
  EXPECT_EQ(table_.counts().consumer_groups, 0);
}

}  // namespace
}  // namespace rmq
