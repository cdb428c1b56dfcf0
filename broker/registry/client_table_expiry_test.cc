// What expires: silent channels, and groups that later statements leave out.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
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

using ExpiryTest = ClientTableFixture;

// --- Silence of a channel ---

TEST_F(ExpiryTest, AChannelSilentForExactlyTheExpiryIsKept) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_FALSE(channel->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ExpiryTest, AChannelSilentForAMomentLongerIsExpired) {
  const auto channel =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  TakeEvents();
  Advance(kExpiry + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
  EXPECT_TRUE(channel->closed());
  EXPECT_THAT(TakeEvents(),
              ::testing::UnorderedElementsAre(
                  "consumer orders CLIENT_UNREGISTER c1 EXPIRED",
                  "consumer orders UNREGISTER", "consumer orders CHANGE",
                  "producer pay CLIENT_UNREGISTER c1 EXPIRED",
                  "producer pay UNREGISTER"));
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ExpiryTest, AChannelThatWasKeptAtTheEdgeIsExpiredByTheNextScan) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(kExpiry);
  Scan();
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, SilenceRunsFromTheOpeningWithoutAnyHeartbeat) {
  const auto channel = OpenStream();
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, AFullHeartbeatPostponesTheExpiry) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(absl::Seconds(70));
  Register(*channel, TestStatement("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, ALightHeartbeatPostponesTheExpiry) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("orders"))
          .statement_token;
  Advance(absl::Seconds(70));
  channel->RenewLight(token, now_);
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, AnUnregisterIsNotHeard) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(100));
  table_.Unregister(*channel, "c1", {}, {"a"}, now_);
  Advance(absl::Seconds(20) + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, AHeartbeatOnOneChannelDoesNotRenewTheClientsOther) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c1").Consumer("orders"));
  Advance(absl::Seconds(100));
  Register(*b, TestStatement("c1").Consumer("orders"));
  Advance(absl::Seconds(21));
  EXPECT_THAT(Scan(), ElementsAre(a));
}

TEST_F(ExpiryTest, ADueChannelThatClosedMeanwhileIsNotEnded) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(kExpiry + kMoment);
  table_.BeginScan(now_);
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  std::vector<ClientChannelPtr> ended;
  EXPECT_FALSE(table_.ScanSome(now_, 100, &ended));
  EXPECT_THAT(ended, IsEmpty());
}

TEST_F(ExpiryTest, AnExpiryDoesNotEndTheChannel) {
  const auto channel = OpenStream();
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(channel->ends(), IsEmpty());
}

// --- Groups that later statements leave out ---

TEST_F(ExpiryTest, ALeftOutGroupExpiresAloneAndTheChannelLives) {
  const auto channel = Connect(
      TestStatement("c1").Producer("pay").Consumer("a").Consumer("b", {{"t"}}));
  Advance(absl::Seconds(60));
  Register(*channel, TestStatement("c1").Consumer("a"));
  TakeEvents();
  Advance(absl::Seconds(60));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(TakeEvents(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_FALSE(channel->closed());
  EXPECT_THAT(TakeEvents(), ::testing::UnorderedElementsAre(
                                "consumer b CLIENT_UNREGISTER c1 EXPIRED",
                                "consumer b UNREGISTER", "consumer b CHANGE",
                                "producer pay CLIENT_UNREGISTER c1 EXPIRED",
                                "producer pay UNREGISTER"));
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  EXPECT_THAT(GroupsOf("t"), IsEmpty());
}

TEST_F(ExpiryTest, ALeftOutGroupKeepsTheTimeOfItsLastLightRenewal) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a").Consumer("b"))
          .statement_token;
  Advance(absl::Seconds(50));
  const absl::Time last_renewed = now_;
  channel->RenewLight(token, now_);
  Advance(absl::Seconds(50));
  Register(*channel, TestStatement("c1").Consumer("a"));
  EXPECT_EQ(LastStated("b"), last_renewed);
  EXPECT_EQ(LastStated("a"), now_);
  now_ = last_renewed + kExpiry;
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  Advance(kMoment);
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
}

TEST_F(ExpiryTest, ALeftOutGroupIsNotRenewedByLaterHeartbeats) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  const absl::Time stated = now_;
  Advance(absl::Seconds(50));
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a")).statement_token;
  Advance(absl::Seconds(10));
  channel->RenewLight(token, now_);
  Advance(absl::Seconds(10));
  Register(*channel, TestStatement("c1").Consumer("a"));
  EXPECT_EQ(LastStated("b"), stated);
}

