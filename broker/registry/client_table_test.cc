#include "broker/registry/client_table.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/recording_listener.h"
#include "broker/registry/stated.h"
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

class ClientTableTest : public ClientTableFixture {
 protected:
  using ClientTableFixture::ClientTableFixture;

  absl::Time LastStated(absl::string_view consumer_group) {
    MemberCursor cursor = 0;
    return table_.ListMembers(GroupKind::kConsumer, consumer_group, 1, &cursor)
        .at(0)
        .last_heard;
  }
};

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
  const auto channel = Connect(Stated("c1")
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
    const auto channel = Connect(Stated("c1").Producer("pay"));
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
  auto channel = Connect(Stated("c1").Producer("pay").Consumer("orders"));
  std::weak_ptr<FakeClientChannel> observer = channel;
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  TakeEvents();
  channel.reset();
  EXPECT_TRUE(observer.expired());
}

TEST_F(ClientTableTest, AClosedChannelRegistersNothing) {
  const auto channel = OpenStream();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  const RegisterResult result =
      Register(*channel, Stated("c1").Producer("pay").Consumer("orders"));
  EXPECT_EQ(result.outcome, Outcome::kClosed);
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
}

// --- Closing all, in pieces ---

TEST_F(ClientTableTest, AllChannelsAreClosedInPieces) {
  for (int i = 0; i < 5; ++i) Connect(Stated("c1").Consumer("orders"));
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
      Connect(Stated("c1").Producer("pay").Consumer("orders", {{"t"}}));
  const auto after =
      Connect(Stated("c1").Producer("pay").Consumer("orders", {{"t"}}));
  table_.Close(*before, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_EQ(table_.FindProducerChannel("c1"), after);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
  EXPECT_THAT(GroupsOf("t"), ElementsAre("orders"));
}

TEST_F(ClientTableTest, AnExpiryOfAnOldChannelLeavesTheNewOneRegistered) {
  Connect(Stated("c1").Producer("pay").Consumer("orders", {{"t"}}));
  Advance(absl::Seconds(60));
  const auto after =
      Connect(Stated("c1").Producer("pay").Consumer("orders", {{"t"}}));
  Advance(absl::Seconds(61));
  Scan();
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AnOldChannelsUnregisterLeavesTheNewOneRegistered) {
  const auto before = Connect(Stated("c1").Producer("pay").Consumer("orders"));
  const auto after = Connect(Stated("c1").Producer("pay").Consumer("orders"));
  table_.Unregister(*before, "c1", {"pay"}, {"orders"}, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
  EXPECT_EQ(table_.FindProducerChannel("c1"), after);
}

// --- Unregister ---

TEST_F(ClientTableTest, AnUnregisterOfBothKindsIsOneRevision) {
  const auto channel = Connect(Stated("c1").Producer("pay").Consumer("orders"));
  listener_.Take();
  table_.Unregister(*channel, "c1", {"pay"}, {"orders"}, now_);
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, SizeIs(1));
}

TEST_F(ClientTableTest, AnUnregisterOfManyGroupsIsOneRevision) {
  const auto channel = Connect(Stated("c1")
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
      Stated("c1").Producer("pay").Consumer("orders").Consumer("audit"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(Consumers("audit"), ElementsAre("c1"));
  EXPECT_THAT(Producers("pay"), ElementsAre("c1"));
  EXPECT_FALSE(channel->closed());
}

TEST_F(ClientTableTest, AnUnregisterOfWhatIsNotThereTellsNothing) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*channel, "c1", {"unknown"}, {"unknown"}, now_);
  table_.Unregister(*channel, "c1", {}, {}, now_);
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ClientTableTest, AStrangersUnregisterTellsAndRemovesNothing) {
  Connect(Stated("c1").Consumer("orders"));
  const auto stranger = Connect(Stated("c2").Producer("pay"));
  TakeEvents();
  table_.Unregister(*stranger, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AnUnregistersEventRepeatsTheClientIdOfTheRequest) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  TakeEvents();
  table_.Unregister(*channel, "someone", {}, {"orders"}, now_);
  EXPECT_EQ(TakeEvents().at(0),
            "consumer orders CLIENT_UNREGISTER someone UNREGISTERED");
}

TEST_F(ClientTableTest, AStreamOutlivesItsLastGroup) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_FALSE(channel->closed());
  EXPECT_EQ(Register(*channel, Stated("c1").Consumer("orders")).outcome,
            Outcome::kRegistered);
}

// --- One statement ---

TEST_F(ClientTableTest, ConsumersAreAppliedBeforeProducersInTheirOrder) {
  Connect(
      Stated("c1").Producer("p2").Producer("p1").Consumer("b").Consumer("a"));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer b CLIENT_REGISTER c1", "consumer b CHANGE",
                  "consumer b REGISTER c1", "consumer a CLIENT_REGISTER c1",
                  "consumer a CHANGE", "consumer a REGISTER c1",
                  "producer p2 CLIENT_REGISTER c1",
                  "producer p1 CLIENT_REGISTER c1"));
}

TEST_F(ClientTableTest, AStatementIsOneRevisionAndTheNextIsOneMore) {
  Connect(Stated("c1").Producer("pay").Consumer("orders").Consumer("audit"));
  Connect(Stated("c2").Consumer("orders"));
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(1, 2));
}

