// A client's channels, one after the other: streams that replace older ones,
// and the stand-in of unary calls.
#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Outcome = RegisterResult::Outcome;

using ReconnectTest = ClientTableFixture;

// --- Reconnect: replacement by incarnation ---

TEST_F(ReconnectTest, TheSameIncarnationReplacesTheOlderStreamAtOnce) {
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const auto after =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_TRUE(before->closed());
  EXPECT_THAT(before->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_FALSE(after->closed());
  EXPECT_THAT(after->ends(), IsEmpty());
  EXPECT_EQ(table_.counts().channels, 1);
  EXPECT_EQ(table_.FindConsumerChannel("orders", "c1"), after);
}

TEST_F(ReconnectTest, TheNewStreamJoinsBeforeTheOldOneLeaves) {
  Connect(
      TestStatement("c1").Incarnation(7).Producer("pay").Consumer("orders"));
  TakeEvents();
  Connect(
      TestStatement("c1").Incarnation(7).Producer("pay").Consumer("orders"));
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                          "consumer orders REGISTER c1",
                          "producer pay CLIENT_REGISTER c1",
                          "producer pay CLIENT_UNREGISTER c1 REPLACED"));
}

TEST_F(ReconnectTest, AReplacementThatAddsATopicIsOneChange) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  TakeEvents();
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders",
                                                      {{"pay"}, {"ship", 1}}));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                  "consumer orders CHANGE", "consumer orders REGISTER c1"));
}

TEST_F(ReconnectTest, AReplacementThatDropsATopicIsOneChange) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders",
                                                      {{"pay"}, {"ship"}}));
  TakeEvents();
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  EXPECT_THAT(
      TakeEvents(),
      ElementsAre("consumer orders CLIENT_REGISTER c1",
                  "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                  "consumer orders CHANGE", "consumer orders REGISTER c1"));
  EXPECT_FALSE(table_.FindSubscription("orders", "ship").has_value());
}

TEST_F(ReconnectTest, AReplacementThatJoinsAGroupIsAChangeOfThatGroupAlone) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  Connect(
      TestStatement("c1").Incarnation(7).Consumer("orders").Consumer("more"));
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 REPLACED",
                          "consumer orders REGISTER c1",
                          "consumer more CLIENT_REGISTER c1",
                          "consumer more CHANGE", "consumer more REGISTER c1"));
}

TEST_F(ReconnectTest, AReplacementKeepsTheTokensOfOthers) {
  const auto other = OpenStream();
  const uint64_t token =
      Register(*other, TestStatement("c2").Consumer("orders")).statement_token;
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders", {{"pay"}}));
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders", {{"ship"}}));
  EXPECT_EQ(other->RenewLight(token, now_), Renewal::kRenewed);
}

TEST_F(ReconnectTest, AGroupOfTheOldStreamThatTheNewOneDoesNotStateGoes) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("a").Consumer("b"));
  Connect(TestStatement("c1").Incarnation(7).Consumer("a"));
  EXPECT_THAT(Consumers("a"), ElementsAre("c1"));
  EXPECT_FALSE(table_.FindConsumerGroup("b").has_value());
}

