// The rules of consumer groups, through the ClientTable that owns them.
#include "broker/registry/consumer_registry.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/stated.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConsumerRegistryTest : public ClientTableFixture {
 protected:
  std::vector<MemberInfo> MemberInfos(absl::string_view group) {
    MemberCursor cursor = 0;
    return table_.ListMembers(GroupKind::kConsumer, group, 100, &cursor);
  }
  std::string ExpressionOf(absl::string_view group, absl::string_view topic) {
    const absl::optional<SubscriptionData> subscription =
        table_.FindSubscription(group, topic);
    return subscription.has_value() ? subscription->expression : "none";
  }
};

// --- Joining ---

TEST_F(ConsumerRegistryTest, TheFirstMemberMakesTheGroup) {
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  const absl::optional<ConsumerGroupInfo> group =
      table_.FindConsumerGroup("orders");
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->group, "orders");
  EXPECT_EQ(group->channels, 1);
  EXPECT_EQ(group->subscriptions->size(), 1);
}

TEST_F(ConsumerRegistryTest, ANewMemberIsToldInJavasOrder) {
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c1",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ASecondChannelOfAClientIsAMemberOfItsOwn) {
  Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c1").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ConsumerRegistryTest, MembersAreListedInTheOrderOfTheirOpening) {
  const auto first = OpenStream();
  const auto second = OpenStream();
  const auto third = OpenStream();
  Register(*third, Stated("c3").Consumer("orders"));
  Register(*first, Stated("c1").Consumer("orders"));
  Register(*second, Stated("c2").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c2", "c3"));
}

TEST_F(ConsumerRegistryTest, AnUnchangedStatementTellsNothing) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST(UnchangedRegisterTest,
     AnUnchangedStatementIsARegisterForAListenerThatAsks) {
  RecordingListener listener(RecordingListener::Unchanged::kWanted);
  RecordingListener other;
  ClientTable table(ClientTable::Options(), {&other, &listener});
  const auto channel = std::make_shared<FakeClientChannel>();
  const StatementOf statement(Stated("c1").Consumer("orders", {{"pay"}}));
  ASSERT_TRUE(table.Open(channel, absl::FromUnixSeconds(1)).ok());
  table.Register(*channel, statement.Admitted(), absl::FromUnixSeconds(1));
  listener.Take();
  table.Register(*channel, statement.Admitted(), absl::FromUnixSeconds(2));
  EXPECT_THAT(listener.TakeDescribed(),
              ElementsAre("consumer orders REGISTER c1"));
}

// --- The record of a member ---

TEST_F(ConsumerRegistryTest, LanguageAndVersionAreThoseOfTheJoiningHeartbeat) {
  const auto channel =
      Connect(Stated("c1").Program(LanguageCode::kGo, 7).Consumer("orders"));
  Register(*channel,
           Stated("c1").Program(LanguageCode::kRust, 8).Consumer("orders"));
  const MemberInfo member = MemberInfos("orders").at(0);
  EXPECT_EQ(member.language, LanguageCode::kGo);
  EXPECT_EQ(member.version, 7);
  EXPECT_EQ(member.channel, channel);
}

TEST_F(ConsumerRegistryTest,
       AnotherClientIdOnAKnownChannelReplacesTheRecordInSilence) {
  const auto channel = Connect(
      Stated("c1").Program(LanguageCode::kGo, 7).Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, Stated("c2")
                         .Program(LanguageCode::kRust, 8)
                         .Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  const std::vector<MemberInfo> members = MemberInfos("orders");
  ASSERT_EQ(members.size(), 1);
  EXPECT_EQ(members[0].client_id, "c2");
  EXPECT_EQ(members[0].language, LanguageCode::kRust);
  EXPECT_EQ(members[0].version, 8);
}

TEST_F(ConsumerRegistryTest, AReplacedRecordIsFoundUnderTheNewClientIdOnly) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Register(*channel, Stated("c2").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c2"), channel);
}

TEST_F(ConsumerRegistryTest, ACloseTellsTheRecordsClientId) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Register(*channel, Stated("c2").Consumer("orders"));
  TakeEvents();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_UNREGISTER c2 DISCONNECTED",
                  "consumer orders UNREGISTER", "consumer orders CHANGE"));
}

// --- Subscriptions ---

TEST_F(ConsumerRegistryTest, AGreaterSubVersionReplacesASubscription) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 6, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
}

TEST_F(ConsumerRegistryTest, TheSameSubVersionReplacesNothing) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 5, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "old");
}

TEST_F(ConsumerRegistryTest, ALesserSubVersionReplacesNothing) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 4, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "old");
}

TEST_F(ConsumerRegistryTest, SubVersionsAreComparedWithTheirSign) {
  const auto channel = Connect(Stated("c1").Consumer(
      "orders", {{"pay", std::numeric_limits<int64_t>::min(), "old"}}));
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", -1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 0, "newest"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "newest");
}