TEST_F(ClientTableTest, AReplacementIsOneRevisionAndTheNextIsOneMore) {
  Connect(Stated("c1").Incarnation(7).Consumer("orders").Producer("pay"));
  listener_.Take();
  Connect(Stated("c1").Incarnation(7).Consumer("orders").Producer("pay"));
  Connect(Stated("c2").Consumer("orders"));
  std::set<uint64_t> revisions;
  for (const ClientEvent& event : listener_.Take()) {
    revisions.insert(event.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(2, 3));
}

TEST_F(ClientTableTest, AStatementThatChangesNothingTakesNoRevision) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Register(*channel, Stated("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"unknown"}, now_);
  listener_.Take();
  Connect(Stated("c2").Consumer("orders"));
  EXPECT_EQ(listener_.Take().at(0).revision, 2);
}

TEST_F(ClientTableTest, APieceOfAScanIsOneRevision) {
  Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c2").Consumer("orders"));
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
  Stated forward("c1");
  Stated backward("c1");
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

// --- Statement tokens and light heartbeats ---

TEST_F(ClientTableTest, TheTokenOfTheLastStatementRenews) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
  EXPECT_EQ(channel->last_heard(), now_);
  EXPECT_EQ(LastStated("orders"), now_);
}

TEST_F(ClientTableTest, ATokenRenewsManyTimes) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  for (int i = 0; i < 10; ++i) {
    Advance(absl::Seconds(100));
    EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
    EXPECT_THAT(Scan(), IsEmpty());
  }
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, ARepeatedHeartbeatRenewsAndKeepsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewRepeated(now_), token);
  EXPECT_EQ(channel->last_heard(), now_);
}

TEST_F(ClientTableTest, WithoutATokenARepeatedHeartbeatRenewsNothing) {
  const auto channel = OpenStream();
  const absl::Time opened = now_;
  Advance(absl::Seconds(30));
  EXPECT_EQ(channel->RenewRepeated(now_), 0);
  EXPECT_EQ(channel->last_heard(), opened);
}

TEST_F(ClientTableTest, OfAClosedChannelARepeatedHeartbeatIsLost) {
  const auto channel = OpenStream();
  Register(*channel, Stated("c1").Consumer("orders"));
  table_.Close(*channel, RemovalReason::kExpired, now_);
  EXPECT_EQ(channel->RenewRepeated(now_), 0);
}

TEST_F(ClientTableTest, OnlyAChangeOfModesIsAStatementChange) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  uint64_t before = table_.statement_changes();
  const auto changed = [&] {
    return std::exchange(before, table_.statement_changes()) != before;
  };
  Register(*a, Stated("a").Consumer("orders", {{"topic"}}).Producer("p"));
  EXPECT_FALSE(changed()) << "a new group has nobody who could repeat it";
  Register(*b, Stated("b").Consumer("orders", {{"topic"}}).Producer("p"));
  EXPECT_FALSE(changed()) << "the same";
  Register(*b, Stated("b").Consumer("orders", {{"topic", 2}}));
  EXPECT_FALSE(changed()) << "a newer subscription is that member's own";
  Register(*b, Stated("b").Consumer("orders", {{"more"}}));
  EXPECT_FALSE(changed()) << "so is another topic";
  Register(*b, Stated("b")
                   .Consumer("orders", {{"more"}})
                   .Model(MessageModel::kBroadcasting));
  EXPECT_TRUE(changed()) << "a mode";
  table_.Unregister(*a, "a", {"p"}, {"orders"}, now_);
  EXPECT_FALSE(changed()) << "a member whose mode is not the group's";
}

TEST_F(ClientTableTest, ModesThatGoWithAMemberAreAStatementChange) {
  Connect(Stated("a").Consumer("orders"));
  const auto b = Connect(
      Stated("b").Consumer("orders").Model(MessageModel::kBroadcasting));
  const uint64_t before = table_.statement_changes();
  table_.Close(*b, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.statement_changes(), before + 1);
}

TEST_F(ClientTableTest, ModesThatAMemberLeavesOutAreAStatementChange) {
  Connect(Stated("a").Consumer("orders"));
  const auto b = Connect(
      Stated("b").Consumer("orders").Model(MessageModel::kBroadcasting));
  const uint64_t before = table_.statement_changes();
  Register(*b, Stated("b").Consumer("others"));
  EXPECT_EQ(table_.statement_changes(), before + 1);
}

TEST_F(ClientTableTest, TheNotificationSwitchIsAStatementChange) {
  const auto a = OpenStream();
  const auto b = OpenStream();
  Register(*a, Stated("a").Consumer("orders"));
  RegisterUnnotified(*b, Stated("b").Consumer("orders"));
  EXPECT_EQ(table_.statement_changes(), 1);
}

TEST(ClientTableListenersTest, ToWhoWantsUnchangedRegistersEachIsAChange) {
  RecordingListener listener(RecordingListener::Unchanged::kWanted);
  ClientTable table(ClientTable::Options(), {&listener});
  const auto channel = std::make_shared<FakeClientChannel>();
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  ASSERT_THAT(table.Open(channel, now), IsOk());
  const StatementOf statement(Stated("c1").Consumer("orders"));
  for (uint64_t changes : {1, 2, 3}) {
    table.Register(*channel, statement.Admitted(), now);
    EXPECT_EQ(table.statement_changes(), changes);
  }
}

