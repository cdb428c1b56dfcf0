// Heartbeats, changes of the statement, and deadlines.
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_session_testing.h"
#include "client/session/frame_pace.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// ---- Heartbeats.

TEST_F(BrokerSessionTest, NothingHappensBeforeThereIsAStatement) {
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AnIdleSessionWithoutAStatementStaysIdle) {
  session_->SetStatement(nullptr);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AStatementIsWrittenInFullAsSoonAsTheStreamStands) {
  session_->SetStatement(Statement({"p"}, {"orders"}));
  ASSERT_TRUE(call().start_called());
  EXPECT_THAT(call().written(), IsEmpty());
  call().CompleteStart();
  ASSERT_THAT(Kinds(call()), ElementsAre("full"));
  const v1::HeartbeatRequest& heartbeat = call().written()[0].heartbeat();
  EXPECT_EQ(heartbeat.client_id(), "10.0.0.1@test");
  EXPECT_EQ(heartbeat.producers(0).group(), "p");
  EXPECT_EQ(heartbeat.consumers(0).group(), "orders");
}

TEST_F(BrokerSessionTest, TheSecondHeartbeatFollowsOneSecondAfterTheFirst) {
  Online();
  loop_.Advance(absl::Milliseconds(999));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
}

TEST_F(BrokerSessionTest, LaterHeartbeatsFollowTheInterval) {
  Online();
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  AnswerLight();
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(4));
}

TEST_F(BrokerSessionTest, TheSecondHeartbeatIsNoLaterThanAShorterInterval) {
  BrokerSession::Options options((ClientOptions()));
  options.heartbeat_interval = absl::Milliseconds(400);
  Remake(options);
  Online();
  loop_.Advance(absl::Milliseconds(399));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, ALightHeartbeatIsItsRequestIdAndTheToken) {
  Online();
  loop_.Advance(absl::Seconds(1));
  v1::ClientFrame expected;
  expected.set_request_id(2);
  expected.mutable_heartbeat()->set_statement_token(kToken);
  EXPECT_EQ(call().written()[1].SerializeAsString(),
            expected.SerializeAsString());
}

TEST_F(BrokerSessionTest, HeartbeatsStayFullWhileTheBrokerGivesNoToken) {
  Stating();
  v1::HeartbeatResponse response;
  v1::SkippedGroup* skipped = response.add_skipped_groups();
  skipped->set_group("orders");
  skipped->set_message("no such group");
  Answer(response);
  EXPECT_EQ(state(), BrokerState::kPartial);
  loop_.Advance(absl::Seconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  AnswerToken(kToken);
  loop_.Advance(absl::Seconds(30));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "light"));
}

TEST_F(BrokerSessionTest, TheNeedForAFullStatementIsMetAfterTheHeartbeatGap) {
  Online();
  loop_.Advance(absl::Seconds(1));
  v1::HeartbeatResponse response;
  response.set_full_statement_needed(true);
  Answer(response);
  loop_.Advance(FramePace::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light", "full"));
}

TEST_F(BrokerSessionTest, ThePeriodIsAThirdOfAChannelExpiryThatIsShorter) {
  Stating();
  AnswerToken(kToken, absl::Seconds(60));
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  loop_.Advance(absl::Seconds(20) - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
}

TEST_F(BrokerSessionTest, AVeryShortChannelExpiryMovesTheSecondHeartbeatToo) {
  Stating();
  AnswerToken(kToken, absl::Milliseconds(1500));
  loop_.Advance(absl::Milliseconds(499));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, HeartbeatsNeverComeCloserThanTheGap) {
  Stating();
  AnswerToken(kToken, absl::Milliseconds(3));
  loop_.Advance(FramePace::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(1));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(2));
}

TEST_F(BrokerSessionTest, ARefusedHeartbeatIsFollowedByAFullOneInFiveSeconds) {
  Online();
  loop_.Advance(absl::Seconds(1));
  Refuse(absl::ResourceExhaustedError("100 frames a second"));
  EXPECT_EQ(state(), BrokerState::kOnline);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kResourceExhausted, "100 frames a second"));
  loop_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "light", "full"));
}

TEST_F(BrokerSessionTest, AChangeThatCameTooSoonIsStatedAgainInASecond) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  Refuse(absl::ResourceExhaustedError("1 change a second"));
  loop_.Advance(absl::Seconds(1) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "full"));
}