TEST_F(ConsumerRegistryTest, AReplacedSubscriptionIsARegisterButNoChange) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay", 5}}));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 6}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ANewTopicIsAChange) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ADroppedTopicIsAChange) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
  EXPECT_EQ(ExpressionOf("orders", "ship"), "none");
}

TEST_F(ConsumerRegistryTest, ATopicInTheOthersPlaceIsAChange) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"ship"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "none");
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerRegistryTest, ADroppedTopicMayComeBackWithALesserVersion) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay", 9, "old"}}));
  Register(*channel, Stated("c1").Consumer("orders"));
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
}

// --- A group is what its living members state ---

TEST_F(ConsumerRegistryTest, TheTopicsAreThoseOfAllMembers) {
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  Connect(Stated("c2").Consumer("orders", {{"ship"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerRegistryTest, RestatingWhatOthersDoNotStateChangesNothing) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  Connect(Stated("c2").Consumer("orders", {{"ship"}}));
  TakeEvents();
  Register(*a, Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ConsumerRegistryTest, ATopicGoesWithTheLastMemberThatStatesIt) {
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  const auto b = Connect(Stated("c2").Consumer("orders", {{"ship"}}));
  const auto c = Connect(Stated("c3").Consumer("orders", {{"ship"}}));
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
  table_.Close(*c, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "ship"), "none");
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  EXPECT_THAT(GroupsOf("ship"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, ATopicThatOneMemberDropsStaysWhileAnotherHasIt) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  Connect(Stated("c2").Consumer("orders", {{"ship"}}));
  TakeEvents();
  Register(*a, Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerRegistryTest, AnExpressionGoesWithTheMemberThatStatesIt) {
  Connect(Stated("c1").Consumer("orders", {{"pay", 100, "stable"}}));
  const auto canary =
      Connect(Stated("c2").Consumer("orders", {{"pay", 200, "canary"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "canary");
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "stable");
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 100);
}

TEST_F(ConsumerRegistryTest, AVersionGoesWithTheMemberThatStatesIt) {
  Connect(Stated("c1").Consumer("orders", {{"pay", 100}}));
  const auto later = Connect(Stated("c2").Consumer("orders", {{"pay", 200}}));
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 200);
  table_.Close(*later, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 100);
}

TEST_F(ConsumerRegistryTest, OfEqualVersionsTheFirstStatedCounts) {
  const auto a =
      Connect(Stated("c1").Consumer("orders", {{"pay", 0, "first"}}));
  const auto b =
      Connect(Stated("c2").Consumer("orders", {{"pay", 0, "second"}}));
  Connect(Stated("c3").Consumer("orders", {{"pay", 0, "third"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "first");
  // Dropped and stated again, it is the latest.
  Register(*a, Stated("c1").Consumer("orders"));
  Register(*a, Stated("c1").Consumer("orders", {{"pay", 0, "first"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "second");
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "third");
}

TEST_F(ConsumerRegistryTest, AMembersOwnOlderVersionDoesNotComeBack) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay", 5, "a5"}}));
  Connect(Stated("c2").Consumer("orders", {{"pay", 3, "b3"}}));
  Register(*a, Stated("c1").Consumer("orders", {{"pay", 4, "a4"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "a5");
  Register(*a, Stated("c1").Consumer("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "b3");
}

TEST_F(ConsumerRegistryTest, AnEmptyListStatesNothingBesideOthers) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  const auto b = Connect(Stated("c2").Consumer("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(*table_.FindConsumerGroup("orders")->subscriptions, IsEmpty());
}

TEST_F(ConsumerRegistryTest, ALeftOutMembershipHoldsWhatItStated) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  Connect(Stated("c2").Consumer("orders", {{"ship"}}));
  Register(*a, Stated("c1").Consumer("others"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_EQ(ExpressionOf("orders", "pay"), "none");
}

TEST_F(ConsumerRegistryTest, AStandInsStatementCountsAlike) {
  Connect(Stated("c1").Consumer("orders", {{"pay", 1, "stream"}}));
  const ClientChannelPtr stand_in = StandIn("c2");
  Register(*stand_in, Stated("c2").Consumer("orders", {{"pay", 2, "unary"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "unary");
  table_.Unregister(*stand_in, "c2", {}, {"orders"}, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "stream");
}

TEST_F(ConsumerRegistryTest, ALargeGroupFindsWhoComesNextInPieces) {
  constexpr int kMembers = 3 * ClientTable::kMaxPiece;
  std::vector<FakeClientChannelPtr> members;
  for (int i = 0; i < kMembers; ++i) {
    // Each of a version of its own, every third of another expression.
    members.push_back(
        Connect(Stated(absl::StrCat("c", i))
                    .Consumer("orders", {{"pay", i, i % 3 == 0 ? "x" : "*"}})));
  }
  for (int i = kMembers - 1; i > 0; --i) {
    table_.Close(*members[i], RemovalReason::kDisconnected, now_);
    const SubscriptionData pay = *table_.FindSubscription("orders", "pay");
    ASSERT_EQ(pay.sub_version, i - 1);
    ASSERT_EQ(pay.expression, (i - 1) % 3 == 0 ? "x" : "*");
  }
}

TEST_F(ConsumerRegistryTest, ARegisterCarriesTheTopicsAfterIt) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  listener_.Take();
  Register(*channel, Stated("c1").Consumer("orders", {{"ship"}}));
  const std::vector<ClientEvent> events = listener_.Take();
  ASSERT_EQ(events.size(), 2);
  EXPECT_TRUE(events[1].subscriptions->contains("ship"));
  EXPECT_FALSE(events[1].subscriptions->contains("pay"));
}

TEST_F(ConsumerRegistryTest, AClientUnregisterCarriesTheTopicsBeforeIt) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  listener_.Take();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const ClientEvent left = listener_.Take().at(0);
  EXPECT_EQ(left.type, EventType::kClientUnregister);
  EXPECT_TRUE(left.subscriptions->contains("pay"));
  EXPECT_EQ(left.channel, channel);
}

TEST_F(ConsumerRegistryTest, ACopyOfTheSubscriptionsKeepsWhatItSaw) {
  const auto channel =
      Connect(Stated("c1").Consumer("orders", {{"pay", 1, "old"}}));
  const SubscriptionTablePtr before =
      table_.FindConsumerGroup("orders")->subscriptions;
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 2, "new"}}));
  EXPECT_EQ(before->at("pay").expression, "old");
}

// --- Topics -> groups ---

TEST_F(ConsumerRegistryTest, ATopicsGroupsAreThoseThatSubscribeNow) {
  Connect(Stated("c1").Consumer("b", {{"pay"}}).Consumer("a", {{"pay"}}));
  const auto channel = Connect(Stated("c2").Consumer("c", {{"pay"}, {"ship"}}));
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(GroupsOf("ship"), ElementsAre("c"));
  Register(*channel, Stated("c2").Consumer("c", {{"ship"}}));
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("a", "b"));
  EXPECT_THAT(GroupsOf("other"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatEmptiesLeavesTheTopics) {
  const auto channel = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(GroupsOf("pay"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatExpiresLeavesTheTopics) {
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(GroupsOf("pay"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatKeepsAMemberKeepsItsTopics) {
  const auto a = Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  Connect(Stated("c2").Consumer("orders", {{"pay"}}));
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
}

TEST_F(ConsumerRegistryTest, GroupsOfATopicArePagedByName) {
  for (const char* group : {"d", "b", "a", "c"}) {
    Connect(Stated("c1").Consumer(group, {{"pay"}}));
  }
  EXPECT_THAT(table_.GroupsOfTopic("pay", "", 2), ElementsAre("a", "b"));
  EXPECT_THAT(table_.GroupsOfTopic("pay", "b", 2), ElementsAre("c", "d"));
  EXPECT_THAT(table_.GroupsOfTopic("pay", "d", 2), IsEmpty());
}

// --- Modes ---

TEST_F(ConsumerRegistryTest, TheModesAreThoseOfTheLatestHeartbeatOfAnyMember) {
  Connect(Stated("c1").Consumer("orders").Type(ConsumeType::kConsumeActively));
  Connect(Stated("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerRegistryTest, TheModesGoWithTheMemberThatStatesThem) {
  Connect(Stated("c1").Consumer("orders").Type(ConsumeType::kConsumeActively));
  const auto canary =
      Connect(Stated("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerRegistryTest, ARepeatedFullHeartbeatSetsTheModesAnew) {
  const auto a = Connect(
      Stated("c1").Consumer("orders").Type(ConsumeType::kConsumeActively));
  Connect(Stated("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*a,
           Stated("c1").Consumer("orders").Type(ConsumeType::kConsumeActively));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerRegistryTest, ALightHeartbeatSetsNoModes) {
  const auto a = OpenStream();
  const uint64_t token = Register(*a, Stated("c1").Consumer("orders").Type(
                                          ConsumeType::kConsumeActively))
                             .statement_token;
  Connect(Stated("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  a->RenewLight(token, now_);
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerRegistryTest, ModesOfALeftOutMembershipComeLast) {
  Connect(Stated("c1").Consumer("orders").Type(ConsumeType::kConsumeActively));
  const auto b =
      Connect(Stated("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*b, Stated("c2").Consumer("others"));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerRegistryTest, ModesOfALeftOutMembershipCountWhereItIsAlone) {
  const auto a =
      Connect(Stated("c1").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*a, Stated("c1").Consumer("others"));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerRegistryTest, TurningFromBroadcastingToClusteringIsAChange) {
  const auto channel = Connect(
      Stated("c1").Consumer("orders").Model(MessageModel::kBroadcasting));
  TakeEvents();
  Register(*channel,
           Stated("c1").Consumer("orders").Model(MessageModel::kClustering));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, TurningFromClusteringToBroadcastingIsNoChange) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  TakeEvents();
  Register(*channel,
           Stated("c1").Consumer("orders").Model(MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ABroadcastingCanaryThatLeavesIsAChange) {
  Connect(Stated("c1").Consumer("orders"));
  const auto canary = Connect(
      Stated("c2").Consumer("orders").Model(MessageModel::kBroadcasting));
  TakeEvents();
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_UNREGISTER c2 DISCONNECTED",
                          "consumer orders CHANGE"));
}

TEST_F(ConsumerRegistryTest, LeavingABroadcastingGroupOutMayBeAChange) {
  Connect(Stated("c1").Consumer("orders"));
  const auto b = Connect(
      Stated("c2").Consumer("orders").Model(MessageModel::kBroadcasting));
  TakeEvents();
  Register(*b, Stated("c2").Producer("pay"));
  EXPECT_THAT(TakeEvents(), ElementsAre("producer pay CLIENT_REGISTER c2",
                                        "consumer orders CHANGE"));
}

TEST_F(ConsumerRegistryTest, AChangeOfModesAloneIsARegisterButNoChange) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  TakeEvents();
  Register(*channel,
           Stated("c1").Consumer("orders").Type(ConsumeType::kConsumePop));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ABroadcastingGroupTellsNoChange) {
  const auto channel = Connect(
      Stated("c1").Consumer("orders").Model(MessageModel::kBroadcasting));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 DISCONNECTED",
                          "consumer orders UNREGISTER"));
}

TEST_F(ConsumerRegistryTest, NoMessageModelCountsAsClustering) {
  Connect(Stated("c1").Consumer("orders").Model(MessageModel::kUnspecified));
  EXPECT_THAT(TakeEvents(), ::testing::Contains("consumer orders CHANGE"));
}

TEST_F(ConsumerRegistryTest, TheModelBeforeOrAfterAJoinDecides) {
  Connect(Stated("c1").Consumer("orders").Model(MessageModel::kBroadcasting));
  TakeEvents();
  Connect(Stated("c2").Consumer("orders").Model(MessageModel::kClustering));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c2",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c2"));
  Connect(Stated("c3").Consumer("orders").Model(MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c3",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c3"));
  Connect(Stated("c4").Consumer("orders").Model(MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c4",
                                        "consumer orders REGISTER c4"));
}

TEST_F(ConsumerRegistryTest, AGroupWhoseNotificationIsOffTellsNoChange) {
  const auto channel = OpenStream();
  RegisterUnnotified(*channel, Stated("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 UNREGISTERED",
                          "consumer orders UNREGISTER"));
}

TEST_F(ConsumerRegistryTest,
       AGroupWhoseNotificationIsOffTellsNoChangeOfAClose) {
  const auto channel = OpenStream();
  RegisterUnnotified(*channel, Stated("c1").Consumer("orders"));
  const auto peer = OpenStream();
  RegisterUnnotified(*peer, Stated("c2").Consumer("orders"));
  TakeEvents();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_UNREGISTER c1 "
                                        "DISCONNECTED"));
}

// --- Leaving ---

TEST_F(ConsumerRegistryTest, AMemberThatLeavesOthersBehindIsAChange) {
  const auto a = Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c2").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*a, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_UNREGISTER c1 UNREGISTERED",
                          "consumer orders CHANGE"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c2"));
}

TEST_F(ConsumerRegistryTest, TheLastMemberTakesTheGroupWithIt) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_UNREGISTER c1 UNREGISTERED",
                  "consumer orders UNREGISTER", "consumer orders CHANGE"));
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
  EXPECT_EQ(table_.counts().consumer_groups, 0);
}

TEST_F(ConsumerRegistryTest, AGroupThatComesBackBeginsAnew) {
  const auto channel = Connect(Stated("c1")
                                   .Consumer("orders", {{"pay", 9, "old"}})
                                   .Model(MessageModel::kBroadcasting));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("orders", {{"pay", 1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c1",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

// --- Channels of one client id ---

TEST_F(ConsumerRegistryTest, AMemberIsFoundBehindAnyNumberOfTheClientsStreams) {
  for (size_t i = 0; i < 2 * ClientTable::kMaxPiece; ++i) {
    Connect(Stated("c1").Incarnation(i + 1).Producer("pay"));
  }
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  Connect(Stated("c2").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  const auto first = Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c1").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), first);
}

}  // namespace
}  // namespace rmq
