// What a session does at a broker that does not let it in.
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_session_testing.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

const absl::Status& kUnknown =
    *new absl::Status(absl::StatusCode::kUnauthenticated, "no such user");
const absl::Status& kMayNot =
    *new absl::Status(absl::StatusCode::kPermissionDenied, "not this client");

class BrokerSessionDenialTest : public BrokerSessionTest {
 protected:
  // Checks that the session connects after `wait`, and no earlier.
  void ExpectConnectsAfter(absl::Duration wait) {
    EXPECT_EQ(state(), BrokerState::kBackoff);
    EXPECT_EQ(session_->WholeHealth().retry_at, loop_.Now() + wait);
    loop_.Advance(wait - absl::Milliseconds(1));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    loop_.Advance(absl::Milliseconds(1));
    EXPECT_EQ(state(), BrokerState::kConnecting);
  }
};

class DenialTest : public BrokerSessionDenialTest,
                   public ::testing::WithParamInterface<absl::StatusCode> {
 protected:
  absl::Status Denial() const { return absl::Status(GetParam(), "no"); }
};

TEST_P(DenialTest, IsShownAndTriedAgainAfterALongPause) {
  Online();
  call().Finish(Denial());
  EXPECT_EQ(observer_.health.back().state, BrokerState::kBackoff);
  EXPECT_EQ(observer_.health.back().last_error, Denial());
  EXPECT_EQ(observer_.health.back().retry_at, loop_.Now() + absl::Seconds(30));
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_P(DenialTest, BeforeTheStreamStandsIsTheSame) {
  Connecting();
  call().Finish(Denial());
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_P(DenialTest, OfAProxyIsTriedAgainSoon) {
  Online();
  call().FinishByProxy(Denial());
  EXPECT_EQ(observer_.health.back().last_error, Denial());
  ExpectConnectsAfter(absl::Milliseconds(100));
}

TEST_P(DenialTest, IsNeverFinalAndThePausesGrowToFiveMinutes) {
  random_ = 1.0;
  Online();
  for (const int minutes : {1, 2, 4, 5, 5, 5}) {
    call().Finish(Denial());
    ExpectConnectsAfter(absl::Minutes(minutes));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Codes, DenialTest,
    ::testing::Values(absl::StatusCode::kUnauthenticated,
                      absl::StatusCode::kPermissionDenied));

TEST_F(BrokerSessionDenialTest, PausesBeginAnewOnceTheBrokerHasLetItIn) {
  Online();
  call().Finish(kUnknown);
  loop_.Advance(absl::Seconds(30));
  call().Finish(kUnknown);
  ExpectConnectsAfter(absl::Minutes(1));
  call().CompleteStart();
  AnswerToken(kToken);
  call().Finish(kUnknown);
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_F(BrokerSessionDenialTest, AnEndOfAnotherKindInBetweenIsTriedSoon) {
  Online();
  call().Finish(kUnknown);
  loop_.Advance(absl::Seconds(30));
  call().Finish(absl::UnavailableError("restarting"));
  ExpectConnectsAfter(absl::Milliseconds(100));
  call().Finish(kUnknown);
  ExpectConnectsAfter(absl::Minutes(1));
}

TEST_F(BrokerSessionDenialTest, ReconnectTriesAtOnce) {
  Online();
  call().Finish(kMayNot);
  session_->Reconnect();
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionDenialTest, AnIdentityThatChangedMeanwhileIsTriedSoon) {
  Online();
  stub_.ChangeIdentity();
  call().Finish(kUnknown);
  ExpectConnectsAfter(absl::Milliseconds(100));
  call().Finish(kUnknown);
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_F(BrokerSessionDenialTest, AnIdentityThatChangesLaterIsTriedInSeconds) {
  Online();
  call().Finish(kUnknown);
  loop_.Advance(absl::Seconds(5));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  stub_.ChangeIdentity();
  loop_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kConnecting);
}

TEST_F(BrokerSessionDenialTest, AStatementThatIsDeniedIsNotRepeated) {
  Stating();
  Refuse(kMayNot);
  EXPECT_EQ(state(), BrokerState::kStating);
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  loop_.Advance(absl::Seconds(2));
  EXPECT_EQ(call().written().size(), 1u);
}

TEST_F(BrokerSessionDenialTest, AfterADeniedStatementTheEndIsADenialToo) {
  Stating();
  Refuse(kMayNot);
  call().Finish(absl::DeadlineExceededError("no full heartbeat"));
  EXPECT_EQ(observer_.health.back().last_error, kMayNot);
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_F(BrokerSessionDenialTest, ADeniedStatementEndsTheStreamItself) {
  Remake(BrokerSession::Options(ClientOptions()));
  Stating();
  Refuse(kMayNot);
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kStating);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(observer_.health.back().last_error, kMayNot);
  ExpectConnectsAfter(absl::Seconds(30));
}

TEST_F(BrokerSessionDenialTest, AChangeThatIsDeniedLaterWaitsForAnInterval) {
  Online();
  session_->SetStatement(Statement({"p"}, {"orders", "bills"}));
  loop_.Advance(absl::Milliseconds(100));
  ASSERT_EQ(call().written().size(), 2u);
  Refuse(kMayNot);
  EXPECT_EQ(state(), BrokerState::kOnline);
  EXPECT_EQ(observer_.health.back().last_error, kMayNot);
  loop_.Advance(absl::Seconds(29));
  EXPECT_EQ(call().written().size(), 2u);
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(Kinds(call()).back(), "full");
  EXPECT_EQ(call().written().size(), 3u);
}

TEST_F(BrokerSessionDenialTest, ShutdownInALongPauseStopsAtOnce) {
  Online();
  call().Finish(kUnknown);
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
}

}  // namespace
}  // namespace rmq