TEST_F(ClientTableTest, BeforeAFullHeartbeatNoTokenIsValid) {
  const auto channel = OpenStream();
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(1, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, AMismatchRenewsWhatIsKnown) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(absl::Seconds(100));
  EXPECT_EQ(channel->RenewLight(999'999, now_), Renewal::kFullStatementNeeded);
  Advance(absl::Seconds(100));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, ATokenIsValidOnItsOwnChannelOnly) {
  const auto a = OpenStream();
  const uint64_t token =
      Register(*a, Stated("c1").Consumer("orders")).statement_token;
  const auto b = Connect(Stated("c1").Consumer("orders"));
  EXPECT_EQ(b->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, ANewerStatementVoidsTheTokenOfTheOneBefore) {
  const auto channel = OpenStream();
  const uint64_t before =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  const uint64_t after =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  EXPECT_NE(before, after);
  EXPECT_EQ(channel->RenewLight(before, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(after, now_), Renewal::kRenewed);
}

TEST_F(ClientTableTest, TokensDifferAcrossChannelsAndClients) {
  std::set<uint64_t> tokens;
  for (int i = 0; i < 20; ++i) {
    const auto channel = OpenStream();
    const Stated stated = Stated(absl::StrCat("c", i)).Consumer("orders");
    tokens.insert(Register(*channel, stated).statement_token);
    tokens.insert(Register(*channel, stated).statement_token);
  }
  EXPECT_THAT(tokens, SizeIs(40));
  EXPECT_EQ(tokens.count(0), 0);
}

TEST_F(ClientTableTest, UnregisteringAStatedGroupVoidsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a").Consumer("b"))
          .statement_token;
  table_.Unregister(*channel, "c1", {}, {"a"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, UnregisteringAStatedProducerGroupVoidsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Producer("a").Consumer("b"))
          .statement_token;
  table_.Unregister(*channel, "c1", {"a"}, {}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, UnregisteringWhatIsNotThereKeepsTheToken) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a")).statement_token;
  table_.Unregister(*channel, "c1", {"a"}, {"b"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ClientTableTest, UnregisteringALeftOutGroupKeepsTheToken) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a")).statement_token;
  table_.Unregister(*channel, "c1", {}, {"b"}, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ClientTableTest, TheExpiryOfALeftOutGroupKeepsTheToken) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(60));
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a")).statement_token;
  Advance(absl::Seconds(61));
  Scan();
  ASSERT_THAT(Consumers("b"), IsEmpty());
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ClientTableTest, AStatementWithASkippedConsumerHasNoToken) {
  const auto channel = OpenStream();
  const uint64_t before =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  EXPECT_EQ(RegisterAllSkipped(*channel, Stated("c1").Consumer("orders"))
                .statement_token,
            0);
  EXPECT_EQ(channel->RenewLight(before, now_), Renewal::kFullStatementNeeded);
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, AStatementWithARejectedProducerHasNoToken) {
  const auto channel = OpenStream();
  const StatementOf statement(Stated("c1").Producer("pay").Consumer("orders"));
  const RegisterResult result = table_.Register(
      *channel, statement.Admitted(/*take_new_producers=*/false), now_);
  EXPECT_THAT(result.rejected_producers, ElementsAre("pay"));
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_EQ(channel->RenewLight(0, now_), Renewal::kFullStatementNeeded);
}

TEST_F(ClientTableTest, ALightHeartbeatOfAClosedChannelIsLost) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  table_.Close(*channel, RemovalReason::kKicked, now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kClosed);
}

TEST_F(ClientTableTest, ATableWithAnotherKeyDrawsOtherTokens) {
  ClientTable::Options options;
  options.statement_token_key = {1, 2, 3, 4};
  ClientTable other(options, {});
  const auto channel = std::make_shared<FakeClientChannel>();
  ASSERT_THAT(other.Open(channel, now_), IsOk());
  const Stated stated = Stated("c1").Consumer("orders");
  StatementOf statement(stated);
  EXPECT_NE(
      other.Register(*channel, statement.Admitted(), now_).statement_token,
      Register(*OpenStream(), stated).statement_token);
}

// --- Changes of a channel's statement ---

class ATableThatTakesOneChangeASecond : public ClientTableTest {
 protected:
  ATableThatTakesOneChangeASecond() : ClientTableTest(WithOneChange()) {}

  static ClientTable::Options WithOneChange() {
    ClientTable::Options options;
    options.max_statement_changes = 1;
    return options;
  }
  static Stated Subscribed(const std::string& topic) {
    return Stated("c1").Consumer("orders", {{topic}});
  }
  // Changes the statement as often as it may be at once.
  FakeClientChannelPtr ConnectAndChangeThrice() {
    FakeClientChannelPtr channel = Connect(Subscribed("t0"));
    for (const char* topic : {"t1", "t2", "t3"}) {
      EXPECT_EQ(Register(*channel, Subscribed(topic)).outcome,
                Outcome::kRegistered);
    }
    return channel;
  }
};

TEST_F(ATableThatTakesOneChangeASecond, RefusesTheFourthAtOnceAndAppliesNone) {
  const auto channel = ConnectAndChangeThrice();
  const uint64_t token = Register(*channel, Subscribed("t3")).statement_token;
  Advance(absl::Milliseconds(400));
  Stated fourth = Subscribed("t4");
  const RegisterResult result =
      Register(*channel, fourth.Consumer("another").Producer("pay"));
  EXPECT_EQ(result.outcome, Outcome::kTooManyChanges);
  EXPECT_EQ(result.try_again_at, now_ + absl::Milliseconds(600));
  EXPECT_TRUE(table_.FindSubscription("orders", "t3").has_value());
  EXPECT_FALSE(table_.FindSubscription("orders", "t4").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("another").has_value());
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
  EXPECT_EQ(channel->last_heard(), now_);
  EXPECT_EQ(channel->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ATableThatTakesOneChangeASecond, TakesTheNextAfterASecondAndNotBefore) {
  const auto channel = ConnectAndChangeThrice();
  Advance(absl::Seconds(1) - kMoment);
  EXPECT_EQ(Register(*channel, Subscribed("t4")).outcome,
            Outcome::kTooManyChanges);
  Advance(kMoment);
  EXPECT_EQ(Register(*channel, Subscribed("t4")).outcome, Outcome::kRegistered);
}

TEST_F(ATableThatTakesOneChangeASecond, TakesAnUnchangedStatementAtAnyTime) {
  const auto channel = ConnectAndChangeThrice();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Register(*channel, Subscribed("t3")).outcome,
              Outcome::kRegistered);
  }
}

TEST_F(ATableThatTakesOneChangeASecond, CountsJoiningAndLeavingGroupsAsNone) {
  const auto channel = ConnectAndChangeThrice();
  for (int i = 0; i < 10; ++i) {
    Stated more = Subscribed("t3");
    EXPECT_EQ(
        Register(*channel, more.Consumer("audit").Producer("pay")).outcome,
        Outcome::kRegistered);
    table_.Unregister(*channel, "c1", {"pay"}, {"audit"}, now_);
    EXPECT_EQ(Register(*channel, Subscribed("t3")).outcome,
              Outcome::kRegistered);
  }
}

TEST_F(ATableThatTakesOneChangeASecond, CountsAllOfOneHeartbeatAsOne) {
  const auto channel = OpenStream();
  const auto state = [&](const std::string& topic) {
    return Register(
               *channel,
               Stated("c1").Consumer("a", {{topic}}).Consumer("b", {{topic}}))
        .outcome;
  };
  for (const char* topic : {"t0", "t1", "t2", "t3"}) {
    EXPECT_EQ(state(topic), Outcome::kRegistered);
  }
  EXPECT_EQ(state("t4"), Outcome::kTooManyChanges);
}

TEST_F(ATableThatTakesOneChangeASecond, CountsAChangeOfModes) {
  const auto channel = ConnectAndChangeThrice();
  EXPECT_EQ(
      Register(*channel, Subscribed("t3").Model(MessageModel::kBroadcasting))
          .outcome,
      Outcome::kTooManyChanges);
}

TEST_F(ATableThatTakesOneChangeASecond, LimitsEachChannelByItself) {
  ConnectAndChangeThrice();
  const auto other = Connect(Stated("c2").Consumer("orders", {{"t0"}}));
  EXPECT_EQ(Register(*other, Stated("c2").Consumer("orders", {{"t1"}})).outcome,
            Outcome::kRegistered);
}

TEST_F(ATableThatTakesOneChangeASecond, RemembersNothingOfAnOldChange) {
  const auto channel = ConnectAndChangeThrice();
  Advance(kExpiry);
  Scan();
  for (const char* topic : {"t4", "t5", "t6"}) {
    EXPECT_EQ(Register(*channel, Subscribed(topic)).outcome,
              Outcome::kRegistered);
  }
  EXPECT_EQ(Register(*channel, Subscribed("t7")).outcome,
            Outcome::kTooManyChanges);
}

TEST_F(ClientTableTest, WithoutALimitAStatementChangesAtAnyTime) {
  const auto channel = OpenStream();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Register(*channel, Stated("c1").Consumer(
                                     "orders", {{absl::StrCat("t", i)}}))
                  .outcome,
              Outcome::kRegistered);
  }
}

// --- Silence of a channel ---

TEST_F(ClientTableTest, AChannelSilentForExactlyTheExpiryIsKept) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_FALSE(channel->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AChannelSilentForAMomentLongerIsExpired) {
  const auto channel =
      Connect(Stated("c1").Producer("pay").Consumer("orders", {{"t"}}));
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

TEST_F(ClientTableTest, AChannelThatWasKeptAtTheEdgeIsExpiredByTheNextScan) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(kExpiry);
  Scan();
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, SilenceRunsFromTheOpeningWithoutAnyHeartbeat) {
  const auto channel = OpenStream();
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, AFullHeartbeatPostponesTheExpiry) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(absl::Seconds(70));
  Register(*channel, Stated("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, ALightHeartbeatPostponesTheExpiry) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("orders")).statement_token;
  Advance(absl::Seconds(70));
  channel->RenewLight(token, now_);
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, AnUnregisterIsNotHeard) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(100));
  table_.Unregister(*channel, "c1", {}, {"a"}, now_);
  Advance(absl::Seconds(20) + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, AHeartbeatOnOneChannelDoesNotRenewTheClientsOther) {
  const auto a = Connect(Stated("c1").Consumer("orders"));
  const auto b = Connect(Stated("c1").Consumer("orders"));
  Advance(absl::Seconds(100));
  Register(*b, Stated("c1").Consumer("orders"));
  Advance(absl::Seconds(21));
  EXPECT_THAT(Scan(), ElementsAre(a));
}

TEST_F(ClientTableTest, ADueChannelThatClosedMeanwhileIsNotEnded) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(kExpiry + kMoment);
  table_.BeginScan(now_);
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  std::vector<ClientChannelPtr> ended;
  EXPECT_FALSE(table_.ScanSome(now_, 100, &ended));
  EXPECT_THAT(ended, IsEmpty());
}