TEST_F(ExpiryTest, AsManyLeftOutGroupsAsMayBeAreKept) {
  TestStatement many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Producer(absl::StrCat("p", i));
  }
  const auto channel = Connect(many);
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("a"));
  EXPECT_EQ(table_.counts().producer_groups, ClientTable::kMaxLeftOutGroups);
}

TEST_F(ExpiryTest, OfOneLeftOutGroupTooManyTheFirstJoinedExpiresAtOnce) {
  TestStatement many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Producer(absl::StrCat("p", i));
  }
  const auto channel = Connect(many);
  Register(*channel, TestStatement("c1").Consumer("a"));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("b"));
  EXPECT_EQ(table_.counts().producer_groups,
            ClientTable::kMaxLeftOutGroups - 1);
  EXPECT_FALSE(table_.FindProducerGroup("p0").has_value());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
}

TEST_F(ExpiryTest, AStatementMayExpireTheLastGroupOfItsOwnClientId) {
  const auto channel = Connect(TestStatement("c1").Consumer("first"));
  Register(*channel, TestStatement("c2").Consumer("second"));
  TestStatement many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Consumer(absl::StrCat("g", i));
  }
  Register(*channel, many);
  // Two groups too many are left out, and the second one is all that c2 has.
  RegisterAllSkipped(*channel, TestStatement("c2").Consumer("skipped"));
  EXPECT_FALSE(table_.FindConsumerGroup("first").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("second").has_value());
  EXPECT_EQ(table_.FindConsumerChannel("second", "c2"), nullptr);
  EXPECT_THAT(Consumers("g0"), ElementsAre("c1"));
}

TEST_F(ExpiryTest, ALeftOutGroupThatIsStatedAgainLivesOn) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(60));
  Register(*channel, TestStatement("c1").Consumer("a"));
  Advance(absl::Seconds(30));
  Register(*channel, TestStatement("c1").Consumer("a").Consumer("b"));
  TakeEvents();
  Advance(kExpiry);
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ExpiryTest, AGroupThatThePolicySkipsIsLeftOut) {
  const auto channel = Connect(TestStatement("c1").Consumer("a"));
  Advance(absl::Seconds(60));
  RegisterAllSkipped(*channel, TestStatement("c1").Consumer("a"));
  Advance(absl::Seconds(60) + kMoment);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("a"), IsEmpty());
  EXPECT_FALSE(channel->closed());
}

TEST_F(ExpiryTest, AGroupThatIsLeftOutLateExpiresOnTimeThoughScannedBefore) {
  // Scans between file the channel at its own deadline, which must not hide the
  // earlier one of the group.
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  for (int i = 0; i < 11; ++i) {
    Advance(absl::Seconds(10));
    Register(*channel, TestStatement("c1").Consumer("a").Consumer("b"));
    Scan();
  }
  const absl::Time stated = now_;
  for (int i = 0; i < 12; ++i) {
    Advance(absl::Seconds(10));
    Register(*channel, TestStatement("c1").Consumer("a"));
    Scan();
    ASSERT_THAT(Consumers("b"), ElementsAre("c1"));
  }
  now_ = stated + kExpiry + kMoment;
  Register(*channel, TestStatement("c1").Consumer("a"));
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
}

TEST_F(ExpiryTest, EachLeftOutGroupExpiresAtItsOwnTime) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("a").Consumer("b").Consumer("c"));
  const absl::Time first = now_;
  Advance(absl::Seconds(40));
  Register(*channel, TestStatement("c1").Consumer("a").Consumer("b"));
  const absl::Time second = now_;
  Advance(absl::Seconds(40));
  Register(*channel, TestStatement("c1").Consumer("a"));
  now_ = first + kExpiry + kMoment;
  Scan();
  EXPECT_THAT(Consumers("c"), IsEmpty());
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  now_ = second + kExpiry;
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  now_ = second + kExpiry + kMoment;
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
}

