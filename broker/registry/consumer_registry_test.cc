// The rules of consumer groups, through the ClientTable that owns them.
#include "broker/registry/consumer_registry.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ConsumerRegistryTest = ClientTableFixture;

// --- Joining ---

TEST_F(ConsumerRegistryTest, TheFirstMemberMakesTheGroup) {
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  const absl::optional<ConsumerGroupInfo> group =
      table_.FindConsumerGroup("orders");
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->group, "orders");
  EXPECT_EQ(group->channels, 1);
  EXPECT_EQ(group->subscriptions->size(), 1);
}

TEST_F(ConsumerRegistryTest, ANewMemberIsToldInJavasOrder) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c1",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerRegistryTest, ASecondChannelOfAClientIsAMemberOfItsOwn) {
  Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ConsumerRegistryTest, MembersAreListedInTheOrderOfTheirOpening) {
  const auto first = OpenStream();
  const auto second = OpenStream();
  const auto third = OpenStream();
  Register(*third, TestStatement("c3").Consumer("orders"));
  Register(*first, TestStatement("c1").Consumer("orders"));
  Register(*second, TestStatement("c2").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c2", "c3"));
}

TEST_F(ConsumerRegistryTest, AnUnchangedStatementTellsNothing) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST(UnchangedRegisterTest,
     AnUnchangedStatementIsARegisterForAListenerThatAsks) {
  RecordingListener listener(RecordingListener::Unchanged::kWanted);
  RecordingListener other;
  ClientTable table(ClientTable::Options(), {&other, &listener});
  const auto channel = std::make_shared<FakeClientChannel>();
  const BuiltStatement statement(
      TestStatement("c1").Consumer("orders", {{"pay"}}));
  ASSERT_TRUE(table.Open(channel, absl::FromUnixSeconds(1)).ok());
  table.Register(*channel, statement.Admitted(), absl::FromUnixSeconds(1));
  listener.Take();
  table.Register(*channel, statement.Admitted(), absl::FromUnixSeconds(2));
  EXPECT_THAT(listener.TakeDescribed(),
              ElementsAre("consumer orders REGISTER c1"));
}

// --- The record of a member ---

TEST_F(ConsumerRegistryTest, LanguageAndVersionAreThoseOfTheLatestHeartbeat) {
  const auto channel = Connect(
      TestStatement("c1").Program(LanguageCode::kGo, 7).Consumer("orders"));
  Register(
      *channel,
      TestStatement("c1").Program(LanguageCode::kRust, 8).Consumer("orders"));
  const MemberInfo member = MemberInfos("orders").at(0);
  EXPECT_EQ(member.language, LanguageCode::kRust);
  EXPECT_EQ(member.version, 8);
  EXPECT_EQ(member.channel, channel);
}

TEST_F(ConsumerRegistryTest,
       AnotherClientIdOnAKnownChannelReplacesTheRecordInSilence) {
  const auto channel = Connect(TestStatement("c1")
                                   .Program(LanguageCode::kGo, 7)
                                   .Consumer("orders", {{"pay"}}));
  TakeEvents();
  Register(*channel, TestStatement("c2")
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
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Register(*channel, TestStatement("c2").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c2"), channel);
}

TEST_F(ConsumerRegistryTest, ACloseTellsTheRecordsClientId) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Register(*channel, TestStatement("c2").Consumer("orders"));
  TakeEvents();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_UNREGISTER c2 DISCONNECTED",
                  "consumer orders UNREGISTER", "consumer orders CHANGE"));
}

// --- Topics -> groups ---

TEST_F(ConsumerRegistryTest, ATopicsGroupsAreThoseThatSubscribeNow) {
  Connect(
      TestStatement("c1").Consumer("b", {{"pay"}}).Consumer("a", {{"pay"}}));
  const auto channel =
      Connect(TestStatement("c2").Consumer("c", {{"pay"}, {"ship"}}));
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(GroupsOf("ship"), ElementsAre("c"));
  Register(*channel, TestStatement("c2").Consumer("c", {{"ship"}}));
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("a", "b"));
  EXPECT_THAT(GroupsOf("other"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatEmptiesLeavesTheTopics) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(GroupsOf("pay"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatExpiresLeavesTheTopics) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(GroupsOf("pay"), IsEmpty());
}

TEST_F(ConsumerRegistryTest, AGroupThatKeepsAMemberKeepsItsTopics) {
  const auto a = Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"pay"}}));
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(GroupsOf("pay"), ElementsAre("orders"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "*");
}

TEST_F(ConsumerRegistryTest, GroupsOfATopicArePagedByName) {
  for (const char* group : {"d", "b", "a", "c"}) {
    Connect(TestStatement("c1").Consumer(group, {{"pay"}}));
  }
  EXPECT_THAT(table_.GroupsOfTopic("pay", "", 2), ElementsAre("a", "b"));
  EXPECT_THAT(table_.GroupsOfTopic("pay", "b", 2), ElementsAre("c", "d"));
  EXPECT_THAT(table_.GroupsOfTopic("pay", "d", 2), IsEmpty());
}

// --- Leaving ---

TEST_F(ConsumerRegistryTest, AMemberThatLeavesOthersBehindIsAChange) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*a, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_UNREGISTER c1 UNREGISTERED",
                          "consumer orders CHANGE"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c2"));
}

TEST_F(ConsumerRegistryTest, TheLastMemberTakesTheGroupWithIt) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
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
  const auto channel = Connect(TestStatement("c1")
                                   .Consumer("orders", {{"pay", 9, "old"}})
                                   .Model(MessageModel::kBroadcasting));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  TakeEvents();
  Register(*channel,
           TestStatement("c1").Consumer("orders", {{"pay", 1, "new"}}));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "new");
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c1",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

// --- Channels of one client id ---

TEST_F(ConsumerRegistryTest, AMemberIsFoundBehindAnyNumberOfTheClientsStreams) {
  for (size_t i = 0; i < 2 * ClientTable::kMaxPiece; ++i) {
    Connect(TestStatement("c1").Incarnation(i + 1).Producer("pay"));
  }
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  Connect(TestStatement("c2").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), nullptr);
  const auto first = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), first);
}

}  // namespace
}  // namespace rmq
