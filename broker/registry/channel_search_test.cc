#include "broker/registry/channel_search.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
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

class ChannelSearchTest : public ClientTableFixture {
 protected:
  using ClientTableFixture::ClientTableFixture;

  // The client ids of all that meet `filter`, read in pieces of `max`.
  std::vector<std::string> Find(const ChannelFilter& filter,
                                ListOrder order = ListOrder::kOldestFirst,
                                size_t max = 2) {
    std::vector<FoundChannel> found;
    ChannelId cursor = 0;
    work_ = 0;
    do {
      const size_t before = found.size();
      work_ += table_.FindChannels(filter, order, max, &cursor, &found);
      EXPECT_LE(found.size() - before, max);
    } while (cursor != 0);
    std::vector<std::string> client_ids;
    for (const FoundChannel& channel : found) {
      EXPECT_EQ(channel.summary.id, channel.channel->id());
      client_ids.push_back(channel.summary.client_id);
    }
    return client_ids;
  }

  // The work of the last Find().
  size_t work_ = 0;
};

TEST_F(ChannelSearchTest, AllAreFoundInEitherOrder) {
  for (const char* id : {"a", "b", "c", "d", "e"}) Connect(TestStatement(id));
  EXPECT_THAT(Find({}), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(Find({}, ListOrder::kNewestFirst),
              ElementsAre("e", "d", "c", "b", "a"));
}

TEST_F(ChannelSearchTest, AStreamBeforeItsFirstHeartbeatIsNotFound) {
  OpenStream();
  EXPECT_THAT(Find({}), IsEmpty());
}

TEST_F(ChannelSearchTest, AClientIsFoundByItsIdWithOneLook) {
  for (int i = 0; i < 100; ++i) Connect(TestStatement(absl::StrCat("c", i)));
  Connect(TestStatement("c7"));
  ChannelFilter filter;
  filter.client_id = "c7";
  EXPECT_THAT(Find(filter), ElementsAre("c7", "c7"));
  EXPECT_LE(work_, 4);
  filter.client_id = "c70x";
  EXPECT_THAT(Find(filter), IsEmpty());
}

TEST_F(ChannelSearchTest, AClientWithVeryManyChannelsIsFoundWhole) {
  Connect(TestStatement("c2"));
  for (int i = 0; i < 1001; ++i) Connect(TestStatement("c1"));
  ChannelFilter filter;
  filter.client_id = "c1";
  EXPECT_THAT(Find(filter, ListOrder::kOldestFirst, 1000), SizeIs(1001));
  EXPECT_THAT(Find(filter, ListOrder::kNewestFirst, 1000), SizeIs(1001));
}

TEST_F(ChannelSearchTest, AGroupIsThatOfEitherKindAndCostsItsMembers) {
  for (int i = 0; i < 100; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("others"));
  }
  Connect(TestStatement("p").Producer("orders"));
  Connect(TestStatement("both").Producer("orders").Consumer("orders"));
  Connect(TestStatement("c").Consumer("orders"));
  ChannelFilter filter;
  filter.group = "orders";
  EXPECT_THAT(Find(filter), ElementsAre("p", "both", "c"));
  EXPECT_LE(work_, 12);
  EXPECT_THAT(Find(filter, ListOrder::kNewestFirst),
              ElementsAre("c", "both", "p"));
  EXPECT_THAT(Find(filter, ListOrder::kNewestFirst, 1),
              ElementsAre("c", "both", "p"));
}

TEST_F(ChannelSearchTest, LabelsAddressLanguageAndVersionAreLookedAt) {
  Connect(TestStatement("a")
              .Consumer("g")
              .Label("zone", "z1")
              .Program(LanguageCode::kGo, 1));
  Connect(TestStatement("b")
              .Consumer("g")
              .Label("zone", "z2")
              .Program(LanguageCode::kCpp, 2));
  Connect(TestStatement("c").Consumer("g").Program(LanguageCode::kJava, 0));
  ChannelFilter filter;
  filter.labels = {{"zone", "z2"}};
  EXPECT_THAT(Find(filter), ElementsAre("b"));
  filter = {};
  filter.language = LanguageCode::kGo;
  EXPECT_THAT(Find(filter), ElementsAre("a"));
  filter = {};
  filter.version = 0;
  EXPECT_THAT(Find(filter), ElementsAre("c"));
  filter = {};
  filter.host = "127.0.0.1";
  EXPECT_THAT(Find(filter), SizeIs(3));
  filter.port = "50002";
  EXPECT_THAT(Find(filter), IsEmpty());
}

TEST_F(ChannelSearchTest, AClientIsFoundByTheProgramThatItStatedLast) {
  const auto channel = Connect(TestStatement("a")
                                   .Consumer("kept")
                                   .Consumer("left out")
                                   .Producer("p")
                                   .Program(LanguageCode::kGo, 1));
  Register(*channel, TestStatement("a").Consumer("kept").Producer("p").Program(
                         LanguageCode::kRust, 2));
  ChannelFilter filter;
  filter.version = 2;
  EXPECT_THAT(Find(filter), ElementsAre("a"));
  filter.version = 1;
  EXPECT_THAT(Find(filter), IsEmpty());
  filter = {};
  filter.language = LanguageCode::kRust;
  EXPECT_THAT(Find(filter), ElementsAre("a"));
  filter.language = LanguageCode::kGo;
  EXPECT_THAT(Find(filter), IsEmpty());
}

