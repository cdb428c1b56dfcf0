// The rules of BrokerModel, one by one.
#include "tests/model/broker_model.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registry/client_event.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/model/membership.h"
#include "tests/model/policy_model.h"

namespace rmq::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Millis kExpiry = 120'000;
constexpr Millis kPeriod = 10'000;

Statement Stating(const std::string& client_id) {
  Statement statement;
  statement.client_id = client_id;
  return statement;
}

Statement Stating(const std::string& client_id, const std::string& group,
                  Subscriptions subscriptions = {}) {
  Statement statement = Stating(client_id);
  StatedConsumer& consumer = statement.consumers.emplace_back();
  consumer.group = group;
  consumer.subscriptions = std::move(subscriptions);
  return statement;
}

// "CHANGE", "CLIENT_UNREGISTER c1 EXPIRED", in order.
std::vector<std::string> EventsOf(const Effects& effects) {
  std::vector<std::string> lines;
  for (const Event& event : effects.events) {
    std::string& line = lines.emplace_back(Name(event.type));
    if (event.channel >= 0) absl::StrAppend(&line, " ", event.client_id);
    if (event.type == EventType::kClientUnregister) {
      absl::StrAppend(&line, " ", Name(event.reason));
    }
  }
  return lines;
}

std::vector<int> PushedTo(const Effects& effects) {
  std::vector<int> channels;
  for (const Push& push : effects.pushes) channels.push_back(push.channel);
  return channels;
}

class BrokerModelTest : public ::testing::Test {
 protected:
  // Opens a stream and states what the client states.
  int Join(const Statement& statement) {
    const int channel = model_.OpenStream(0);
    EXPECT_TRUE(model_.Heartbeat(channel, statement, 0).accepted);
    return channel;
  }
  void Forget() { model_.TakeEffects(); }
  const GroupStatement& StatementOf(const std::string& group) const {
    return model_.groups(GroupKind::kConsumer).at(group).statement;
  }

  BrokerModel model_{BrokerOptions()};
};

TEST_F(BrokerModelTest, AllMembersArePushedToWhenAConsumerJoins) {
  const int first = Join(Stating("c1", "g"));
  Forget();
  const int second = Join(Stating("c2", "g"));
  const Effects effects = model_.TakeEffects();
  EXPECT_THAT(EventsOf(effects),
              ElementsAre("CLIENT_REGISTER c2", "CHANGE", "REGISTER c2"));
  EXPECT_THAT(PushedTo(effects), ElementsAre(first, second));
}

TEST_F(BrokerModelTest, ARepeatedHeartbeatChangesNothing) {
  const int channel = Join(Stating("c1", "g"));
  Forget();
  model_.Heartbeat(channel, Stating("c1", "g"), 0);
  const Effects effects = model_.TakeEffects();
  EXPECT_THAT(EventsOf(effects), ElementsAre("REGISTER c1"));
  EXPECT_TRUE(effects.events[0].unchanged);
  EXPECT_THAT(effects.pushes, IsEmpty());
}

TEST_F(BrokerModelTest, AnExpiredClientLeavesAndTheOthersArePushedTo) {
  Join(Stating("c1", "g"));
  const int second = Join(Stating("c2", "g"));
  Forget();
  model_.RenewLight(second, /*has_token=*/true, 1);
  model_.Scan(kExpiry, {});
  EXPECT_THAT(EventsOf(model_.TakeEffects()), IsEmpty());
  model_.Scan(kExpiry + 1, {});
  const Effects effects = model_.TakeEffects();
  EXPECT_THAT(EventsOf(effects),
              ElementsAre("CLIENT_UNREGISTER c1 EXPIRED", "CHANGE"));
  EXPECT_THAT(PushedTo(effects), ElementsAre(second));
}

TEST_F(BrokerModelTest, ATickThatIsLateByMoreThanTenSecondsExpiresNobody) {
  Join(Stating("c1", "g"));
  Forget();
  model_.Tick(kExpiry + 1, 10'000'001, {});
  EXPECT_THAT(EventsOf(model_.TakeEffects()), IsEmpty());
  model_.Tick(2 * kExpiry + 1, 0, {});
  EXPECT_THAT(EventsOf(model_.TakeEffects()), IsEmpty());
  model_.Tick(2 * kExpiry + 2, 10'000'000, {});
  EXPECT_EQ(model_.closed(RemovalReason::kExpired), 1);
}

