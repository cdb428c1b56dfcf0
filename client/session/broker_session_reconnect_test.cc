// Ends of streams, what follows them, and ways in reserve.
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/abort_history.h"
#include "client/session/broker_session.h"
#include "client/session/broker_session_testing.h"
#include "client/session/broker_stub.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

// ---- Reconnecting.

TEST_F(BrokerSessionTest, PausesDoubleFromHalfOfTheInitialUpToTheMaximum) {
  random_ = 0.0;
  session_->SetStatement(Statement({"p"}, {}));
  for (int ms : {100, 200, 400, 800, 1600, 2500, 2500}) {
    call().Finish(absl::UnavailableError("connection refused"));
    const size_t before = calls();
    loop_.Advance(absl::Milliseconds(ms - 1));
    EXPECT_EQ(calls(), before) << ms;
    loop_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(calls(), before + 1) << ms;
  }
}

TEST_F(BrokerSessionTest, TheDrawSpreadsAPauseOverItsUpperHalf) {
  random_ = 0.5;
  Backoff();
  loop_.Advance(absl::Milliseconds(149));
  EXPECT_EQ(calls(), 1u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(BrokerSessionTest, AStreamWithoutAReplyDoesNotBeginThePausesAnew) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  call().CompleteWrite();
  call().Deliver(Push("orders"));  // A push is no reply.
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(199));
  EXPECT_EQ(calls(), 2u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, TheFirstReplyBeginsThePausesAnew) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  AnswerToken(kToken);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(99));
  EXPECT_EQ(calls(), 2u);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, ARefusalIsAReplyToo) {
  Backoff();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  Refuse(absl::InvalidArgumentError("no"));
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(calls(), 3u);
}

TEST_F(BrokerSessionTest, ANewStreamBeginsWithAFullHeartbeat) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
}

TEST_F(BrokerSessionTest, AfterAReconnectTheSecondHeartbeatFollowsTheInterval) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  AnswerToken(kToken + 1);
  loop_.Advance(absl::Seconds(30) - absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  loop_.Advance(absl::Milliseconds(1));
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "light"));
  EXPECT_EQ(call().written()[1].heartbeat().statement_token(), kToken + 1);
}

class EndStatusTest : public BrokerSessionTest,
                      public ::testing::WithParamInterface<absl::StatusCode> {};

