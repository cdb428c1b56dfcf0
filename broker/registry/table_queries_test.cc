#include "broker/registry/table_queries.h"

#include <cstddef>
#include <map>
#include <string>
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
using ::testing::SizeIs;

using TableQueriesTest = ClientTableFixture;

TEST_F(TableQueriesTest, AnUnknownGroupHasNoMembers) {
  MemberCursor cursor = 5;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "x", 10, &cursor),
              IsEmpty());
  EXPECT_EQ(cursor, 0);
}

// "channel@group" of each member.
std::vector<std::string> Describe(const MembershipPiece& piece) {
  std::vector<std::string> members;
  for (const GroupedMember& member : piece.members) {
    members.push_back(
        absl::StrCat(member.member.channel->id(), "@", member.group));
  }
  return members;
}

TEST_F(TableQueriesTest, MembershipsAreReadByGroupAndChannelInPieces) {
  Connect(TestStatement("c1").Consumer("b").Consumer("a").Producer("a"));
  Connect(TestStatement("c2").Consumer("b"));
  MembershipPiece piece =
      table_.ListMemberships(GroupKind::kConsumer, "", 0, false, 2);
  EXPECT_THAT(Describe(piece), ElementsAre("1@a", "1@b"));
  EXPECT_FALSE(piece.is_last);
  piece = table_.ListMemberships(GroupKind::kConsumer, "b", 1, false, 2);
  EXPECT_THAT(Describe(piece), ElementsAre("2@b"));
  EXPECT_TRUE(piece.is_last);
  piece = table_.ListMemberships(GroupKind::kProducer, "", 0, false, 1);
  EXPECT_THAT(Describe(piece), ElementsAre("1@a"));
  EXPECT_TRUE(piece.is_last);
}

TEST_F(TableQueriesTest, MembershipsOfOneGroupAreReadAlone) {
  Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  Connect(TestStatement("c2").Consumer("a"));
  EXPECT_THAT(
      Describe(table_.ListMemberships(GroupKind::kConsumer, "a", 1, true, 9)),
      ElementsAre("2@a"));
  EXPECT_THAT(
      Describe(table_.ListMemberships(GroupKind::kConsumer, "", 0, true, 9)),
      IsEmpty());
}

TEST_F(TableQueriesTest, APieceTellsTheLastRevisionWithEvents) {
  const auto revision = [this] {
    return table_.ListMemberships(GroupKind::kConsumer, "", 0, false, 1)
        .revision;
  };
  EXPECT_EQ(revision(), 0);
  const FakeClientChannelPtr c1 = Connect(TestStatement("c1").Consumer("a"));
  EXPECT_EQ(revision(), 1);
  // Moves the epoch, and makes no event: the channel is under another id.
  Register(*c1, TestStatement("c2").Consumer("a"));
  EXPECT_EQ(revision(), 1);
  Connect(TestStatement("c3").Producer("a"));
  EXPECT_EQ(revision(), 3);
}

TEST_F(TableQueriesTest, TheCursorIsZeroAfterTheLastMember) {
  for (int i = 0; i < 4; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  MemberCursor cursor = 0;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(3));
  EXPECT_NE(cursor, 0);
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(1));
  EXPECT_EQ(cursor, 0);
}

TEST_F(TableQueriesTest, APageThatEndsWithTheLastMemberIsTheLast) {
  for (int i = 0; i < 3; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  MemberCursor cursor = 0;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(3));
  EXPECT_EQ(cursor, 0);
}

TEST_F(TableQueriesTest, MembersAreCopiedInPiecesOfAThousand) {
  for (size_t i = 0; i < ClientTable::kMaxPiece + 1; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  MemberCursor cursor = 0;
  std::vector<ClientChannelPtr> channels;
  table_.ListChannels("orders", 1'000'000, &cursor, &channels);
  EXPECT_THAT(channels, SizeIs(ClientTable::kMaxPiece));
  EXPECT_NE(cursor, 0);
  table_.ListChannels("orders", 1'000'000, &cursor, &channels);
  EXPECT_THAT(channels, SizeIs(ClientTable::kMaxPiece + 1));
  EXPECT_EQ(cursor, 0);
}

TEST_F(TableQueriesTest,
       MembersThatStayAreReadExactlyOnceWhileOthersComeAndGo) {
  std::map<std::string, int> reads;
  std::vector<FakeClientChannelPtr> passing;
  for (int i = 0; i < 40; ++i) {
    Connect(TestStatement(absl::StrCat("stays", i)).Consumer("orders"));
    passing.push_back(
        Connect(TestStatement(absl::StrCat("passes", i)).Consumer("orders")));
  }
  MemberCursor cursor = 0;
  int page = 0;
  do {
    for (const MemberInfo& member :
         table_.ListMembers(GroupKind::kConsumer, "orders", 7, &cursor)) {
      ++reads[member.client_id];
    }
    // One that has been read leaves, and one that has not; one comes.
    for (const size_t leaving : {page, 39 - page}) {
      table_.Close(*passing[leaving], RemovalReason::kDisconnected, now_);
    }
    if (page < 5) {
      Connect(TestStatement(absl::StrCat("comes", page)).Consumer("orders"));
    }
    ++page;
  } while (cursor != 0);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(reads[absl::StrCat("stays", i)], 1) << i;
  }
  for (const auto& [client_id, times] : reads) EXPECT_LE(times, 1) << client_id;
}

