#include "broker/registry/client_table.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = RegisterResult::Outcome;

ClientTable::Options WithMaxChannels(size_t max_channels) {
  ClientTable::Options options;
  options.max_channels = max_channels;
  return options;
}

using ClientTableTest = ClientTableFixture;

// --- Options ---

TEST(ClientTableOptionsTest, DefaultsValidate) {
  EXPECT_THAT(ClientTable::Options().Validate(), IsOk());
}

TEST(ClientTableOptionsTest, AnExpiryThatIsNotPositiveIsRefused) {
  ClientTable::Options options;
  options.channel_expiry = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "channel_expiry must be positive, got 0"));
  options.channel_expiry = absl::Nanoseconds(1);
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(ClientTableOptionsTest, NoChannelsAtAllIsRefused) {
  EXPECT_THAT(WithMaxChannels(0).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_channels must be at least 1, got 0")));
  EXPECT_THAT(WithMaxChannels(1).Validate(), IsOk());
}

TEST(ClientTableOptionsTest, ChangesOfAStatementAreZeroToAThousandASecond) {
  ClientTable::Options options;
  for (int32_t taken : {0, 1000}) {
    options.max_statement_changes = taken;
    EXPECT_THAT(options.Validate(), IsOk());
  }
  for (int32_t refused : {-1, 1001}) {
    options.max_statement_changes = refused;
    EXPECT_THAT(options.Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("max_statement_changes must be 0 to 1000")));
  }
}

TEST(ClientTableOptionsTest, ChangesOfAnAddressAreZeroToAMillionASecond) {
  ClientTable::Options options;
  for (int32_t taken : {0, 1'000'000}) {
    options.max_statement_changes_per_address = taken;
    EXPECT_THAT(options.Validate(), IsOk());
  }
  for (int32_t refused : {-1, 1'000'001}) {
    options.max_statement_changes_per_address = refused;
    EXPECT_THAT(options.Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("max_statement_changes_per_address must be "
                                   "0 to 1000000")));
  }
}

// --- Opening and closing ---

TEST_F(ClientTableTest, ChannelsAreNumberedInTheOrderOfOpening) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  EXPECT_EQ(a->id(), 1);
  EXPECT_EQ(b->id(), 2);
}

TEST_F(ClientTableTest, AnOpenChannelKnowsWhenItWasOpened) {
  const auto channel = OpenStream();
  EXPECT_EQ(channel->opened_at(), now_);
  EXPECT_EQ(channel->last_heard(), now_);
  EXPECT_FALSE(channel->closed());
  EXPECT_EQ(table_.counts().channels, 1);
}

class ATableOfTwoChannels : public ClientTableTest {
 protected:
  ATableOfTwoChannels() : ClientTableTest(WithMaxChannels(2)) {}
};

TEST_F(ATableOfTwoChannels, TakesTwoAndRefusesTheThird) {
  OpenStream();
  OpenStream();
  EXPECT_THAT(table_.Open(std::make_shared<FakeClientChannel>(), now_),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "no room for another channel: max_channels is 2"));
  EXPECT_EQ(table_.counts().channels, 2);
}

TEST_F(ATableOfTwoChannels, HasRoomAgainAfterAClose) {
  const auto channel = OpenStream();
  OpenStream();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(table_.Open(std::make_shared<FakeClientChannel>(), now_), IsOk());
}

TEST_F(ATableOfTwoChannels, HasRoomAgainAfterAnExpiry) {
  OpenStream();
  OpenStream();
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(table_.Open(std::make_shared<FakeClientChannel>(), now_), IsOk());
}

TEST_F(ATableOfTwoChannels, CountsStandIns) {
  OpenStream();
  StandIn("c1");
  EXPECT_THAT(table_.FindOrOpenStandIn("c2",
                                       std::make_shared<FakeClientChannel>(
                                           ClientChannel::Kind::kStandIn),
                                       now_),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(table_.FindStandIn("c2"), nullptr);
}

TEST_F(ATableOfTwoChannels, FindsAStandInThatIsThereThoughItIsFull) {
  OpenStream();
  const ClientChannelPtr stand_in = StandIn("c1");
  EXPECT_EQ(StandIn("c1"), stand_in);
}

TEST_F(ClientTableTest, AChannelIsClosedOnce) {
  const auto channel = OpenStream();
  EXPECT_TRUE(table_.Close(*channel, RemovalReason::kDisconnected, now_));
  EXPECT_TRUE(channel->closed());
  EXPECT_FALSE(table_.Close(*channel, RemovalReason::kKicked, now_));
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ClientTableTest, ACloseTakesTheChannelOutOfAllItsGroups) {
  const auto channel = Connect(TestStatement("c1")
                                   .Producer("pay")
                                   .Consumer("orders", {{"t"}})
                                   .Consumer("audit", {{"t"}}));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Producers("pay"), IsEmpty());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_THAT(Consumers("audit"), IsEmpty());
  EXPECT_THAT(GroupsOf("t"), IsEmpty());
  EXPECT_EQ(table_.FindProducerChannel("c1"), nullptr);
}

