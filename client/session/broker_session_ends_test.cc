// How a session comes back after the ends that say for how long to stay away,
// and when the application asks.
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_session.h"
#include "client/session/broker_session_testing.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

const absl::Status& kKickedStatus =
    *new absl::Status(absl::StatusCode::kPermissionDenied, "KICKED: by ops");

class BrokerSessionEndsTest : public BrokerSessionTest {
 protected:
  void Kicked(absl::Duration retry_after) {
    Online();
    call().Finish(kKickedStatus, EndReason::kKicked, retry_after);
    ASSERT_EQ(state(), BrokerState::kKicked);
  }
  // Checks that the session connects after `wait`, and no earlier.
  void ExpectConnectsAfter(absl::Duration wait) {
    const BrokerState waiting = state();
    EXPECT_EQ(session_->WholeHealth().retry_at, loop_.Now() + wait);
    loop_.Advance(wait - absl::Milliseconds(1));
    EXPECT_EQ(state(), waiting);
    loop_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(state(), BrokerState::kConnecting);
    EXPECT_EQ(session_->WholeHealth().retry_at, absl::InfiniteFuture());
  }
};

TEST_F(BrokerSessionEndsTest, AKickedClientComesBackAfterItsTime) {
  Kicked(absl::Minutes(10));
  EXPECT_EQ(observer_.health.back().state, BrokerState::kKicked);
  EXPECT_EQ(observer_.health.back().last_end, EndReason::kKicked);
  EXPECT_THAT(
      observer_.health.back().last_error,
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("by ops")));
  EXPECT_EQ(observer_.health.back().retry_at, loop_.Now() + absl::Minutes(10));
  session_->SetStatement(Statement({}, {"bills"}));
  ExpectConnectsAfter(absl::Minutes(10));
  call().CompleteStart();
  EXPECT_EQ(call().written()[0].heartbeat().consumers(0).group(), "bills");
}

TEST_F(BrokerSessionEndsTest, AKickedClientComesBackUpToATenthLater) {
  random_ = 0.5;
  Kicked(absl::Minutes(10));
  ExpectConnectsAfter(absl::Minutes(10) + absl::Seconds(30));
}

TEST_F(BrokerSessionEndsTest, AShortTimeAwayIsSpreadOverASecond) {
  random_ = 0.5;
  Kicked(absl::Seconds(2));
  ExpectConnectsAfter(absl::Milliseconds(2500));
}

TEST_F(BrokerSessionEndsTest, KicksForNoTimeAtAllAreSlowedByTheBackoff) {
  Kicked(absl::Milliseconds(1));
  ExpectConnectsAfter(absl::Milliseconds(100));
  call().Finish(kKickedStatus, EndReason::kKicked, absl::Milliseconds(1));
  ExpectConnectsAfter(absl::Milliseconds(200));
}

TEST_F(BrokerSessionEndsTest, AClientThatIsStillHeldIsToldSoAndWaitsAgain) {
  Kicked(absl::Minutes(10));
  loop_.Advance(absl::Minutes(10));
  call().CompleteStart();
  Refuse(kKickedStatus);
  EXPECT_EQ(state(), BrokerState::kStating);
  call().Finish(kKickedStatus, EndReason::kKicked, absl::Minutes(3));
  EXPECT_EQ(state(), BrokerState::kKicked);
  ExpectConnectsAfter(absl::Minutes(3));
}