TEST_F(TableQueriesTest, ReadingGoesOnWhenTheMemberReadLastHasLeft) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  Connect(TestStatement("c3").Consumer("orders"));
  MemberCursor cursor = 0;
  table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor);
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor)
                .at(0)
                .client_id,
            "c2");
}

TEST_F(TableQueriesTest, GroupsAreListedByNameAndPaged) {
  Connect(
      TestStatement("c1").Consumer("c").Consumer("a").Consumer("b").Producer(
          "z"));
  std::vector<std::string> names;
  for (const ConsumerGroupInfo& group : table_.ListConsumerGroups("", 2)) {
    names.push_back(group.group);
  }
  for (const ConsumerGroupInfo& group : table_.ListConsumerGroups("b", 2)) {
    names.push_back(group.group);
  }
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(table_.ListConsumerGroups("c", 2), IsEmpty());
  ASSERT_THAT(table_.ListProducerGroups("", 2), SizeIs(1));
  EXPECT_EQ(table_.ListProducerGroups("", 2)[0].group, "z");
}

TEST_F(TableQueriesTest, GroupsAreCopiedInPiecesOfAThousand) {
  const auto channel = OpenStream();
  TestStatement stated("c1");
  for (size_t i = 0; i < ClientTable::kMaxPiece + 1; ++i) {
    stated.Consumer(absl::StrCat("g", i), {{"t"}})
        .Producer(absl::StrCat("p", i));
  }
  Register(*channel, stated);
  EXPECT_THAT(table_.ListConsumerGroups("", 1'000'000),
              SizeIs(ClientTable::kMaxPiece));
  EXPECT_THAT(table_.ListProducerGroups("", 1'000'000),
              SizeIs(ClientTable::kMaxPiece));
  EXPECT_THAT(table_.GroupsOfTopic("t", "", 1'000'000),
              SizeIs(ClientTable::kMaxPiece));
}

TEST_F(TableQueriesTest, AConsumersChannelIsFoundInItsGroupOnly) {
  const auto channel = Connect(TestStatement("c1").Consumer("a"));
  Connect(TestStatement("c2").Consumer("b"));
  EXPECT_EQ(table_.FindConsumerChannel("a", "c1"), channel);
  EXPECT_EQ(table_.FindConsumerChannel("b", "c1"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("a", "unknown"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("unknown", "c1"), nullptr);
}

TEST_F(TableQueriesTest,
       AConsumersChannelIsFoundThoughItsOlderOneHasLeftTheGroup) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders").Producer("pay"));
  const auto b = Connect(TestStatement("c1").Consumer("orders"));
  table_.Unregister(*a, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), b);
}

TEST_F(TableQueriesTest, AClientsChannelsAreListedWithWhatEachStates) {
  const auto a = Connect(TestStatement("c1")
                             .Program(LanguageCode::kCpp, 7)
                             .Producer("pay")
                             .Consumer("orders", {{"t", 3, "x || y"}}));
  const auto b = Connect(TestStatement("c1").Consumer("orders", {{"u"}}));
  Connect(TestStatement("c2").Consumer("orders", {{"v"}}));

  ClientCursor cursor;
  const std::vector<ClientChannelInfo> channels =
      table_.ListClientChannels("c1", 100, &cursor);
  EXPECT_TRUE(cursor.is_beginning());
  ASSERT_THAT(channels, SizeIs(2));
  EXPECT_EQ(channels[0].channel, a);
  ASSERT_THAT(channels[0].memberships, SizeIs(2));
  const MembershipInfo& orders = channels[0].memberships[0];
  EXPECT_EQ(channels[0].memberships[1].kind, GroupKind::kProducer);
  EXPECT_EQ(channels[0].memberships[1].group, "pay");
  EXPECT_EQ(orders.kind, GroupKind::kConsumer);
  EXPECT_EQ(orders.group, "orders");
  EXPECT_EQ(orders.version, 7);
  EXPECT_EQ(orders.last_stated, now_);
  EXPECT_EQ(orders.modes.message_model, MessageModel::kClustering);
  ASSERT_THAT(orders.subscriptions, SizeIs(1));
  EXPECT_EQ(orders.subscriptions.at("t").expression, "x || y");
  EXPECT_EQ(orders.subscriptions.at("t").sub_version, 3);
  EXPECT_EQ(channels[1].channel, b);
  EXPECT_EQ(channels[1].memberships[0].subscriptions.count("u"), 1u);
}

