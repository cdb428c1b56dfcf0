// Heartbeats, as unary calls and as frames.

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "broker/fronts/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using HeartbeatTest = ClientManagerFixture;

class FullTableTest : public ClientManagerFixture {
 protected:
  static ClientTable::Options OneChannel() {
    ClientTable::Options options;
    options.max_channels = 1;
    return options;
  }
  FullTableTest() : ClientManagerFixture(OneChannel()) {}
};

class OneChannelOfAnAddressTest : public ClientManagerFixture {
 protected:
  static ClientTable::Options OneOfAnAddress() {
    ClientTable::Options options;
    options.max_channels_per_address = 1;
    return options;
  }
  OneChannelOfAnAddressTest() : ClientManagerFixture(OneOfAnAddress()) {}
};

TEST_F(HeartbeatTest, AFullHeartbeatIsAnsweredWithAllThatAClientNeeds) {
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

TEST_F(HeartbeatTest, TheAnswerTellsTheExpiryThatTheClientGets) {
  const auto expiry_for = [&](int64_t seconds) {
    pb::HeartbeatRequest request = Consumer("c1", "orders");
    request.mutable_requested_channel_expiry()->set_seconds(seconds);
    EXPECT_THAT(Heartbeat(request), IsSuccess());
    EXPECT_EQ(4 * ToDuration(response_.suggested_interval()),
              ToDuration(response_.channel_expiry()));
    return response_.channel_expiry().seconds();
  };
  EXPECT_EQ(expiry_for(20), 20);
  EXPECT_EQ(expiry_for(1), 10);
  EXPECT_EQ(expiry_for(315'576'000'000), 1800);
}

TEST_F(HeartbeatTest, ALightHeartbeatIsAnsweredWithNothing) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  ASSERT_THAT(Heartbeat(Light("c1", token)), IsSuccess());
  EXPECT_EQ(response_.ByteSizeLong(), 0);
}

TEST_F(HeartbeatTest, ALightHeartbeatRenewsTheGroups) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  now_ += absl::Seconds(100);
  Heartbeat(Light("c1", token));
  now_ += absl::Seconds(120);
  table_.BeginScan(now_);
  std::vector<ClientChannelPtr> ended;
  table_.ScanSome(now_, 100, &ended);
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(HeartbeatTest, ALightHeartbeatOfAnUnknownClientNeedsAFullOne) {
  ASSERT_THAT(Heartbeat(Light("c1", 1)), IsSuccess());
  EXPECT_TRUE(response_.full_statement_needed());
}

TEST_F(HeartbeatTest, AForeignOrOldTokenNeedsAFullHeartbeat) {
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

TEST_F(HeartbeatTest, AnUnregisteredGroupVoidsTheToken) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.add_producers()->set_group("payments");
  const uint64_t token = RegisterUnary(request);
  EXPECT_THAT(Unregister("c1", "payments", ""), IsSuccess());
  Heartbeat(Light("c1", token));
  EXPECT_TRUE(response_.full_statement_needed());
}

TEST_F(HeartbeatTest, ALightHeartbeatWithGroupsIsRefused) {
  const uint64_t token = RegisterUnary(Consumer("c1", "orders"));
  for (pb::HeartbeatRequest request :
       {Consumer("c1", "orders"), Producer("c1", "payments")}) {
    request.set_statement_token(token);
    EXPECT_THAT(Heartbeat(request),
                BadFormWith(HasSubstr("statement_token must state no groups")));
  }
}

TEST_F(HeartbeatTest, AHeartbeatWithNoGroupsIsRefused) {
  pb::HeartbeatRequest request;
  request.set_client_id("c1");
  EXPECT_THAT(Heartbeat(request), BadFormWith(HasSubstr("at least one group")));
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(HeartbeatTest, ABadClientIdIsReportedBeforeABadStatement) {
  for (const BadClientId& bad : BadClientIds()) {
    pb::HeartbeatRequest no_groups;
    no_groups.set_client_id(bad.client_id);
    EXPECT_THAT(Heartbeat(no_groups), BadFormWith(StartsWith(bad.message)));
    Stream stream = OpenStream();
    EXPECT_THAT(StatusOf(Handle(stream, no_groups)),
                BadFormWith(StartsWith(bad.message)));
  }
}

TEST_F(HeartbeatTest, ASkippedGroupIsToldAndLeavesNoToken) {
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

TEST_F(HeartbeatTest, AStandInOfWhichNothingIsRegisteredIsGone) {
  pb::HeartbeatRequest request = Consumer("c1", "puller");
  request.mutable_consumers(0)->set_consume_type(
      pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  EXPECT_THAT(Heartbeat(request), IsSuccess());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(HeartbeatTest, TheLongestClientIdIsTaken) {
  for (const std::string& client_id :
       {std::string(255, 'x'), std::string(" ~"), std::string("x")}) {
    EXPECT_THAT(Heartbeat(Consumer(client_id, "orders")), IsSuccess());
  }
}

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

TEST_F(OneChannelOfAnAddressTest, AUnaryClientTooManyIsToldWhichLimit) {
  RegisterUnary(Consumer("c1", "orders"));
  EXPECT_THAT(
      Heartbeat(Consumer("c2", "orders")),
      FailsWith(absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
                HasSubstr("max_channels_per_address is 1")));
}

TEST_F(HeartbeatTest, ALightHeartbeatBeforeAFullOneNeedsAFullOne) {
  Stream stream = OpenStream();
  const pb::Reply reply = Handle(stream, Light("", 4711));
  EXPECT_THAT(StatusOf(reply), IsSuccess());
  EXPECT_TRUE(reply.heartbeat().full_statement_needed());
  // It has bound nothing.
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))), IsSuccess());
}

TEST_F(HeartbeatTest, ALightHeartbeatOnAStreamIsAnsweredWithNothing) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  const pb::Reply reply = Handle(stream, Light("c1", token));
  EXPECT_TRUE(reply.has_heartbeat());
  EXPECT_EQ(reply.heartbeat().ByteSizeLong(), 0);
}

TEST_F(HeartbeatTest, AStreamsForeignOrOldTokenNeedsAFullHeartbeat) {
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

TEST_F(HeartbeatTest, AStreamsLightHeartbeatWithGroupsIsRefused) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.set_statement_token(token);
  EXPECT_THAT(StatusOf(Handle(stream, request)),
              BadFormWith(HasSubstr("must state no groups")));
}

TEST_F(HeartbeatTest, HeartbeatsOnAClosedChannelAreAborted) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  table_.Close(*stream.channel, RemovalReason::kExpired, now_);
  for (const pb::HeartbeatRequest& request :
       {Light("c1", token), Consumer("c1", "orders")}) {
    EXPECT_THAT(StatusOf(Handle(stream, request)),
                FailsWith(absl::StatusCode::kAborted,
                          ResponseCode::kSystemError, HasSubstr("closed")));
  }
  EXPECT_THAT(ConsumerIds("orders"), IsEmpty());
}

}  // namespace
}  // namespace rmq