// --- Work in bounded pieces ---

TEST_F(ExpiryTest, APieceOfAScanRemovesNoMoreThanItMay) {
  for (int i = 0; i < 10; ++i) OpenStream();
  Advance(kExpiry + kMoment);
  table_.BeginScan(now_);
  std::vector<ClientChannelPtr> ended;
  EXPECT_TRUE(table_.ScanSome(now_, 4, &ended));
  EXPECT_THAT(ended, SizeIs(4));
  EXPECT_TRUE(table_.ScanSome(now_, 4, &ended));
  EXPECT_THAT(ended, SizeIs(8));
  EXPECT_FALSE(table_.ScanSome(now_, 4, &ended));
  EXPECT_THAT(ended, SizeIs(10));
}

TEST_F(ExpiryTest, ChannelsThatAreFiledAgainCountInAPiece) {
  std::vector<FakeClientChannelPtr> channels;
  for (int i = 0; i < 5; ++i) channels.push_back(OpenStream());
  Advance(kExpiry + kMoment);
  for (int i = 0; i < 4; ++i) channels[i]->RenewLight(0, now_);
  table_.BeginScan(now_);
  std::vector<ClientChannelPtr> ended;
  EXPECT_TRUE(table_.ScanSome(now_, 4, &ended));
  EXPECT_THAT(ended, IsEmpty());
  EXPECT_FALSE(table_.ScanSome(now_, 4, &ended));
  EXPECT_THAT(ended, ElementsAre(channels[4]));
}

TEST_F(ExpiryTest, AChannelThatIsHeardBetweenTwoPiecesIsKept) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  Advance(kExpiry + kMoment);
  table_.BeginScan(now_);
  std::vector<ClientChannelPtr> ended;
  table_.ScanSome(now_, 1, &ended);
  ASSERT_THAT(ended, ElementsAre(a));
  b->RenewLight(0, now_);
  table_.ScanSome(now_, 1, &ended);
  EXPECT_THAT(ended, ElementsAre(a));
  EXPECT_FALSE(b->closed());
}

TEST_F(ExpiryTest, AScanThatHasNotBegunLooksAtNothing) {
  OpenStream();
  Advance(2 * kExpiry);
  std::vector<ClientChannelPtr> ended;
  EXPECT_FALSE(table_.ScanSome(now_, 100, &ended));
  EXPECT_THAT(ended, IsEmpty());
}

// --- The heard floor ---

TEST_F(ExpiryTest, TheHeardFloorSavesASilentChannelForOneMoreExpiry) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ExpiryTest, TheHeardFloorSavesALeftOutGroupForOneMoreExpiry) {
  const auto channel = Connect(TestStatement("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(10));
  const uint64_t token =
      Register(*channel, TestStatement("c1").Consumer("a")).statement_token;
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  Advance(kExpiry);
  channel->RenewLight(token, now_);
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  Advance(kMoment);
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
}

TEST_F(ExpiryTest, AfterAPauseAnExpiryTellsThatSilenceRanFromItsEnd) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders").Producer("pay"));
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  const absl::Time back = now_;
  Advance(kExpiry + kMoment);
  listener_.Take();
  Scan();
  int left = 0;
  for (const ClientEvent& event : listener_.Take()) {
    if (event.type != EventType::kClientUnregister) continue;
    EXPECT_EQ(event.last_heard, back) << Describe(event);
    ++left;
  }
  EXPECT_EQ(left, 2);
}

TEST_F(ExpiryTest, TheHeardFloorNeverSinks) {
  const auto channel = OpenStream();
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  table_.RaiseHeardFloor(now_ - absl::Minutes(30));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_FALSE(channel->closed());
}

TEST_F(ExpiryTest, TheHeardFloorDoesNotShortenALaterHeartbeat) {
  const auto channel = OpenStream();
  table_.RaiseHeardFloor(now_);
  Advance(absl::Seconds(100));
  channel->RenewLight(0, now_);
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
}

}  // namespace
}  // namespace rmq