TEST_P(EndStatusTest, TheClientReconnects) {
  Online();
  call().Finish(absl::Status(GetParam(), "the end"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

INSTANTIATE_TEST_SUITE_P(Retriable, EndStatusTest,
                         ::testing::Values(absl::StatusCode::kOk,
                                           absl::StatusCode::kCancelled,
                                           absl::StatusCode::kUnknown,
                                           absl::StatusCode::kDeadlineExceeded,
                                           absl::StatusCode::kAborted,
                                           absl::StatusCode::kResourceExhausted,
                                           absl::StatusCode::kUnimplemented,
                                           absl::StatusCode::kInternal,
                                           absl::StatusCode::kUnavailable));

TEST_F(BrokerSessionTest, AReplacedClientDoesNotComeBack) {
  Online();
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_EQ(observer_.states.back(), BrokerState::kReplaced);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AKickedClientDoesNotComeBack) {
  Online();
  call().Finish(absl::PermissionDeniedError("taken out by an operator"),
                EndReason::kKicked);
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_EQ(observer_.states.back(), BrokerState::kKicked);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AClientReplacedWhileLeavingDoesNotComeBack) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AnEndReasonIsBelievedWhateverTheStatus) {
  Online();
  call().Finish(absl::UnavailableError("going down"), EndReason::kKicked);
  EXPECT_EQ(state(), BrokerState::kKicked);
}

TEST_F(BrokerSessionTest, BeforeTheStreamStandsNothingIsFinalEither) {
  Connecting();
  call().Finish(absl::PermissionDeniedError("HTTP status 403"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  loop_.Advance(absl::Minutes(1));
  call().Finish(absl::AbortedError("a foreign server"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, ThreeAbortsOfAnOlderBrokerInAMinuteAreAReplacement) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ComeBack(1);
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ComeBack(1);
  LiveFor(AbortHistory::kWindow - absl::Milliseconds(200));
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kReplaced);
}

TEST_F(BrokerSessionTest, ThreeAbortsOfAnOlderBrokerInLongerAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  call().Finish(absl::AbortedError("REPLACED"));
  ComeBack(1);
  call().Finish(absl::AbortedError("REPLACED"));
  ComeBack(1);
  LiveFor(AbortHistory::kWindow - absl::Milliseconds(199));
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, AbortsOfTwoBrokerProcessesDoNotAddUp) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1);
  for (uint64_t incarnation : {1, 2, 1, 2, 2, 2}) {
    call().Finish(absl::AbortedError("REPLACED"));
    ASSERT_EQ(state(), BrokerState::kBackoff);
    ComeBack(incarnation);
  }
  call().Finish(absl::AbortedError("REPLACED"));
  EXPECT_EQ(state(), BrokerState::kReplaced);
}

TEST_F(BrokerSessionTest, AbortsOfStreamsThatNoBrokerAnsweredAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  for (int i = 0; i < 5; ++i) {
    call().CompleteStart();
    call().Finish(absl::AbortedError("a proxy"));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    loop_.Advance(absl::Seconds(5));
  }
}

TEST_F(BrokerSessionTest, AbortsOfABrokerThatWouldTellWhyAreRetried) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerAs(1, {v1::FEATURE_END_REASON});
  for (int i = 0; i < 5; ++i) {
    call().Finish(absl::AbortedError("a proxy"));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    ComeBack(1, {v1::FEATURE_END_REASON});
  }
}

// ---- The numbers of streams.

TEST_F(BrokerSessionTest, EveryFullHeartbeatOfAStreamHasTheStreamsNumber) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 1u);
  EXPECT_EQ(call().written()[1].heartbeat().stream_number(), 1u);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 2u);
}

TEST_F(BrokerSessionTest, AStreamIsNumberedWhenItIsOpened) {
  Connecting();
  stream_number_ = 7;  // Others are opened before it stands.
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().stream_number(), 1u);
}

// ---- In reserve.

TEST_F(BrokerSessionTest, AReplacedClientWithAnotherWayIsKeptInReserve) {
  Reserve();
  EXPECT_EQ(observer_.states.back(), BrokerState::kReserve);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AReserveIsTriedNowAndThen) {
  random_ = 0.5;
  Reserve();
  loop_.Advance(BrokerSession::kReserveTime * 3 / 4 - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kReserve);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionTest, AReserveTakesOverAtOnceWithTheLatestStatement) {
  Reserve();
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(state(), BrokerState::kReserve);
  session_->TakeOver();
  EXPECT_EQ(state(), BrokerState::kConnecting);
  EXPECT_EQ(calls(), 2u);
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionTest, AReserveMayEndForGood) {
  for (const BrokerState end : {BrokerState::kReplaced, BrokerState::kKicked}) {
    Remake();
    Reserve();
    session_->EndReserve(end);
    EXPECT_EQ(state(), end);
    EXPECT_EQ(observer_.states.back(), end);
    EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  }
}

TEST_F(BrokerSessionTest, WithoutAGroupAReserveIsGivenUp) {
  Reserve();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, ShutdownOfAReserveStopsAtOnce) {
  Reserve();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, AWayThatAnotherTakesWhileItIsLeftIsInReserve) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  observer_.has_another_way = true;
  call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kReserve);
}

TEST_F(BrokerSessionTest, AWayThatIsLeftForAnotherIsIdle) {
  Leaving();
  observer_.has_another_way = true;
  call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, AnEndThatWouldBeFinalStopsAShutdownWithOk) {
  for (const EndReason reason : {EndReason::kReplaced, EndReason::kKicked}) {
    Remake();
    observer_.stopped.clear();
    Online();
    session_->Shutdown();
    call().Finish(absl::AbortedError("the end"), reason);
    EXPECT_EQ(state(), BrokerState::kStopped);
    EXPECT_THAT(observer_.stopped, ElementsAre(IsOk()));
  }
}

}  // namespace
}  // namespace rmq