TEST_F(ClientTableTest, AnExpiryDoesNotEndTheChannel) {
  const auto channel = OpenStream();
  Advance(kExpiry + kMoment);
  Scan();
  EXPECT_THAT(channel->ends(), IsEmpty());
}

// --- Groups that later statements leave out ---

TEST_F(ClientTableTest, ALeftOutGroupExpiresAloneAndTheChannelLives) {
  const auto channel = Connect(
      Stated("c1").Producer("pay").Consumer("a").Consumer("b", {{"t"}}));
  Advance(absl::Seconds(60));
  Register(*channel, Stated("c1").Consumer("a"));
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

TEST_F(ClientTableTest, ALeftOutGroupKeepsTheTimeOfItsLastLightRenewal) {
  const auto channel = OpenStream();
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a").Consumer("b"))
          .statement_token;
  Advance(absl::Seconds(50));
  const absl::Time last_renewed = now_;
  channel->RenewLight(token, now_);
  Advance(absl::Seconds(50));
  Register(*channel, Stated("c1").Consumer("a"));
  EXPECT_EQ(LastStated("b"), last_renewed);
  EXPECT_EQ(LastStated("a"), now_);
  now_ = last_renewed + kExpiry;
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  Advance(kMoment);
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
}

TEST_F(ClientTableTest, ALeftOutGroupIsNotRenewedByLaterHeartbeats) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  const absl::Time stated = now_;
  Advance(absl::Seconds(50));
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a")).statement_token;
  Advance(absl::Seconds(10));
  channel->RenewLight(token, now_);
  Advance(absl::Seconds(10));
  Register(*channel, Stated("c1").Consumer("a"));
  EXPECT_EQ(LastStated("b"), stated);
}