TEST_F(BrokerSessionEndsTest, AKickedClientWithoutAGroupIsIdleAfterItsTime) {
  Kicked(absl::Minutes(10));
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kKicked);
  loop_.Advance(absl::Minutes(10));
  EXPECT_EQ(state(), BrokerState::kIdle);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionEndsTest, AShutdownEndsTheWaitOfAKickedClient) {
  Kicked(absl::Minutes(10));
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_TRUE(session_->stopped());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

TEST_F(BrokerSessionEndsTest, AnEarlierWordToStayAwayHoldsForTheFirstStream) {
  session_->StayAwayUntil(loop_.Now() + absl::Minutes(1), EndReason::kDrained);
  EXPECT_EQ(state(), BrokerState::kIdle);
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  session_->SetStatement(nullptr);
  loop_.Advance(absl::Seconds(15));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(observer_.health.back().last_end, EndReason::kDrained);
  ExpectConnectsAfter(absl::Seconds(45));
  call().CompleteStart();
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionEndsTest, AnEarlierKickHoldsForTheFirstStreamToo) {
  session_->StayAwayUntil(loop_.Now() + absl::Minutes(1), EndReason::kKicked);
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(state(), BrokerState::kKicked);
  ExpectConnectsAfter(absl::Minutes(1));
}

TEST_F(BrokerSessionEndsTest, AnEarlierWordThatIsOverIsNone) {
  session_->StayAwayUntil(loop_.Now(), EndReason::kDrained);
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionEndsTest, ADrainedClientWaitsAsLongAsTheBrokerSays) {
  random_ = 0.5;
  Online();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  EXPECT_EQ(observer_.health.back().last_end, EndReason::kDrained);
  ExpectConnectsAfter(absl::Seconds(63));
}

TEST_F(BrokerSessionEndsTest, ADrainedClientWaitsThoughItHadNoGroupMeanwhile) {
  Online();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
  loop_.Advance(absl::Seconds(15));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ExpectConnectsAfter(absl::Seconds(45));
}

TEST_F(BrokerSessionEndsTest, ADrainThatIsOverMeanwhileIsNotWaitedFor) {
  Online();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  session_->SetStatement(nullptr);
  loop_.Advance(absl::Minutes(1));
  EXPECT_EQ(state(), BrokerState::kIdle);
  session_->SetStatement(Statement({"p"}, {"orders"}));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionEndsTest, ADrainThatEndsLeavingIsWaitedForToo) {
  Leaving();
  session_->SetStatement(Statement({"p"}, {"orders"}));
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ExpectConnectsAfter(absl::Minutes(1));

  Remake();
  Leaving();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained,
                absl::Minutes(1));
  EXPECT_EQ(state(), BrokerState::kIdle);
  session_->SetStatement(Statement({"p"}, {"orders"}));
  ExpectConnectsAfter(absl::Minutes(1));
}

TEST_F(BrokerSessionEndsTest, ADrainThatSaysNoTimeIsAnEndAsAnyOther) {
  Online();
  call().Finish(absl::UnavailableError("DRAINED"), EndReason::kDrained);
  EXPECT_EQ(state(), BrokerState::kBackoff);
  ExpectConnectsAfter(absl::Milliseconds(100));
}

TEST_F(BrokerSessionEndsTest, ATimeWithoutAReasonThatHasOneDoesNotCount) {
  for (const EndReason reason : {EndReason::kNone, EndReason::kExpired}) {
    Remake();
    Online();
    call().Finish(absl::UnavailableError("the end"), reason, absl::Hours(1));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    ExpectConnectsAfter(absl::Milliseconds(100));
  }
}

TEST_F(BrokerSessionEndsTest, ReconnectSetsUpAStreamAtOnceAfterAnEndOrAPause) {
  Kicked(absl::Minutes(10));
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);

  Remake();
  Kicked(absl::ZeroDuration());
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);

  Remake();
  Online();
  call().Finish(absl::AbortedError("REPLACED"), EndReason::kReplaced);
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);

  Remake();
  Backoff();
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);

  Remake();
  Refused();
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionEndsTest, ReconnectLeavesAStreamAndAReserveAlone) {
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kIdle);
  Connecting();
  session_->Reconnect();
  EXPECT_EQ(calls(), 1u);
  call().CompleteStart();
  AnswerToken(kToken);
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kOnline);
  EXPECT_EQ(calls(), 1u);

  Remake();
  Reserve();
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kReserve);
}

TEST_F(BrokerSessionEndsTest, ReconnectWithoutAGroupWaitsForOne) {
  Kicked(absl::Minutes(10));
  session_->SetStatement(nullptr);
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kIdle);
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionEndsTest, ReconnectWithoutAGroupEndsAnEarlierWordToo) {
  session_->StayAwayUntil(loop_.Now() + absl::Minutes(1), EndReason::kKicked);
  session_->SetStatement(Statement({}, {"bills"}));
  session_->SetStatement(nullptr);
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kIdle);
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionEndsTest, ReconnectAfterAShutdownDoesNothing) {
  Kicked(absl::Minutes(10));
  session_->Shutdown();
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionEndsTest, AReserveThatIsKickedComesBackAtTheTimeItIsGiven) {
  Reserve();
  session_->EndReserve(BrokerState::kKicked, loop_.Now() + absl::Minutes(7));
  EXPECT_EQ(state(), BrokerState::kKicked);
  // So that the client stays away also from a broker that is listed anew.
  EXPECT_EQ(session_->health().last_end, EndReason::kKicked);
  ExpectConnectsAfter(absl::Minutes(7));
}

}  // namespace
}  // namespace rmq