TEST_F(ClientTableTest, AClosesReasonIsThatOfItsEvents) {
  for (const RemovalReason reason :
       {RemovalReason::kDisconnected, RemovalReason::kKicked,
        RemovalReason::kDrained}) {
    const auto channel = Connect(TestStatement("c1").Producer("pay"));
    TakeEvents();
    table_.Close(*channel, reason, now_);
    EXPECT_THAT(TakeEvents(),
                ElementsAre(absl::StrCat("producer pay CLIENT_UNREGISTER c1 ",
                                         Name(reason)),
                            "producer pay UNREGISTER"));
  }
}

TEST_F(ClientTableTest, ACloseDoesNotEndTheChannel) {
  const auto channel = OpenStream();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(channel->ends(), IsEmpty());
}

TEST_F(ClientTableTest, ACloseOfAChannelWithoutGroupsTellsNothing) {
  const auto channel = OpenStream();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ClientTableTest, TheTableLetsGoOfAClosedChannel) {
  auto channel =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders"));
  std::weak_ptr<FakeClientChannel> observer = channel;
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  TakeEvents();
  channel.reset();
  EXPECT_TRUE(observer.expired());
}

TEST_F(ClientTableTest, AClosedChannelRegistersNothing) {
  const auto channel = OpenStream();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const RegisterResult result = Register(
      *channel, TestStatement("c1").Producer("pay").Consumer("orders"));
  EXPECT_EQ(result.outcome, Outcome::kClosed);
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
}

// --- Closing all, in pieces ---

TEST_F(ClientTableTest, AllChannelsAreClosedInPieces) {
  for (int i = 0; i < 5; ++i) Connect(TestStatement("c1").Consumer("orders"));
  TakeEvents();
  std::vector<ClientChannelPtr> closed;
  EXPECT_TRUE(table_.CloseSome(RemovalReason::kDrained, 3, now_, &closed));
  EXPECT_THAT(closed, SizeIs(3));
  EXPECT_THAT(Consumers("orders"), SizeIs(2));
  EXPECT_FALSE(table_.CloseSome(RemovalReason::kDrained, 3, now_, &closed));
  EXPECT_THAT(closed, SizeIs(5));
  EXPECT_EQ(table_.counts().channels, 0);
  EXPECT_THAT(TakeEvents(), ::testing::Contains(
                                "consumer orders CLIENT_UNREGISTER c1 DRAINED")
                                .Times(5));
}

TEST_F(ClientTableTest, ThePieceThatClosesTheLastChannelIsTheLast) {
  OpenStream();
  OpenStream();
  std::vector<ClientChannelPtr> closed;
  EXPECT_FALSE(table_.CloseSome(RemovalReason::kDrained, 2, now_, &closed));
  EXPECT_THAT(closed, SizeIs(2));
}

// --- A late close of an old channel ---