TEST_F(ClientTableTest, AsManyLeftOutGroupsAsMayBeAreKept) {
  Stated many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Producer(absl::StrCat("p", i));
  }
  const auto channel = Connect(many);
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("a"));
  EXPECT_EQ(table_.counts().producer_groups, ClientTable::kMaxLeftOutGroups);
}

TEST_F(ClientTableTest, OfOneLeftOutGroupTooManyTheFirstJoinedExpiresAtOnce) {
  Stated many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Producer(absl::StrCat("p", i));
  }
  const auto channel = Connect(many);
  Register(*channel, Stated("c1").Consumer("a"));
  TakeEvents();
  Register(*channel, Stated("c1").Consumer("b"));
  EXPECT_EQ(table_.counts().producer_groups,
            ClientTable::kMaxLeftOutGroups - 1);
  EXPECT_FALSE(table_.FindProducerGroup("p0").has_value());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AStatementMayExpireTheLastGroupOfItsOwnClientId) {
  const auto channel = Connect(Stated("c1").Consumer("first"));
  Register(*channel, Stated("c2").Consumer("second"));
  Stated many("c1");
  for (size_t i = 0; i < ClientTable::kMaxLeftOutGroups; ++i) {
    many.Consumer(absl::StrCat("g", i));
  }
  Register(*channel, many);
  // Two groups too many are left out, and the second one is all that c2 has.
  RegisterAllSkipped(*channel, Stated("c2").Consumer("skipped"));
  EXPECT_FALSE(table_.FindConsumerGroup("first").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("second").has_value());
  EXPECT_EQ(table_.FindConsumerChannel("second", "c2"), nullptr);
  EXPECT_THAT(Consumers("g0"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, ALeftOutGroupThatIsStatedAgainLivesOn) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(60));
  Register(*channel, Stated("c1").Consumer("a"));
  Advance(absl::Seconds(30));
  Register(*channel, Stated("c1").Consumer("a").Consumer("b"));
  TakeEvents();
  Advance(kExpiry);
  Scan();
  EXPECT_THAT(Consumers("b"), ElementsAre("c1"));
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ClientTableTest, AGroupThatThePolicySkipsIsLeftOut) {
  const auto channel = Connect(Stated("c1").Consumer("a"));
  Advance(absl::Seconds(60));
  RegisterAllSkipped(*channel, Stated("c1").Consumer("a"));
  Advance(absl::Seconds(60) + kMoment);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("a"), IsEmpty());
  EXPECT_FALSE(channel->closed());
}