TEST_F(ChannelSearchTest, AllListsShowTheProgramThatWasStatedLast) {
  const auto channel =
      Connect(TestStatement("a").Consumer("c").Producer("p").Program(
          LanguageCode::kGo, 1));
  Register(*channel, TestStatement("a").Producer("p").Consumer("c").Program(
                         LanguageCode::kRust, 2));
  ChannelId cursor = 0;
  std::vector<FoundChannel> found;
  table_.FindChannels({}, ListOrder::kOldestFirst, 10, &cursor, &found);
  EXPECT_EQ(found.at(0).summary.groups.language, LanguageCode::kRust);
  EXPECT_EQ(found.at(0).summary.groups.version, 2);
  ClientCursor client;
  const auto channels = table_.ListClientChannels("a", 10, &client);
  ASSERT_THAT(channels.at(0).memberships, SizeIs(2));
  for (const MembershipInfo& membership : channels.at(0).memberships) {
    EXPECT_EQ(membership.language, LanguageCode::kRust);
    EXPECT_EQ(membership.version, 2);
  }
  // The snapshot of a watch, and the event when the client goes.
  for (const GroupKind kind : {GroupKind::kConsumer, GroupKind::kProducer}) {
    const MembershipPiece piece =
        table_.ListMemberships(kind, "", 0, /*only_group=*/false, 10);
    ASSERT_THAT(piece.members, SizeIs(1));
    EXPECT_EQ(piece.members[0].member.version, 2);
  }
  listener_.Take();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  for (const ClientEvent& event : listener_.Take()) {
    if (event.type != EventType::kClientUnregister) continue;
    EXPECT_EQ(event.version, 2) << event.group;
    EXPECT_EQ(event.language, LanguageCode::kRust) << event.group;
  }
}

TEST_F(ChannelSearchTest, APieceEndsByWorkThoughNobodyIsFound) {
  for (int i = 0; i < 1500; ++i) Connect(TestStatement(absl::StrCat("c", i)));
  ChannelFilter filter;
  filter.labels = {{"zone", "nowhere"}};
  ChannelId cursor = 0;
  std::vector<FoundChannel> found;
  EXPECT_EQ(
      table_.FindChannels(filter, ListOrder::kOldestFirst, 10, &cursor, &found),
      1000);
  EXPECT_NE(cursor, 0);
  EXPECT_EQ(
      table_.FindChannels(filter, ListOrder::kOldestFirst, 10, &cursor, &found),
      500);
  EXPECT_EQ(cursor, 0);
  EXPECT_THAT(found, IsEmpty());
}

TEST_F(ChannelSearchTest, AChannelOfManyGroupsCountsAsItsMemberships) {
  TestStatement stated("c");
  for (int i = 0; i < 50; ++i) stated.Producer(absl::StrCat("p", i));
  Connect(stated);
  ChannelFilter filter;
  filter.version = 99;
  Find(filter);
  EXPECT_EQ(work_, 50);
}

TEST_F(ChannelSearchTest, ASummaryHasTenGroupsOfEachKindAndCountsTheRest) {
  TestStatement stated("c");
  for (int i = 0; i < 12; ++i) stated.Producer(absl::StrCat("p", i));
  for (int i = 0; i < 10; ++i) stated.Consumer(absl::StrCat("c", i));
  Connect(stated.Program(LanguageCode::kRust, 3));
  ChannelId cursor = 0;
  std::vector<FoundChannel> found;
  table_.FindChannels({}, ListOrder::kOldestFirst, 10, &cursor, &found);
  ASSERT_THAT(found, SizeIs(1));
  const ChannelGroups& groups = found[0].summary.groups;
  EXPECT_THAT(groups.consumers, SizeIs(10));
  EXPECT_THAT(groups.producers, SizeIs(10));
  EXPECT_EQ(groups.left_out, 2);
  EXPECT_EQ(groups.language, LanguageCode::kRust);
  EXPECT_EQ(groups.version, 3);
}

TEST_F(ChannelSearchTest, OthersThatComeAndGoHideNobody) {
  std::vector<FakeClientChannelPtr> channels;
  for (const char* id : {"a", "b", "c", "d"}) {
    channels.push_back(Connect(TestStatement(id)));
  }
  std::vector<FoundChannel> found;
  ChannelId cursor = 0;
  table_.FindChannels({}, ListOrder::kOldestFirst, 2, &cursor, &found);
  table_.Close(*channels[1], RemovalReason::kDisconnected, now_);
  table_.Close(*channels[2], RemovalReason::kDisconnected, now_);
  Connect(TestStatement("e"));
  while (cursor != 0) {
    table_.FindChannels({}, ListOrder::kOldestFirst, 2, &cursor, &found);
  }
  std::vector<std::string> client_ids;
  for (const FoundChannel& row : found) {
    client_ids.push_back(row.summary.client_id);
  }
  EXPECT_THAT(client_ids, ElementsAre("a", "b", "d", "e"));
}

}  // namespace
}  // namespace rmq
