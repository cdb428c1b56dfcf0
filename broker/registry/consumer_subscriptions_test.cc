// What a consumer group subscribes to, through the ClientTable: what its living
// members state.
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ConsumerSubscriptionsTest = ClientTableFixture;

// --- Subscriptions ---

TEST_F(ConsumerSubscriptionsTest, AGreaterSubVersionReplacesASubscription) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 6, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
}

TEST_F(ConsumerSubscriptionsTest, TheSameSubVersionReplacesNothing) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 5, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "old");
}

TEST_F(ConsumerSubscriptionsTest, ALesserSubVersionReplacesNothing) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 5, "old"}}));
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 4, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "old");
}

TEST_F(ConsumerSubscriptionsTest, SubVersionsAreComparedWithTheirSign) {
  const auto channel = Connect(TestStatement("c1").Consumer(
      "orders", {{"pay", std::numeric_limits<int64_t>::min(), "old"}}));
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", -1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 0, "newest"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "newest");
}

TEST_F(ConsumerSubscriptionsTest, AReplacedSubscriptionIsARegisterButNoChange) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 5}}));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders", {{"pay", 6}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerSubscriptionsTest, ANewTopicIsAChange) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerSubscriptionsTest, ADroppedTopicIsAChange) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
  EXPECT_EQ(ExpressionOf("orders", "ship"), "none");
}

TEST_F(ConsumerSubscriptionsTest, ATopicInTheOthersPlaceIsAChange) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders", {{"ship"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "none");
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerSubscriptionsTest, ADroppedTopicMayComeBackWithALesserVersion) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 9, "old"}}));
  Register(*channel, TestStatement("c1").Consumer("orders"));
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
}

// --- A group is what its living members state ---

TEST_F(ConsumerSubscriptionsTest, TheTopicsAreThoseOfAllMembers) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"ship"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerSubscriptionsTest, RestatingWhatOthersDoNotStateChangesNothing) {
  const auto a = Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"ship"}}));
  TakeEvents();
  Register(*a, TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ConsumerSubscriptionsTest, ATopicGoesWithTheLastMemberThatStatesIt) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  const auto b = Connect(TestStatement("c2").Consumer("orders", {{"ship"}}));
  const auto c = Connect(TestStatement("c3").Consumer("orders", {{"ship"}}));
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
  table_.Close(*c, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "ship"), "none");
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  EXPECT_THAT(GroupsOf("ship"), IsEmpty());
}

TEST_F(ConsumerSubscriptionsTest,
       ATopicThatOneMemberDropsStaysWhileAnotherHasIt) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}, {"ship"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"ship"}}));
  TakeEvents();
  Register(*a, TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_EQ(ExpressionOf("orders", "ship"), "*");
}

TEST_F(ConsumerSubscriptionsTest, AnExpressionGoesWithTheMemberThatStatesIt) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay", 100, "stable"}}));
  const auto canary =
      Connect(TestStatement("c2").Consumer("orders", {{"pay", 200, "canary"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "canary");
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "stable");
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 100);
}

TEST_F(ConsumerSubscriptionsTest, AVersionGoesWithTheMemberThatStatesIt) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay", 100}}));
  const auto later =
      Connect(TestStatement("c2").Consumer("orders", {{"pay", 200}}));
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 200);
  table_.Close(*later, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->sub_version, 100);
}

TEST_F(ConsumerSubscriptionsTest, OfEqualVersionsTheFirstStatedCounts) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 0, "first"}}));
  const auto b =
      Connect(TestStatement("c2").Consumer("orders", {{"pay", 0, "second"}}));
  Connect(TestStatement("c3").Consumer("orders", {{"pay", 0, "third"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "first");
  // Dropped and stated again, it is the latest.
  Register(*a, TestStatement("c1").Consumer("orders"));
  Register(*a, TestStatement("c1").Consumer("orders", {{"pay", 0, "first"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "second");
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "third");
}

TEST_F(ConsumerSubscriptionsTest, AMembersOwnOlderVersionDoesNotComeBack) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 5, "a5"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"pay", 3, "b3"}}));
  Register(*a, TestStatement("c1").Consumer("orders", {{"pay", 4, "a4"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "a5");
  Register(*a, TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "b3");
}

TEST_F(ConsumerSubscriptionsTest, AnEmptyListStatesNothingBesideOthers) {
  const auto a = Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(*table_.FindConsumerGroup("orders")->subscriptions, IsEmpty());
}

TEST_F(ConsumerSubscriptionsTest, ALeftOutMembershipHoldsWhatItStated) {
  const auto a = Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"ship"}}));
  Register(*a, TestStatement("c1").Consumer("others"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_EQ(ExpressionOf("orders", "pay"), "none");
}

TEST_F(ConsumerSubscriptionsTest, AStandInsStatementCountsAlike) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay", 1, "stream"}}));
  const ClientChannelPtr stand_in = StandIn("c2");
  Register(*stand_in,
           TestStatement("c2").Consumer("orders", {{"pay", 2, "unary"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "unary");
  table_.Unregister(*stand_in, "c2", {}, {"orders"}, now_);
  EXPECT_EQ(ExpressionOf("orders", "pay"), "stream");
}

TEST_F(ConsumerSubscriptionsTest, ALargeGroupFindsWhoComesNextInPieces) {
  constexpr int kMembers = 3 * ClientTable::kMaxPiece;
  std::vector<FakeClientChannelPtr> members;
  for (int i = 0; i < kMembers; ++i) {
    // Each of a version of its own, every third of another expression.
    members.push_back(
        Connect(TestStatement(absl::StrCat("c", i))
                    .Consumer("orders", {{"pay", i, i % 3 == 0 ? "x" : "*"}})));
  }
  for (int i = kMembers - 1; i > 0; --i) {
    table_.Close(*members[i], RemovalReason::kDisconnected, now_);
    const SubscriptionData pay = *table_.FindSubscription("orders", "pay");
    ASSERT_EQ(pay.sub_version, i - 1);
    ASSERT_EQ(pay.expression, (i - 1) % 3 == 0 ? "x" : "*");
  }
}

TEST_F(ConsumerSubscriptionsTest, ARegisterCarriesTheTopicsAfterIt) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  listener_.Take();
  Register(*channel, TestStatement("c1").Consumer("orders", {{"ship"}}));
  const std::vector<ClientEvent> events = listener_.Take();
  ASSERT_EQ(events.size(), 2);
  EXPECT_TRUE(events[1].subscriptions->contains("ship"));
  EXPECT_FALSE(events[1].subscriptions->contains("pay"));
}

TEST_F(ConsumerSubscriptionsTest, AClientUnregisterCarriesTheTopicsBeforeIt) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  listener_.Take();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const ClientEvent left = listener_.Take().at(0);
  EXPECT_EQ(left.type, EventType::kClientUnregister);
  EXPECT_TRUE(left.subscriptions->contains("pay"));
  EXPECT_EQ(left.channel, channel);
}

TEST_F(ConsumerSubscriptionsTest, ACopyOfTheSubscriptionsKeepsWhatItSaw) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay", 1, "old"}}));
  const SubscriptionTablePtr before =
      table_.FindConsumerGroup("orders")->subscriptions;
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 2, "new"}}));
  EXPECT_EQ(before->at("pay").expression, "old");
}

}  // namespace
}  // namespace rmq