TEST_F(ClientTableTest,
       AGroupThatIsLeftOutLateExpiresOnTimeThoughScannedBefore) {
  // Scans between file the channel at its own deadline, which must not hide the
  // earlier one of the group.
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  for (int i = 0; i < 11; ++i) {
    Advance(absl::Seconds(10));
    Register(*channel, Stated("c1").Consumer("a").Consumer("b"));
    Scan();
  }
  const absl::Time stated = now_;
  for (int i = 0; i < 12; ++i) {
    Advance(absl::Seconds(10));
    Register(*channel, Stated("c1").Consumer("a"));
    Scan();
    ASSERT_THAT(Consumers("b"), ElementsAre("c1"));
  }
  now_ = stated + kExpiry + kMoment;
  Register(*channel, Stated("c1").Consumer("a"));
  Scan();
  EXPECT_THAT(Consumers("b"), IsEmpty());
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, EachLeftOutGroupExpiresAtItsOwnTime) {
  const auto channel =
      Connect(Stated("c1").Consumer("a").Consumer("b").Consumer("c"));
  const absl::Time first = now_;
  Advance(absl::Seconds(40));
  Register(*channel, Stated("c1").Consumer("a").Consumer("b"));
  const absl::Time second = now_;
  Advance(absl::Seconds(40));
  Register(*channel, Stated("c1").Consumer("a"));
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

TEST_F(ClientTableTest, APieceOfAScanRemovesNoMoreThanItMay) {
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

TEST_F(ClientTableTest, ChannelsThatAreFiledAgainCountInAPiece) {
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

TEST_F(ClientTableTest, AChannelThatIsHeardBetweenTwoPiecesIsKept) {
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

TEST_F(ClientTableTest, AScanThatHasNotBegunLooksAtNothing) {
  OpenStream();
  Advance(2 * kExpiry);
  std::vector<ClientChannelPtr> ended;
  EXPECT_FALSE(table_.ScanSome(now_, 100, &ended));
  EXPECT_THAT(ended, IsEmpty());
}

// --- The heard floor ---

TEST_F(ClientTableTest, TheHeardFloorSavesASilentChannelForOneMoreExpiry) {
  const auto channel = Connect(Stated("c1").Consumer("orders"));
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(channel));
}

TEST_F(ClientTableTest, TheHeardFloorSavesALeftOutGroupForOneMoreExpiry) {
  const auto channel = Connect(Stated("c1").Consumer("a").Consumer("b"));
  Advance(absl::Seconds(10));
  const uint64_t token =
      Register(*channel, Stated("c1").Consumer("a")).statement_token;
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

TEST_F(ClientTableTest, AfterAPauseAnExpiryTellsThatSilenceRanFromItsEnd) {
  const auto channel = Connect(Stated("c1").Consumer("orders").Producer("pay"));
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

TEST_F(ClientTableTest, TheHeardFloorNeverSinks) {
  const auto channel = OpenStream();
  Advance(absl::Hours(1));
  table_.RaiseHeardFloor(now_);
  table_.RaiseHeardFloor(now_ - absl::Minutes(30));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_FALSE(channel->closed());
}

TEST_F(ClientTableTest, TheHeardFloorDoesNotShortenALaterHeartbeat) {
  const auto channel = OpenStream();
  table_.RaiseHeardFloor(now_);
  Advance(absl::Seconds(100));
  channel->RenewLight(0, now_);
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
}

// --- Reconnect: replacement by incarnation ---

TEST_F(ClientTableTest, TheSameIncarnationReplacesTheOlderStreamAtOnce) {
  const auto before = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  const auto after = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  EXPECT_TRUE(before->closed());
  EXPECT_THAT(before->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_FALSE(after->closed());
  EXPECT_THAT(after->ends(), IsEmpty());
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
}

TEST_F(ClientTableTest, TheNewStreamJoinsBeforeTheOldOneLeaves) {
  Connect(Stated("c1").Incarnation(7).Producer("pay").Consumer("orders"));
  TakeEvents();
  Connect(Stated("c1").Incarnation(7).Producer("pay").Consumer("orders"));
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                          "consumer orders REGISTER c1",
                          "producer pay CLIENT_REGISTER c1",
                          "producer pay CLIENT_UNREGISTER c1 REPLACED"));
}

TEST_F(ClientTableTest, AReplacementThatAddsATopicIsOneChange) {
  Connect(Stated("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  TakeEvents();
  Connect(
      Stated("c1").Incarnation(7).Consumer("orders", {{"pay"}, {"ship", 1}}));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                  "consumer orders CHANGE", "consumer orders REGISTER c1"));
}

TEST_F(ClientTableTest, AReplacementThatDropsATopicIsOneChange) {
  Connect(Stated("c1").Incarnation(7).Consumer("orders", {{"pay"}, {"ship"}}));
  TakeEvents();
  Connect(Stated("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                  "consumer orders CHANGE", "consumer orders REGISTER c1"));
  EXPECT_FALSE(table_.FindSubscription("orders", "ship").has_value());
}

TEST_F(ClientTableTest, AReplacementThatJoinsAGroupIsAChangeOfThatGroupAlone) {
  Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  Connect(Stated("c1").Incarnation(7).Consumer("orders").Consumer("more"));
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                          "consumer orders REGISTER c1",
                          "consumer more CLIENT_REGISTER c1",
                          "consumer more CHANGE", "consumer more REGISTER c1"));
}

TEST_F(ClientTableTest, AReplacementKeepsTheTokensOfOthers) {
  const auto other = OpenStream();
  const uint64_t token =
      Register(*other, Stated("c2").Consumer("orders")).statement_token;
  Connect(Stated("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  Connect(Stated("c1").Incarnation(7).Consumer("orders", {{"ship"}}));
  EXPECT_EQ(other->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ClientTableTest, AGroupOfTheOldStreamThatTheNewOneDoesNotStateGoes) {
  Connect(Stated("c1").Incarnation(7).Consumer("a").Consumer("b"));
  Connect(Stated("c1").Incarnation(7).Consumer("a"));
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  EXPECT_FALSE(table_.FindConsumerGroup("b").has_value());
}

TEST_F(ClientTableTest, AnotherIncarnationLeavesBothAlive) {
  const auto before = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  Connect(Stated("c1").Incarnation(8).Consumer("orders"));
  EXPECT_FALSE(before->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ClientTableTest, NoIncarnationLeavesBothAlive) {
  const auto before = Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c1").Consumer("orders"));
  EXPECT_FALSE(before->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ClientTableTest, TheSameIncarnationOfAnotherClientLeavesBothAlive) {
  const auto before = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  Connect(Stated("c2").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(before->closed());
}

TEST_F(ClientTableTest, OnlyTheFirstHeartbeatOfAStreamReplaces) {
  const auto a = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  const auto b = Connect(Stated("c1").Incarnation(8).Consumer("orders"));
  Register(*b, Stated("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(a->closed());
  EXPECT_FALSE(b->closed());
}

TEST_F(ClientTableTest,
       AFirstHeartbeatThatANewerStreamOvertookIsTheReplacedOne) {
  const auto older = OpenStream();
  const auto newer = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  const RegisterResult result =
      Register(*older, Stated("c1").Incarnation(7).Consumer("orders"));
  EXPECT_EQ(result.outcome, Outcome::kReplaced);
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_TRUE(older->closed());
  EXPECT_FALSE(newer->closed());
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(ClientTableTest, OfNumberedStreamsTheOneWithTheGreaterNumberStays) {
  const auto live = OpenStream();
  const auto late = OpenStream();
  Register(*live,
           Stated("c1").Incarnation(7).StreamNumber(2).Consumer("orders"));
  TakeEvents();
  // Opened by the client before the live one, accepted by the broker after it.
  EXPECT_EQ(
      Register(*late,
               Stated("c1").Incarnation(7).StreamNumber(1).Consumer("orders"))
          .outcome,
      Outcome::kReplaced);
  EXPECT_THAT(late->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_FALSE(live->closed());
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ClientTableTest, AStreamThatIsAcceptedEarlierReplacesByItsNumber) {
  const auto newer = OpenStream();
  const auto older =
      Connect(Stated("c1").Incarnation(7).StreamNumber(1).Consumer("orders"));
  Register(*newer,
           Stated("c1").Incarnation(7).StreamNumber(2).Consumer("orders"));
  EXPECT_TRUE(older->closed());
  EXPECT_FALSE(newer->closed());
}

TEST_F(ClientTableTest, WithoutANumberTheStreamThatIsAcceptedLaterStays) {
  for (const auto& [first, second] :
       {std::pair(0, 0), {0, 1}, {2, 0}, {3, 3}}) {
    const auto before = Connect(
        Stated("c1").Incarnation(7).StreamNumber(first).Consumer("orders"));
    const auto after = Connect(
        Stated("c1").Incarnation(7).StreamNumber(second).Consumer("orders"));
    EXPECT_TRUE(before->closed()) << first << ", " << second;
    EXPECT_FALSE(after->closed()) << first << ", " << second;
    table_.Close(*after, RemovalReason::kDisconnected, now_);
  }
}

TEST_F(ClientTableTest, NumbersOfAnotherIncarnationAreNotCompared) {
  const auto live =
      Connect(Stated("c1").Incarnation(7).StreamNumber(9).Consumer("orders"));
  const auto other =
      Connect(Stated("c1").Incarnation(8).StreamNumber(1).Consumer("orders"));
  EXPECT_FALSE(live->closed());
  EXPECT_FALSE(other->closed());
}

TEST_F(ClientTableTest, AStandInIsNotReplacedByAStream) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Incarnation(7).Consumer("orders"));
  Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(stand_in->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ClientTableTest, AStreamIsNotReplacedByAStandIn) {
  const auto stream = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(stream->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ClientTableTest, AReplacedStreamThatClosesLateChangesNothing) {
  const auto before = Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  Connect(Stated("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  EXPECT_FALSE(table_.Close(*before, RemovalReason::kDisconnected, now_));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ClientTableTest, AReplacedStreamsHeartbeatsAreLost) {
  const auto before = OpenStream();
  const Stated stated = Stated("c1").Incarnation(7).Consumer("orders");
  const uint64_t token = Register(*before, stated).statement_token;
  Connect(stated);
  EXPECT_EQ(before->RenewLight(token, now_), Renewal::kClosed);
  EXPECT_EQ(Register(*before, stated).outcome, Outcome::kClosed);
}

// --- Stand-ins of unary calls ---

TEST_F(ClientTableTest, AClientHasOneStandIn) {
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  const ClientChannelPtr stand_in = StandIn("c1");
  EXPECT_EQ(StandIn("c1"), stand_in);
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
  EXPECT_NE(StandIn("c2"), stand_in);
}

TEST_F(ClientTableTest, AStreamIsNoStandIn) {
  Connect(Stated("c1").Consumer("orders"));
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ClientTableTest, AStandInLivesByItsExpiryAlone) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(stand_in));
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ClientTableTest, AStandInGoesWithItsLastGroup) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Producer("pay").Consumer("orders"));
  table_.Unregister(*stand_in, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
  table_.Unregister(*stand_in, "c1", {"pay"}, {}, now_);
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  EXPECT_TRUE(stand_in->closed());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ClientTableTest, AStandInThatGetsNoGroupGoesAtOnce) {
  const ClientChannelPtr stand_in = StandIn("c1");
  RegisterAllSkipped(*stand_in, Stated("c1").Consumer("orders"));
  EXPECT_TRUE(stand_in->closed());
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ClientTableTest, AStandInWhoseLastGroupExpiresAloneGoesToo) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Consumer("orders"));
  Advance(absl::Seconds(60));
  RegisterAllSkipped(*stand_in, Stated("c1").Consumer("orders"));
  ASSERT_FALSE(stand_in->closed());
  Advance(absl::Seconds(60) + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(stand_in));
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ClientTableTest, AClientsStreamAndStandInAreApart) {
  const auto stream = Connect(Stated("c1").Consumer("orders"));
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, Stated("c1").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
  table_.Close(*stream, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
}

TEST_F(ClientTableTest, ANewStandInMayFollowOneThatWent) {
  const ClientChannelPtr before = StandIn("c1");
  Register(*before, Stated("c1").Consumer("orders"));
  table_.Unregister(*before, "c1", {}, {"orders"}, now_);
  const ClientChannelPtr after = StandIn("c1");
  EXPECT_NE(after, before);
  EXPECT_EQ(Register(*after, Stated("c1").Consumer("orders")).outcome,
            Outcome::kRegistered);
}

// --- Look-ups and paging ---

TEST_F(ClientTableTest, AnUnknownGroupHasNoMembers) {
  MemberCursor cursor = 5;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "x", 10, &cursor),
              IsEmpty());
  EXPECT_EQ(cursor, 0);
}

TEST_F(ClientTableTest, TheCursorIsZeroAfterTheLastMember) {
  for (int i = 0; i < 4; ++i) {
    Connect(Stated(absl::StrCat("c", i)).Consumer("orders"));
  }
  MemberCursor cursor = 0;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(3));
  EXPECT_NE(cursor, 0);
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(1));
  EXPECT_EQ(cursor, 0);
}

TEST_F(ClientTableTest, APageThatEndsWithTheLastMemberIsTheLast) {
  for (int i = 0; i < 3; ++i) {
    Connect(Stated(absl::StrCat("c", i)).Consumer("orders"));
  }
  MemberCursor cursor = 0;
  EXPECT_THAT(table_.ListMembers(GroupKind::kConsumer, "orders", 3, &cursor),
              SizeIs(3));
  EXPECT_EQ(cursor, 0);
}

TEST_F(ClientTableTest, MembersAreCopiedInPiecesOfAThousand) {
  for (size_t i = 0; i < ClientTable::kMaxPiece + 1; ++i) {
    Connect(Stated(absl::StrCat("c", i)).Consumer("orders"));
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

TEST_F(ClientTableTest, MembersThatStayAreReadExactlyOnceWhileOthersComeAndGo) {
  std::map<std::string, int> reads;
  std::vector<FakeClientChannelPtr> passing;
  for (int i = 0; i < 40; ++i) {
    Connect(Stated(absl::StrCat("stays", i)).Consumer("orders"));
    passing.push_back(
        Connect(Stated(absl::StrCat("passes", i)).Consumer("orders")));
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
      Connect(Stated(absl::StrCat("comes", page)).Consumer("orders"));
    }
    ++page;
  } while (cursor != 0);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(reads[absl::StrCat("stays", i)], 1) << i;
  }
  for (const auto& [client_id, times] : reads) EXPECT_LE(times, 1) << client_id;
}

TEST_F(ClientTableTest, ReadingGoesOnWhenTheMemberReadLastHasLeft) {
  const auto a = Connect(Stated("c1").Consumer("orders"));
  Connect(Stated("c2").Consumer("orders"));
  Connect(Stated("c3").Consumer("orders"));
  MemberCursor cursor = 0;
  table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor);
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor)
                .at(0)
                .client_id,
            "c2");
}

TEST_F(ClientTableTest, GroupsAreListedByNameAndPaged) {
  Connect(Stated("c1").Consumer("c").Consumer("a").Consumer("b").Producer("z"));
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

TEST_F(ClientTableTest, GroupsAreCopiedInPiecesOfAThousand) {
  const auto channel = OpenStream();
  Stated stated("c1");
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

TEST_F(ClientTableTest, AConsumersChannelIsFoundInItsGroupOnly) {
  const auto channel = Connect(Stated("c1").Consumer("a"));
  Connect(Stated("c2").Consumer("b"));
  EXPECT_EQ(table_.FindConsumerChannel("a", "c1"), channel);
  EXPECT_EQ(table_.FindConsumerChannel("b", "c1"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("a", "unknown"), nullptr);
  EXPECT_EQ(table_.FindConsumerChannel("unknown", "c1"), nullptr);
}

TEST_F(ClientTableTest,
       AConsumersChannelIsFoundThoughItsOlderOneHasLeftTheGroup) {
  const auto a = Connect(Stated("c1").Consumer("orders").Producer("pay"));
  const auto b = Connect(Stated("c1").Consumer("orders"));
  table_.Unregister(*a, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), b);
}

TEST_F(ClientTableTest, AnUnknownSubscriptionIsNone) {
  Connect(Stated("c1").Consumer("orders", {{"pay"}}));
  EXPECT_FALSE(table_.FindSubscription("orders", "ship").has_value());
  EXPECT_FALSE(table_.FindSubscription("unknown", "pay").has_value());
  EXPECT_EQ(table_.FindSubscription("orders", "pay")->expression_type, "TAG");
}

}  // namespace
}  // namespace rmq