TEST_F(ReconnectTest, AnotherIncarnationLeavesBothAlive) {
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  Connect(TestStatement("c1").Incarnation(8).Consumer("orders"));
  EXPECT_FALSE(before->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ReconnectTest, NoIncarnationLeavesBothAlive) {
  const auto before = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_FALSE(before->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ReconnectTest, TheSameIncarnationOfAnotherClientLeavesBothAlive) {
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  Connect(TestStatement("c2").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(before->closed());
}

TEST_F(ReconnectTest, OnlyTheFirstHeartbeatOfAStreamReplaces) {
  const auto a = Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const auto b = Connect(TestStatement("c1").Incarnation(8).Consumer("orders"));
  Register(*b, TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(a->closed());
  EXPECT_FALSE(b->closed());
}

TEST_F(ReconnectTest, AFirstHeartbeatThatANewerStreamOvertookIsTheReplacedOne) {
  const auto older = OpenStream();
  const auto newer =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  const RegisterResult result =
      Register(*older, TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_EQ(result.outcome, Outcome::kReplaced);
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_TRUE(older->closed());
  EXPECT_FALSE(newer->closed());
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_EQ(table_.counts().channels, 1);
}

TEST_F(ReconnectTest, OfNumberedStreamsTheOneWithTheGreaterNumberStays) {
  const auto live = OpenStream();
  const auto late = OpenStream();
  Register(*live, TestStatement("c1").Incarnation(7).StreamNumber(2).Consumer(
                      "orders"));
  TakeEvents();
  // Opened by the client before the live one, accepted by the broker after it.
  EXPECT_EQ(
      Register(
          *late,
          TestStatement("c1").Incarnation(7).StreamNumber(1).Consumer("orders"))
          .outcome,
      Outcome::kReplaced);
  EXPECT_THAT(late->ends(), ElementsAre(RemovalReason::kReplaced));
  EXPECT_FALSE(live->closed());
  EXPECT_THAT(TakeEvents(), IsEmpty());
}

TEST_F(ReconnectTest, AStreamThatIsAcceptedEarlierReplacesByItsNumber) {
  const auto newer = OpenStream();
  const auto older = Connect(
      TestStatement("c1").Incarnation(7).StreamNumber(1).Consumer("orders"));
  Register(*newer, TestStatement("c1").Incarnation(7).StreamNumber(2).Consumer(
                       "orders"));
  EXPECT_TRUE(older->closed());
  EXPECT_FALSE(newer->closed());
}

TEST_F(ReconnectTest, WithoutANumberTheStreamThatIsAcceptedLaterStays) {
  for (const auto& [first, second] :
       {std::pair(0, 0), {0, 1}, {2, 0}, {3, 3}}) {
    const auto before =
        Connect(TestStatement("c1").Incarnation(7).StreamNumber(first).Consumer(
            "orders"));
    const auto after = Connect(
        TestStatement("c1").Incarnation(7).StreamNumber(second).Consumer(
            "orders"));
    EXPECT_TRUE(before->closed()) << first << ", " << second;
    EXPECT_FALSE(after->closed()) << first << ", " << second;
    table_.Close(*after, RemovalReason::kDisconnected, now_);
  }
}

TEST_F(ReconnectTest, NumbersOfAnotherIncarnationAreNotCompared) {
  const auto live = Connect(
      TestStatement("c1").Incarnation(7).StreamNumber(9).Consumer("orders"));
  const auto other = Connect(
      TestStatement("c1").Incarnation(8).StreamNumber(1).Consumer("orders"));
  EXPECT_FALSE(live->closed());
  EXPECT_FALSE(other->closed());
}

TEST_F(ReconnectTest, AStandInIsNotReplacedByAStream) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Incarnation(7).Consumer("orders"));
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(stand_in->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ReconnectTest, AStreamIsNotReplacedByAStandIn) {
  const auto stream =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_FALSE(stream->closed());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
}

TEST_F(ReconnectTest, AReplacedStreamThatClosesLateChangesNothing) {
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  TakeEvents();
  EXPECT_FALSE(table_.Close(*before, RemovalReason::kDisconnected, now_));
  EXPECT_THAT(TakeEvents(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(ReconnectTest, AReplacedStreamsHeartbeatsAreLost) {
  const auto before = OpenStream();
  const TestStatement stated =
      TestStatement("c1").Incarnation(7).Consumer("orders");
  const uint64_t token = Register(*before, stated).statement_token;
  Connect(stated);
  EXPECT_EQ(before->RenewLight(token, now_), Renewal::kClosed);
  EXPECT_EQ(Register(*before, stated).outcome, Outcome::kClosed);
}

// --- Stand-ins of unary calls ---

TEST_F(ReconnectTest, AClientHasOneStandIn) {
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  const ClientChannelPtr stand_in = StandIn("c1");
  EXPECT_EQ(StandIn("c1"), stand_in);
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
  EXPECT_NE(StandIn("c2"), stand_in);
}

TEST_F(ReconnectTest, AStreamIsNoStandIn) {
  Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ReconnectTest, AStandInLivesByItsExpiryAlone) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Consumer("orders"));
  Advance(kExpiry);
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  Advance(kMoment);
  EXPECT_THAT(Scan(), ElementsAre(stand_in));
  EXPECT_THAT(Consumers("orders"), IsEmpty());
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ReconnectTest, AStandInGoesWithItsLastGroup) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Producer("pay").Consumer("orders"));
  table_.Unregister(*stand_in, "c1", {}, {"orders"}, now_);
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
  table_.Unregister(*stand_in, "c1", {"pay"}, {}, now_);
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  EXPECT_TRUE(stand_in->closed());
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ReconnectTest, AStandInThatGetsNoGroupGoesAtOnce) {
  const ClientChannelPtr stand_in = StandIn("c1");
  RegisterAllSkipped(*stand_in, TestStatement("c1").Consumer("orders"));
  EXPECT_TRUE(stand_in->closed());
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
  EXPECT_EQ(table_.counts().channels, 0);
}

TEST_F(ReconnectTest, AStandInWhoseLastGroupExpiresAloneGoesToo) {
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Consumer("orders"));
  Advance(absl::Seconds(60));
  RegisterAllSkipped(*stand_in, TestStatement("c1").Consumer("orders"));
  ASSERT_FALSE(stand_in->closed());
  Advance(absl::Seconds(60) + kMoment);
  EXPECT_THAT(Scan(), ElementsAre(stand_in));
  EXPECT_EQ(table_.FindStandIn("c1"), nullptr);
}

TEST_F(ReconnectTest, AClientsStreamAndStandInAreApart) {
  const auto stream = Connect(TestStatement("c1").Consumer("orders"));
  const ClientChannelPtr stand_in = StandIn("c1");
  Register(*stand_in, TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c1"));
  table_.Close(*stream, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_EQ(table_.FindStandIn("c1"), stand_in);
}

TEST_F(ReconnectTest, ANewStandInMayFollowOneThatWent) {
  const ClientChannelPtr before = StandIn("c1");
  Register(*before, TestStatement("c1").Consumer("orders"));
  table_.Unregister(*before, "c1", {}, {"orders"}, now_);
  const ClientChannelPtr after = StandIn("c1");
  EXPECT_NE(after, before);
  EXPECT_EQ(Register(*after, TestStatement("c1").Consumer("orders")).outcome,
            Outcome::kRegistered);
}

}  // namespace
}  // namespace rmq
