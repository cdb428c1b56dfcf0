// The epoch of a consumer group: it moves with the set of the client ids.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EpochTest : public ClientTableFixture {
 protected:
  // 0 if there is no such group.
  uint64_t EpochOf(absl::string_view group) {
    const absl::optional<ConsumerGroupInfo> info =
        table_.FindConsumerGroup(group);
    return info.has_value() ? info->epoch : 0;
  }

  // Of the last event of that type since the last call.
  ClientEvent TakeLast(EventType type) {
    ClientEvent last{};
    for (const ClientEvent& event : listener_.Take()) {
      if (event.type == type) last = event;
    }
    return last;
  }

  std::vector<std::string> EpochsOf(const ClientChannel& channel) {
    std::vector<std::string> epochs;
    for (const ConsumerGroupEpoch& of : table_.GroupEpochs(channel)) {
      epochs.push_back(absl::StrCat(of.group, " ", of.epoch));
    }
    return epochs;
  }
};

TEST_F(EpochTest, AJoiningClientMovesItToTheRevisionOfTheChange) {
  Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  const ClientEvent change = TakeLast(EventType::kChange);
  EXPECT_EQ(change.epoch, change.revision);
  EXPECT_TRUE(change.members_changed);
  EXPECT_EQ(EpochOf("orders"), change.revision);
}

TEST_F(EpochTest, TheAnswerHasTheEpochOfEachGroupInTheStatementsOrder) {
  Connect(TestStatement("c1").Consumer("audit"));
  const auto channel = OpenStream();
  const RegisterResult result = Register(
      *channel, TestStatement("c2").Consumer("orders").Consumer("audit"));
  ASSERT_EQ(result.group_epochs.size(), 2);
  EXPECT_EQ(result.group_epochs[0].epoch, EpochOf("orders"));
  EXPECT_EQ(result.group_epochs[1].epoch, EpochOf("audit"));
  EXPECT_THAT(EpochsOf(*channel),
              ElementsAre(absl::StrCat("orders ", EpochOf("orders")),
                          absl::StrCat("audit ", EpochOf("audit"))));
}

TEST_F(EpochTest, AGroupThatThePolicyRefusesHasNone) {
  const auto channel = OpenStream();
  EXPECT_THAT(
      RegisterAllSkipped(*channel, TestStatement("c1").Consumer("orders"))
          .group_epochs,
      IsEmpty());
}

TEST_F(EpochTest, OnlyGroupsOfTheLatestStatementAreAsked) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders").Producer("pay"));
  Register(*channel, TestStatement("c1").Consumer("audit"));
  EXPECT_THAT(EpochsOf(*channel),
              ElementsAre(absl::StrCat("audit ", EpochOf("audit"))));
}

TEST_F(EpochTest, ARepeatedHeartbeatMovesNothing) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  Connect(TestStatement("c2").Consumer("audit"));
  const RegisterResult result =
      Register(*channel, TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(EpochOf("orders"), before);
  EXPECT_EQ(result.group_epochs[0].epoch, before);
}

TEST_F(EpochTest, ASecondChannelIsNoChange) {
  Connect(TestStatement("c1").Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(EpochOf("orders"), before);
  const ClientEvent change = TakeLast(EventType::kChange);
  EXPECT_EQ(change.epoch, before);
  EXPECT_FALSE(change.members_changed);
  EXPECT_FALSE(change.topics_changed);
}

TEST_F(EpochTest, OfTwoChannelsTheLastOneThatLeavesIsTheChange) {
  const auto first = Connect(TestStatement("c1").Consumer("orders"));
  const auto second = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  table_.Unregister(*first, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(EpochOf("orders"), before);
  EXPECT_FALSE(TakeLast(EventType::kChange).members_changed);
  table_.Unregister(*second, "c1", {}, {"orders"}, now_);
  EXPECT_GT(EpochOf("orders"), before);
  EXPECT_TRUE(TakeLast(EventType::kChange).members_changed);
}

TEST_F(EpochTest, AReplacementIsNoChange) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_EQ(EpochOf("orders"), before);
  // Nor is a group lost by it of no consequence.
  Connect(TestStatement("c2").Consumer("orders"));
  const uint64_t with_both = EpochOf("orders");
  Connect(TestStatement("c1").Incarnation(7).Consumer("audit"));
  EXPECT_GT(EpochOf("orders"), with_both);
}

TEST_F(EpochTest, AReplacementThatAddsATopicTellsSoAndMovesNothing) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  const uint64_t before = EpochOf("orders");
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders",
                                                      {{"pay"}, {"ship"}}));
  const ClientEvent change = TakeLast(EventType::kChange);
  EXPECT_EQ(change.epoch, before);
  EXPECT_FALSE(change.members_changed);
  EXPECT_TRUE(change.topics_changed);
}

