#include "broker/registry/closed_channels.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/labels.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ClosedChannelsTest : public ClientTableFixture {
 protected:
  using ClientTableFixture::ClientTableFixture;

  // "c1 DISCONNECTED" of all, read in pieces of two.
  std::vector<std::string> Closed(const ChannelFilter& filter = {},
                                  ListOrder order = ListOrder::kOldestFirst) {
    std::vector<ClosedChannelPtr> found;
    uint64_t cursor = 0;
    do {
      table_.FindClosedChannels(filter, order, 2, &cursor, &found);
    } while (cursor != 0);
    std::vector<std::string> described;
    for (const ClosedChannelPtr& closed : found) {
      described.push_back(
          absl::StrCat(closed->summary.client_id, " ", Name(closed->reason)));
    }
    return described;
  }
  // A channel that comes, and closes.
  void ComeAndGo(const TestStatement& stated,
                 RemovalReason reason = RemovalReason::kDisconnected) {
    table_.Close(*Connect(stated), reason, now_);
  }
  ClosedChannelPtr Last() {
    std::vector<ClosedChannelPtr> found;
    uint64_t cursor = 0;
    table_.FindClosedChannels({}, ListOrder::kNewestFirst, 1, &cursor, &found);
    return found.at(0);
  }
};

TEST_F(ClosedChannelsTest, AreKeptInTheOrderOfClosingWithTheirReasons) {
  ComeAndGo(TestStatement("a").Consumer("g"));
  ComeAndGo(TestStatement("b").Consumer("g"), RemovalReason::kKicked);
  Connect(TestStatement("c").Incarnation(1).Consumer("g"));
  Connect(TestStatement("c").Incarnation(1).Consumer("g"));
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(Closed(), ElementsAre("a DISCONNECTED", "b KICKED", "c REPLACED",
                                    "c EXPIRED"));
  EXPECT_THAT(
      Closed({}, ListOrder::kNewestFirst),
      ElementsAre("c EXPIRED", "c REPLACED", "b KICKED", "a DISCONNECTED"));
}

TEST_F(ClosedChannelsTest, AnEntryTellsWhatTheChannelWas) {
  const absl::Time opened = now_;
  const FakeClientChannelPtr channel =
      Connect(TestStatement("a")
                  .Consumer("orders")
                  .Producer("pay")
                  .Label("zone", "z")
                  .Program(LanguageCode::kGo, 4));
  Advance(absl::Seconds(5));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const ClosedChannelPtr closed = Last();
  EXPECT_EQ(closed->closed_at, now_);
  EXPECT_EQ(closed->summary.opened_at, opened);
  EXPECT_EQ(closed->summary.id, channel->id());
  EXPECT_EQ(closed->summary.kind, ChannelKind::kStream);
  EXPECT_EQ(closed->summary.remote_address, "127.0.0.1:50001");
  EXPECT_EQ(ToString(closed->summary.labels), "zone=z");
  EXPECT_THAT(closed->summary.groups.consumers, ElementsAre("orders"));
  EXPECT_THAT(closed->summary.groups.producers, ElementsAre("pay"));
  EXPECT_EQ(closed->summary.groups.language, LanguageCode::kGo);
  EXPECT_EQ(closed->summary.groups.version, 4);
}

TEST_F(ClosedChannelsTest, AReplacedStreamWasInItsGroups) {
  Connect(TestStatement("a").Incarnation(1).Consumer("g").Producer("p").Program(
      LanguageCode::kGo, 4));
  Connect(TestStatement("a").Incarnation(1).Consumer("g"));
  EXPECT_THAT(Closed(), ElementsAre("a REPLACED"));
  const ChannelGroups& groups = Last()->summary.groups;
  EXPECT_THAT(groups.consumers, ElementsAre("g"));
  EXPECT_THAT(groups.producers, ElementsAre("p"));
  EXPECT_EQ(groups.language, LanguageCode::kGo);
  EXPECT_EQ(groups.version, 4);
}