TEST_F(BrokerModelTest, ALateTickIsAQuarterOfTheShortestExpiryLate) {
  model::Statement stating = Stating("c1", "g");
  stating.requested_expiry = 20'000;
  Join(stating);
  model_.Tick(20'001, 5'000'001, {});
  EXPECT_EQ(model_.closed(RemovalReason::kExpired), 0);
  model_.Tick(40'002, 5'000'000, {});
  EXPECT_EQ(model_.closed(RemovalReason::kExpired), 1);
}

TEST_F(BrokerModelTest, AClientGetsTheExpiryThatItAsksForWithinTheBounds) {
  const int channel = model_.OpenStream(0);
  model::Statement stating = Stating("c1", "g");
  const auto applied = [&](Millis requested) {
    stating.requested_expiry = requested;
    return model_.Heartbeat(channel, stating, 0).channel_expiry;
  };
  EXPECT_EQ(applied(0), kExpiry);
  EXPECT_EQ(applied(9'999), 10'000);
  EXPECT_EQ(applied(10'001), 10'001);
  EXPECT_EQ(applied(1'800'001), 1'800'000);
}

TEST_F(BrokerModelTest, AGroupThatIsLeftOutExpiresAlone) {
  const int channel = Join(Stating("c1", "g"));
  model_.Heartbeat(channel, Stating("c1", "h"), 50'000);
  model_.RenewLight(channel, /*has_token=*/true, kExpiry);
  Forget();
  model_.Scan(kExpiry + 1, {});
  EXPECT_THAT(
      EventsOf(model_.TakeEffects()),
      ElementsAre("CLIENT_UNREGISTER c1 EXPIRED", "UNREGISTER", "CHANGE"));
  EXPECT_TRUE(model_.channels()[channel].open);
}

TEST_F(BrokerModelTest, ANewStreamOfAnIncarnationReplacesTheOldOneInSilence) {
  Statement statement = Stating("c1", "g");
  statement.incarnation = 7;
  const int old = Join(statement);
  Forget();
  Join(statement);
  const Effects effects = model_.TakeEffects();
  EXPECT_THAT(effects.ended,
              ElementsAre(std::pair(old, RemovalReason::kReplaced)));
  EXPECT_THAT(EventsOf(effects),
              ElementsAre("CLIENT_REGISTER c1", "CLIENT_UNREGISTER c1 REPLACED",
                          "REGISTER c1"));
}

TEST_F(BrokerModelTest, AnOlderStreamThatComesLateIsRefused) {
  Statement newer = Stating("c1", "g");
  newer.incarnation = 7;
  newer.stream_number = 2;
  Statement older = newer;
  older.stream_number = 1;
  Join(newer);
  const int late = model_.OpenStream(0);
  EXPECT_FALSE(model_.Heartbeat(late, older, 0).accepted);
  EXPECT_FALSE(model_.channels()[late].open);
}

TEST_F(BrokerModelTest, OfATopicTheGreatestVersionCounts) {
  Join(Stating("c1", "g", {{"t", {5, "old"}}}));
  const int newer = Join(Stating("c2", "g", {{"t", {6, "new"}}}));
  EXPECT_EQ(StatementOf("g").subscriptions.at("t").expression, "new");
  model_.Close(newer, RemovalReason::kDisconnected);
  EXPECT_EQ(StatementOf("g").subscriptions.at("t").expression, "old");
}

TEST_F(BrokerModelTest, OfEqualVersionsTheOneStatedFirstCounts) {
  Join(Stating("c1", "g", {{"t", {5, "first"}}}));
  Join(Stating("c2", "g", {{"t", {5, "second"}}}));
  EXPECT_EQ(StatementOf("g").subscriptions.at("t").expression, "first");
}

TEST_F(BrokerModelTest, TheModesAreThoseStatedLastByAMemberThatStays) {
  Join(Stating("c1", "g"));
  Statement broadcasting = Stating("c2", "g");
  broadcasting.consumers[0].modes.message_model = MessageModel::kBroadcasting;
  const int second = Join(broadcasting);
  EXPECT_TRUE(StatementOf("g").IsBroadcasting());
  model_.Heartbeat(second, Stating("c2"), 0);
  EXPECT_FALSE(StatementOf("g").IsBroadcasting());
}

TEST_F(BrokerModelTest, AnUnregisterVoidsTheTokenAndIsNoErrorTwice) {
  const int channel = Join(Stating("c1", "g"));
  model_.Unregister(channel, "c1", "", "g");
  model_.Unregister(channel, "c1", "", "g");
  EXPECT_EQ(model_.RenewLight(channel, /*has_token=*/true, 0),
            LightAnswer::kFullStatementNeeded);
}

TEST_F(BrokerModelTest, AStandInGetsNoPushAndGoesWithItsLastGroup) {
  const int stand_in = model_.OpenStandIn("c1", 0);
  model_.Heartbeat(stand_in, Stating("c1", "g"), 0);
  EXPECT_THAT(model_.TakeEffects().pushes, IsEmpty());
  model_.Unregister(stand_in, "c1", "", "g");
  EXPECT_EQ(model_.FindStandIn("c1"), -1);
}

TEST_F(BrokerModelTest, AProducerIsFoundWhereItJoinedLast) {
  Statement statement = Stating("c1");
  statement.producers = {"p"};
  const int first = Join(statement);
  const int second = Join(statement);
  EXPECT_EQ(model_.FindProducerChannel("c1"), second);
  model_.Close(second, RemovalReason::kDisconnected);
  EXPECT_EQ(model_.FindProducerChannel("c1"), first);
}

TEST_F(BrokerModelTest, AKickedProcessIsKeptOutUntilItsTime) {
  Statement statement = Stating("c1");
  statement.incarnation = 7;
  const int first = Join(statement);
  EXPECT_EQ(model_.Kick({"c1", "", {}}, 100, 0, {}), 1);
  EXPECT_FALSE(model_.channels()[first].open);
  EXPECT_EQ(model_.Kick({"c1", "", {}}, 100, 0, {}), 0);
  int again = model_.OpenStream(99);
  EXPECT_TRUE(model_.Heartbeat(again, statement, 99).held);
  EXPECT_FALSE(model_.channels()[again].open);
  again = model_.OpenStream(100);
  EXPECT_TRUE(model_.Heartbeat(again, statement, 100).accepted);
  // Another process was never kept out.
  model_.Kick({"c1", "", {}}, 100, 100, {});
  statement.incarnation = 8;
  again = model_.OpenStream(101);
  EXPECT_TRUE(model_.Heartbeat(again, statement, 101).accepted);
}

TEST(PolicyModelTest, AStatementMakesTheConfigAndTheRetryTopic) {
  PolicyModel policy{PolicyOptions()};
  StatedConsumer stated;
  stated.group = "g";
  EXPECT_EQ(policy.Admit(stated), "");
  EXPECT_EQ(policy.groups().count("g"), 1u);
  EXPECT_EQ(policy.topics().at("%RETRY%g").perm, 6);
}

TEST(PolicyModelTest, EachReasonToSkipAGroupHasItsName) {
  PolicyOptions options;
  options.auto_create_groups = false;
  options.reject_pull_consumers = true;
  PolicyModel policy(options);
  StatedConsumer stated;
  stated.group = "g";
  EXPECT_EQ(policy.Admit(stated), "NO_SUCH_GROUP");
  stated.group = "no group";
  EXPECT_EQ(policy.Admit(stated), "ILLEGAL_GROUP");
  stated.modes.consume_type = ConsumeType::kConsumeActively;
  EXPECT_EQ(policy.Admit(stated), "PULL_CONSUMER_REJECTED");
  EXPECT_THAT(policy.topics(), IsEmpty());
}

}  // namespace
}  // namespace rmq::model