TEST_F(EpochTest, AGroupThatBeginsToBalanceTellsSo) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  const uint64_t before = EpochOf("orders");
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders"));
  const ClientEvent change = TakeLast(EventType::kChange);
  EXPECT_EQ(change.epoch, before);
  EXPECT_TRUE(change.topics_changed);
  EXPECT_FALSE(change.members_changed);
}

TEST_F(EpochTest, EachWayToLeaveMovesItOnce) {
  const auto stays = Connect(TestStatement("c0").Consumer("orders"));
  const auto unregisters = Connect(TestStatement("c1").Consumer("orders"));
  const auto closes = Connect(TestStatement("c2").Consumer("orders"));
  const auto kicked = Connect(TestStatement("c3").Consumer("orders"));
  const auto expires = Connect(TestStatement("c4").Consumer("orders"));
  uint64_t before = EpochOf("orders");

  table_.Unregister(*unregisters, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(EpochOf("orders"), before + 1);
  table_.Close(*closes, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(EpochOf("orders"), before + 2);
  table_.Close(*kicked, RemovalReason::kKicked, now_);
  EXPECT_EQ(EpochOf("orders"), before + 3);
  Advance(kExpiry + kMoment);
  stays->RenewLight(0, now_);
  Scan();
  EXPECT_EQ(EpochOf("orders"), before + 4);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c0"));
}

TEST_F(EpochTest, AGroupThatIsLeftOutLongEnoughMovesItToo) {
  const auto leaving = Connect(TestStatement("c1").Consumer("orders"));
  const auto stays = Connect(TestStatement("c2").Consumer("orders"));
  Register(*leaving, TestStatement("c1").Consumer("audit"));
  const uint64_t before = EpochOf("orders");
  Advance(kExpiry + kMoment);
  leaving->RenewLight(0, now_);
  stays->RenewLight(0, now_);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c2"));
  EXPECT_GT(EpochOf("orders"), before);
}

TEST_F(EpochTest, LeavesInOnePieceOfAScanShareAnEpoch) {
  for (int i = 0; i < 5; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  Advance(kExpiry + kMoment);
  const auto stays = Connect(TestStatement("c9").Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c9"));
  EXPECT_EQ(EpochOf("orders"), before + 1);
}

TEST_F(EpochTest, AnotherClientIdOnTheChannelIsAChange) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  const uint64_t before = EpochOf("orders");
  const RegisterResult result =
      Register(*channel, TestStatement("c2").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c2"));
  EXPECT_GT(EpochOf("orders"), before);
  EXPECT_EQ(result.group_epochs[0].epoch, EpochOf("orders"));
  // The revision is used up, though Java makes no event of it.
  Connect(TestStatement("c3").Consumer("audit"));
  EXPECT_GT(EpochOf("audit"), EpochOf("orders"));
}

TEST_F(EpochTest, AnotherClientIdThatIsThereAlreadyIsAChangeOfTheFirstAlone) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  const auto other = Connect(TestStatement("c2").Consumer("orders"));
  uint64_t before = EpochOf("orders");
  Register(*channel, TestStatement("c2").Consumer("orders"));
  EXPECT_GT(EpochOf("orders"), before);
  // c2 has two channels now.
  before = EpochOf("orders");
  table_.Close(*other, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(EpochOf("orders"), before);
  table_.Unregister(*channel, "c2", {}, {"orders"}, now_);
  EXPECT_GT(TakeLast(EventType::kChange).epoch, before);
}

TEST_F(EpochTest, AClientWithManyChannelsCountsOnceInEachOfItsGroups) {
  std::vector<FakeClientChannelPtr> channels;
  for (int i = 0; i < 3; ++i) {
    TestStatement stated("c1");
    stated.Consumer("orders");
    if (i > 0) stated.Consumer("audit");
    channels.push_back(Connect(stated));
  }
  Connect(TestStatement("c2").Consumer("orders").Consumer("audit"));
  uint64_t orders = EpochOf("orders");
  uint64_t audit = EpochOf("audit");
  table_.Close(*channels[2], RemovalReason::kDisconnected, now_);
  EXPECT_EQ(EpochOf("orders"), orders);
  EXPECT_EQ(EpochOf("audit"), audit);
  table_.Close(*channels[1], RemovalReason::kDisconnected, now_);
  EXPECT_EQ(EpochOf("orders"), orders);
  EXPECT_GT(EpochOf("audit"), audit);
  table_.Close(*channels[0], RemovalReason::kDisconnected, now_);
  EXPECT_GT(EpochOf("orders"), orders);
}

TEST_F(EpochTest, SurvivesTheEndOfTheGroup) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const ClientEvent change = TakeLast(EventType::kChange);
  EXPECT_EQ(change.epoch, change.revision);
  EXPECT_EQ(EpochOf("orders"), 0);
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_GT(EpochOf("orders"), change.epoch);
}

}  // namespace
}  // namespace rmq