TEST_F(TableQueriesTest, AnUnknownClientHasNoChannels) {
  ClientCursor cursor;
  EXPECT_THAT(table_.ListClientChannels("c1", 100, &cursor), IsEmpty());
  EXPECT_TRUE(cursor.is_beginning());
}

TEST_F(TableQueriesTest, AClientsChannelsAreReadInPiecesOfAnySizeJustOnce) {
  for (int channel = 0; channel < 3; ++channel) {
    TestStatement statement("c1");
    for (int group = 0; group < 4; ++group) {
      statement.Consumer(absl::StrCat("g", channel, group), {{"t"}, {"u"}});
    }
    Connect(statement);
  }
  for (const size_t max : {1, 3, 4, 6, 12, 35, 36, 37}) {
    std::vector<std::string> groups;
    ClientCursor cursor;
    do {
      for (const ClientChannelInfo& info :
           table_.ListClientChannels("c1", max, &cursor)) {
        for (const MembershipInfo& membership : info.memberships) {
          groups.push_back(membership.group);
        }
      }
    } while (!cursor.is_beginning());
    EXPECT_THAT(groups, ElementsAre("g00", "g01", "g02", "g03", "g10", "g11",
                                    "g12", "g13", "g20", "g21", "g22", "g23"))
        << max;
  }
}

TEST_F(TableQueriesTest, APieceEndsWithTheMembershipThatFillsIt) {
  Connect(TestStatement("c1")
              .Consumer("a", {{"t"}})
              .Consumer("b", {{"t"}, {"u"}})
              .Consumer("c"));
  ClientCursor cursor;
  const std::vector<ClientChannelInfo> piece =
      table_.ListClientChannels("c1", 5, &cursor);
  ASSERT_THAT(piece, SizeIs(1));
  EXPECT_THAT(piece[0].memberships, SizeIs(2));  // 2 and 3 rows.
  EXPECT_FALSE(cursor.is_beginning());
  EXPECT_EQ(table_.ListClientChannels("c1", 5, &cursor)[0].memberships[0].group,
            "c");
  EXPECT_TRUE(cursor.is_beginning());
}

TEST_F(TableQueriesTest,
       AClientsNextChannelIsReadWholeIfTheOneUnderReadingGoes) {
  const auto a = Connect(TestStatement("c1").Consumer("a0").Consumer("a1"));
  Connect(TestStatement("c1").Consumer("b0").Consumer("b1"));
  Connect(TestStatement("c1").Consumer("c0"));
  ClientCursor cursor;
  table_.ListClientChannels("c1", 1, &cursor);  // a0 alone.
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  const std::vector<ClientChannelInfo> channels =
      table_.ListClientChannels("c1", 100, &cursor);
  ASSERT_THAT(channels, SizeIs(2));
  ASSERT_THAT(channels[0].memberships, SizeIs(2));
  EXPECT_EQ(channels[0].memberships[0].group, "b0");
}

TEST_F(TableQueriesTest, AClientsLastChannelIsReadIfThoseReadBeforeGo) {
  const auto a = Connect(TestStatement("c1").Consumer("a"));
  const auto b = Connect(TestStatement("c1").Consumer("b"));
  ClientCursor cursor;
  EXPECT_EQ(table_.ListClientChannels("c1", 1, &cursor)[0].channel, a);
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  const std::vector<ClientChannelInfo> channels =
      table_.ListClientChannels("c1", 1, &cursor);
  ASSERT_THAT(channels, SizeIs(1));
  EXPECT_EQ(channels[0].channel, b);
  EXPECT_TRUE(cursor.is_beginning());
}

TEST_F(TableQueriesTest, AClientsChannelThatWasReadIsNotReadAgainIfOthersGo) {
  const auto a = Connect(TestStatement("c1").Consumer("a"));
  const auto b = Connect(TestStatement("c1").Consumer("b"));
  ClientCursor cursor;
  EXPECT_EQ(table_.ListClientChannels("c1", 1, &cursor)[0].channel, a);
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(table_.ListClientChannels("c1", 1, &cursor), IsEmpty());
  EXPECT_TRUE(cursor.is_beginning());
}

TEST_F(TableQueriesTest, AChannelThatHasLeftItsGroupsIsListedWithoutAny) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  ClientCursor cursor;
  const std::vector<ClientChannelInfo> channels =
      table_.ListClientChannels("c1", 100, &cursor);
  ASSERT_THAT(channels, SizeIs(1));
  EXPECT_THAT(channels[0].memberships, IsEmpty());
}

TEST_F(TableQueriesTest, AnUnknownSubscriptionIsNone) {
  Connect(TestStatement("c1").Consumer("orders", {{"pay"}}));
  EXPECT_FALSE(table_.FindSubscription("orders", "ship").has_value());
  EXPECT_FALSE(table_.FindSubscription("unknown", "pay").has_value());
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->expression_type, "TAG");
}

}  // namespace
}  // namespace rmq