TEST_F(BrokerSessionTest, ARefusedFirstHeartbeatLeavesTheStreamStating) {
  Stating();
  Refuse(absl::InvalidArgumentError("group is too long"));
  EXPECT_EQ(state(), BrokerState::kStating);
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Seconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kOnline);
}

// ---- Changes of the statement.

TEST_F(BrokerSessionTest, AChangedStatementIsWrittenInFullAtOnce) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "full"));
  EXPECT_EQ(call().written()[1].heartbeat().consumers_size(), 2);
}

TEST_F(BrokerSessionTest, ChangesWithinTheHeartbeatGapShareOneHeartbeat) {
  Online();
  session_->SetStatement(Statement({"p"}, {"orders", "a"}));
  session_->SetStatement(Statement({"p"}, {"orders", "a", "b"}));
  loop_.Advance(FramePace::kMinHeartbeatGap - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "full"));
  EXPECT_EQ(call().written()[1].heartbeat().consumers_size(), 3);
}

TEST_F(BrokerSessionTest, AChangeWhileAHeartbeatIsUnansweredWaitsForTheAnswer) {
  Stating();
  loop_.Advance(absl::Seconds(1));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  AnswerToken(kToken);  // To the old statement: its token is not for the new.
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
}

TEST_F(BrokerSessionTest, AChangeWhileConnectingIsWhatIsStated) {
  Connecting();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, AChangeDuringAPauseIsWhatIsStatedAfterIt) {
  Backoff();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, ADroppedGroupIsUnregisteredBeforeTheNextStatement) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"bills"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders"));
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatWasNeverStatedIsNotUnregistered) {
  Online();
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full"));
}

TEST_F(BrokerSessionTest, WithoutAGroupTheStreamIsEndedAndNoneIsKept) {
  Leaving();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  EXPECT_FALSE(call().half_closed());
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
  call().Deliver(ReplyTo(1));
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped, IsEmpty());
}

TEST_F(BrokerSessionTest, AStatementWhileLeavingIsMadeOverANewStream) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  call().CompleteWrite();
  EXPECT_EQ(calls(), 1u);
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kConnecting);
  EXPECT_EQ(calls(), 2u);
}

TEST_F(BrokerSessionTest, WithoutAGroupConnectingIsGivenUp) {
  Connecting();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(BrokerSessionTest, WithoutAGroupAPauseIsGivenUp) {
  Backoff();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(BrokerSessionTest, WithoutAGroupAnUnansweredStatementIsTakenBack) {
  Stating();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kLeaving);
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
}

// ---- Deadlines.

TEST_F(BrokerSessionTest, ConnectingIsGivenUpAfterTheConnectTimeout) {
  Connecting();
  loop_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_FALSE(call().cancelled());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kDeadlineExceeded, "no connection within 5s"));
}

TEST_F(BrokerSessionTest, AnUnansweredFirstHeartbeatTearsTheStreamDown) {
  Stating();
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_FALSE(call().cancelled());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AnUnansweredLightHeartbeatTearsTheStreamDown) {
  Online();
  loop_.Advance(absl::Seconds(1));
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kDeadlineExceeded, "no answer within 3s"));
}

TEST_F(BrokerSessionTest, AFrameThatDoesNotLeaveCountsAsUnanswered) {
  Online();
  loop_.Advance(absl::Seconds(1));
  ASSERT_TRUE(call().writing());
  loop_.Advance(absl::Seconds(3));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AnAnswerInTimeIsNoReasonToTearDown) {
  Online();
  loop_.Advance(absl::Seconds(1));
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  call().Deliver(ReplyTo(1));
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AReplyOutOfOrderTearsTheStreamDown) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteWrite();  // The unregistration; then the statement.
  call().Deliver(ReplyTo(2));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_THAT(session_->health().last_error,
              StatusIs(absl::StatusCode::kInternal,
                       "the broker answered request 3, but 2 was next"));
}

TEST_F(BrokerSessionTest, AReplyToNothingTearsTheStreamDown) {
  Online();
  call().Deliver(ReplyTo(0));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_TRUE(call().cancelled());
}

TEST_F(BrokerSessionTest, AFrameOfAnUnknownKindIsIgnored) {
  Online();
  call().Deliver(v1::BrokerFrame());
  EXPECT_EQ(state(), BrokerState::kOnline);
}

}  // namespace
}  // namespace rmq