TEST_F(ClosedChannelsTest, AStreamThatIsReplacedInPartWasInWhatItHadLeft) {
  const FakeClientChannelPtr old = Connect(
      TestStatement("a").Incarnation(1).Consumer("g").Consumer("h").Producer(
          "p"));
  table_.Unregister(*old, "a", {"p"}, {"h"}, now_);
  Connect(TestStatement("a").Incarnation(1).Consumer("h"));
  EXPECT_THAT(Closed(), ElementsAre("a REPLACED"));
  const ChannelGroups& groups = Last()->summary.groups;
  EXPECT_THAT(groups.consumers, ElementsAre("g"));
  EXPECT_THAT(groups.producers, IsEmpty());
}

TEST_F(ClosedChannelsTest, AReplacedStreamThatUnregisteredAllWasReplaced) {
  const FakeClientChannelPtr old =
      Connect(TestStatement("a").Incarnation(1).Consumer("g"));
  table_.Unregister(*old, "a", {}, {"g"}, now_);
  Connect(TestStatement("a").Incarnation(1).Consumer("h"));
  EXPECT_THAT(Closed(), ElementsAre("a REPLACED"));
  EXPECT_THAT(Last()->summary.groups.consumers, ElementsAre("g"));
  // Of the newer one nothing is there yet.
  ChannelFilter filter;
  filter.group = "h";
  EXPECT_THAT(Closed(filter), IsEmpty());
}

TEST_F(ClosedChannelsTest, OfSeveralProcessesOnlyTheOwnStreamIsReplaced) {
  Connect(TestStatement("a").Incarnation(1).Consumer("g"));
  Connect(TestStatement("a").Incarnation(2).Consumer("h"));
  EXPECT_THAT(Closed(), IsEmpty());
  Connect(TestStatement("a").Incarnation(2).Consumer("g"));
  EXPECT_THAT(Closed(), ElementsAre("a REPLACED"));
  EXPECT_THAT(Last()->summary.groups.consumers, ElementsAre("h"));
}

TEST_F(ClosedChannelsTest, TheProgramIsTheOneThatWasStatedLast) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("a").Consumer("g").Program(LanguageCode::kGo, 4));
  Register(*channel,
           TestStatement("a").Consumer("g").Program(LanguageCode::kCpp, 5));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  ChannelFilter filter;
  filter.version = 5;
  EXPECT_THAT(Closed(filter), ElementsAre("a DISCONNECTED"));
  filter.version = 4;
  EXPECT_THAT(Closed(filter), IsEmpty());
}

TEST_F(ClosedChannelsTest, AStreamThatUnregisteredAllBeforeItEndedSaysSo) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("a").Consumer("g").Producer("p").Program(
          LanguageCode::kGo, 4));
  table_.Unregister(*channel, "a", {"p"}, {}, now_);
  table_.Unregister(*channel, "a", {}, {"g"}, now_);
  EXPECT_THAT(Closed(), IsEmpty());
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Closed(), ElementsAre("a UNREGISTERED"));
  // It is found by what it was in.
  const ChannelGroups& groups = Last()->summary.groups;
  EXPECT_THAT(groups.consumers, ElementsAre("g"));
  EXPECT_THAT(groups.producers, ElementsAre("p"));
  EXPECT_EQ(groups.language, LanguageCode::kGo);
}

TEST_F(ClosedChannelsTest, AStreamThatUnregisteredSomeIsDisconnected) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("a").Consumer("g").Producer("p"));
  table_.Unregister(*channel, "a", {"p"}, {}, now_);
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Closed(), ElementsAre("a DISCONNECTED"));
  EXPECT_THAT(Last()->summary.groups.producers, IsEmpty());
}

TEST_F(ClosedChannelsTest, AGroupThatWasStatedAgainIsNotUnregistered) {
  const FakeClientChannelPtr channel =
      Connect(TestStatement("a").Consumer("g"));
  table_.Unregister(*channel, "a", {}, {"g"}, now_);
  Register(*channel, TestStatement("a"));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Closed(), ElementsAre("a DISCONNECTED"));
  EXPECT_THAT(Last()->summary.groups.consumers, IsEmpty());
}