TEST_F(ClientTableTest, ALateCloseOfAnOldChannelLeavesTheNewOneRegistered) {
  const auto before =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  const auto after =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  table_.Close(*before, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_EQ(table_.FindProducerChannel("c1"), after);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
  EXPECT_THAT(GroupsOf("t"), ElementsAre("orders"));
}

TEST_F(ClientTableTest, AnExpiryOfAnOldChannelLeavesTheNewOneRegistered) {
  Connect(TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  Advance(absl::Seconds(60));
  const auto after =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  Advance(absl::Seconds(61));
  Scan();
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AnOldChannelsUnregisterLeavesTheNewOneRegistered) {
  const auto before =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders"));
  const auto after =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders"));
  table_.Unregister(*before, "c1", {"pay"}, {"orders"}, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_EQ(table_.FindProducerChannel("c1"), after);
}

// --- Unregister ---

TEST_F(ClientTableTest, AnUnregisterOfBothKindsIsOneRevision) {
  const auto channel =
      Connect(TestStatement("c1").Producer("pay").Consumer("orders"));
  listener_.Take();
  table_.Unregister(*channel, "c1", {"pay"}, {"orders"}, now_);
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, SizeIs(1));
}

TEST_F(ClientTableTest, AnUnregisterOfManyGroupsIsOneRevision) {
  const auto channel = Connect(TestStatement("c1")
                                   .Producer("p")
                                   .Producer("q")
                                   .Consumer("a")
                                   .Consumer("b")
                                   .Consumer("stays"));
  listener_.Take();
  table_.Unregister(*channel, "c1", {"p", "q"}, {"b", "a", "b", "unknown"},
                    now_);
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, SizeIs(1));
  EXPECT_EQ(table_.counts().producer_groups, 0);
  EXPECT_EQ(table_.counts().consumer_groups, 1);
}

TEST_F(ClientTableTest, AnUnregisterLeavesTheOtherGroups) {
  const auto channel = Connect(
      TestStatement("c1").Producer("pay").Consumer("orders").Consumer("audit"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(Consumers("audit"), ElementsAre("c1"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
  EXPECT_FALSE(channel->closed());
}

TEST_F(ClientTableTest, AnUnregisterOfWhatIsNotThereTellsNothing) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*channel, "c1", {"unknown"}, {"unknown"}, now_);
  table_.Unregister(*channel, "c1", {}, {}, now_);
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ClientTableTest, AStrangersUnregisterTellsAndRemovesNothing) {
  Connect(TestStatement("c1").Consumer("orders"));
  const auto stranger = Connect(TestStatement("c2").Producer("pay"));
  TakeEvents();
  table_.Unregister(*stranger, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AnUnregistersEventRepeatsTheClientIdOfTheRequest) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*channel, "someone", {}, {"orders"}, now_);
  EXPECT_EQ(TakeEvents().at(0),
            "consumer orders CLIENT_UNREGISTER someone UNREGISTERED");
}

TEST_F(ClientTableTest, AStreamOutlivesItsLastGroup) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_FALSE(channel->closed());
  EXPECT_EQ(Register(*channel, TestStatement("c1").Consumer("orders")).outcome,
            Outcome::kRegistered);
}

// --- One statement ---

TEST_F(ClientTableTest, ConsumersAreAppliedBeforeProducersInTheirOrder) {
  Connect(
      TestStatement("c1").Producer("p2").Producer("p1").Consumer("b").Consumer(
          "a"));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer b CLIENT_REGISTER c1", "consumer b CHANGE",
                  "consumer b REGISTER c1", "consumer a CLIENT_REGISTER c1",
                  "consumer a CHANGE", "consumer a REGISTER c1",
                  "producer p2 CLIENT_REGISTER c1",
                  "producer p1 CLIENT_REGISTER c1"));
}

TEST_F(ClientTableTest, AStatementIsOneRevisionAndTheNextIsOneMore) {
  Connect(
      TestStatement("c1").Producer("pay").Consumer("orders").Consumer("audit"));
  Connect(TestStatement("c2").Consumer("orders"));
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(1, 2));
}

TEST_F(ClientTableTest, AReplacementIsOneRevisionAndTheNextIsOneMore) {
  Connect(
      TestStatement("c1").Incarnation(7).Consumer("orders").Producer("pay"));
  listener_.Take();
  Connect(
      TestStatement("c1").Incarnation(7).Consumer("orders").Producer("pay"));
  Connect(TestStatement("c2").Consumer("orders"));
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(2, 3));
}

TEST_F(ClientTableTest, AStatementThatChangesNothingTakesNoRevision) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Register(*channel, TestStatement("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"unknown"}, now_);
  listener_.Take();
  Connect(TestStatement("c2").Consumer("orders"));
  EXPECT_EQ(listener_.Take().at(0).revision, 2);
}

TEST_F(ClientTableTest, APieceOfAScanIsOneRevision) {
  Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  listener_.Take();
  Advance(kExpiry + kMoment);
  Scan();
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(3));
}

TEST_F(ClientTableTest, ManyGroupsOfOneChannelCanBeRenewedInAnyOrder) {
  TestStatement forward("c1");
  TestStatement backward("c1");
  for (int i = 0; i < 100; ++i) {
    forward.Consumer(absl::StrCat("g", i)).Producer(absl::StrCat("p", i));
    backward.Consumer(absl::StrCat("g", 99 - i))
        .Producer(absl::StrCat("p", 99 - i));
  }
  const auto channel = Connect(forward);
  TakeEvents();
  Register(*channel, backward);
  Register(*channel, forward);
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_EQ(table_.counts().consumer_groups, 100);
}

}  // namespace
}  // namespace rmq