TEST_F(ClosedChannelsTest, AStandInGoesWithItsLastGroup) {
  const ClientChannelPtr stand_in = StandIn("a");
  Register(*stand_in, TestStatement("a").Consumer("g"));
  table_.Unregister(*stand_in, "a", {}, {"g"}, now_);
  EXPECT_THAT(Closed(), ElementsAre("a UNREGISTERED"));
  EXPECT_THAT(Last()->summary.groups.consumers, ElementsAre("g"));
}

TEST_F(ClosedChannelsTest, AStandInThatWasInNoGroupIsPassedOver) {
  const ClientChannelPtr stand_in = StandIn("a");
  Register(*stand_in, TestStatement("a"));
  EXPECT_TRUE(stand_in->closed());
  EXPECT_THAT(Closed(), IsEmpty());
}

TEST_F(ClosedChannelsTest, AStreamBeforeItsFirstHeartbeatIsPassedOver) {
  table_.Close(*OpenStream(), RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Closed(), IsEmpty());
}

TEST_F(ClosedChannelsTest, AreFoundByAFilter) {
  ComeAndGo(TestStatement("a").Consumer("g"));
  ComeAndGo(TestStatement("b").Producer("g"));
  ComeAndGo(TestStatement("c").Consumer("h"));
  ChannelFilter filter;
  filter.group = "g";
  EXPECT_THAT(Closed(filter), ElementsAre("a DISCONNECTED", "b DISCONNECTED"));
}

TEST_F(ClosedChannelsTest, AreCountedByReason) {
  ComeAndGo(TestStatement("a").Consumer("g"));
  ComeAndGo(TestStatement("b"), RemovalReason::kKicked);
  ComeAndGo(TestStatement("b"), RemovalReason::kKicked);
  const auto& counts = table_.counts().closed_channels;
  EXPECT_EQ(counts[static_cast<size_t>(RemovalReason::kDisconnected)], 1);
  EXPECT_EQ(counts[static_cast<size_t>(RemovalReason::kKicked)], 2);
}

ClientTable::Options KeepingClosed(size_t most) {
  ClientTable::Options options;
  options.recently_closed = most;
  return options;
}

class ThreeClosedChannels : public ClosedChannelsTest {
 protected:
  ThreeClosedChannels() : ClosedChannelsTest(KeepingClosed(3)) {}
};

TEST_F(ThreeClosedChannels, OnlyTheLastAreKept) {
  for (const char* id : {"a", "b", "c"}) ComeAndGo(TestStatement(id));
  EXPECT_THAT(Closed(), SizeIs(3));
  ComeAndGo(TestStatement("d"));
  EXPECT_THAT(Closed(), ElementsAre("b DISCONNECTED", "c DISCONNECTED",
                                    "d DISCONNECTED"));
}

TEST_F(ThreeClosedChannels, PagesGoOnAtTheOldestWhenTheirPlaceIsGone) {
  for (const char* id : {"a", "b", "c"}) ComeAndGo(TestStatement(id));
  for (const ListOrder order :
       {ListOrder::kOldestFirst, ListOrder::kNewestFirst}) {
    std::vector<ClosedChannelPtr> found;
    uint64_t cursor = 0;
    table_.FindClosedChannels({}, order, 1, &cursor, &found);
    ASSERT_NE(cursor, 0);
    for (int i = 0; i < 9; ++i) ComeAndGo(TestStatement("x"));
    found.clear();
    table_.FindClosedChannels({}, order, 9, &cursor, &found);
    // Newest first, all that were before the place are gone.
    EXPECT_THAT(found, SizeIs(order == ListOrder::kOldestFirst ? 3 : 0));
  }
}

class FourClosedChannels : public ClosedChannelsTest {
 protected:
  FourClosedChannels() : ClosedChannelsTest(KeepingClosed(4)) {}

  // `times` channels of a client, each of which closes before the next comes.
  void ComeAndGoAs(absl::string_view user, absl::string_view client_id,
                   int times = 1) {
    for (int i = 0; i < times; ++i) {
      ComeAndGo(TestStatement(client_id).As(user).Consumer("g"));
    }
  }
  void ComeAndGoFrom(absl::string_view address, absl::string_view client_id,
                     int times = 1) {
    for (int i = 0; i < times; ++i) {
      const auto channel = std::make_shared<FakeClientChannel>(
          ClientChannel::Kind::kStream, address);
      ASSERT_TRUE(table_.Open(channel, now_).ok());
      Register(*channel, TestStatement(client_id).Consumer("g"));
      table_.Close(*channel, RemovalReason::kDisconnected, now_);
    }
  }
  std::vector<std::string> ClosedIds() {
    std::vector<std::string> ids = Closed();
    for (std::string& id : ids) id.resize(id.find(' '));
    return ids;
  }
};

TEST_F(FourClosedChannels, AUserWhoHasHalfMakesRoomByItsOwn) {
  ComeAndGoAs("pay", "a");
  ComeAndGoAs("pay", "b");
  ComeAndGoAs("thief", "x", 9);
  EXPECT_THAT(ClosedIds(), ElementsAre("a", "b", "x", "x"));
  // One that has less takes the place of the first.
  ComeAndGoAs("ship", "c");
  EXPECT_THAT(ClosedIds(), ElementsAre("b", "x", "x", "c"));
}

TEST_F(FourClosedChannels, AUserWhoHasMoreThanHalfMakesRoomForOthers) {
  ComeAndGoAs("thief", "x", 9);
  EXPECT_THAT(ClosedIds(), ElementsAre("x", "x", "x", "x"));
  ComeAndGoAs("pay", "a");
  ComeAndGoAs("thief", "x", 9);
  ComeAndGoAs("ship", "b");
  EXPECT_THAT(ClosedIds(), ElementsAre("a", "x", "x", "b"));
  ComeAndGoAs("thief", "x", 9);
  EXPECT_THAT(ClosedIds(), ElementsAre("a", "b", "x", "x"));
}

TEST_F(FourClosedChannels, AnonymousClientsOfOneAddressAreOne) {
  ComeAndGoFrom("10.0.0.1:1", "a");
  ComeAndGoFrom("10.0.0.1:2", "b");
  ComeAndGoFrom("10.0.0.2:1", "x", 3);
  ComeAndGoFrom("10.0.0.2:2", "y", 3);
  EXPECT_THAT(ClosedIds(), ElementsAre("a", "b", "y", "y"));
  // A user there is not one of them.
  ComeAndGoAs("pay", "c");
  EXPECT_THAT(ClosedIds(), ElementsAre("b", "y", "y", "c"));
}

TEST_F(FourClosedChannels, PagesGoOnBehindWhatIsForgottenInBetween) {
  ComeAndGoAs("thief", "x", 2);
  ComeAndGoAs("pay", "a");
  ComeAndGoAs("pay", "b");
  std::vector<ClosedChannelPtr> found;
  uint64_t cursor = 0;
  table_.FindClosedChannels({}, ListOrder::kNewestFirst, 1, &cursor, &found);
  // Two of the three that come next are forgotten.
  ComeAndGoAs("pay", "c");
  ComeAndGoAs("thief", "x");
  table_.FindClosedChannels({}, ListOrder::kNewestFirst, 9, &cursor, &found);
  EXPECT_EQ(cursor, 0);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[1]->summary.client_id, "x");
}

class NoClosedChannels : public ClosedChannelsTest {
 protected:
  NoClosedChannels() : ClosedChannelsTest(KeepingClosed(0)) {}
};

TEST_F(NoClosedChannels, NoneIsKeptButAllAreCounted) {
  ComeAndGo(TestStatement("a").Consumer("g"));
  EXPECT_THAT(Closed(), IsEmpty());
  EXPECT_EQ(
      table_.counts()
          .closed_channels[static_cast<size_t>(RemovalReason::kDisconnected)],
      1);
}

}  // namespace
}  // namespace rmq
