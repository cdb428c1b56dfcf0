// Shutdown in each state.
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client_options.h"
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// ---- Shutdown, in each state.

TEST_F(BrokerSessionTest, ShutdownOfAnIdleSessionStopsAtOnce) {
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownWhileConnectingStopsAtOnce) {
  Connecting();
  session_->Shutdown();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownInAPauseStopsAtOnce) {
  Backoff();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownUnregistersHalfClosesAndAwaitsTheEnd) {
  Online();
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  EXPECT_FALSE(call().half_closed());
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
  call().Deliver(ReplyTo(1));
  EXPECT_THAT(observer_.stopped, IsEmpty());
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownWhileStatingWaitsForTheWriteUnderWay) {
  Stating();
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister p/orders"));
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
}

TEST_F(BrokerSessionTest, ShutdownWhileLeavingStopsInsteadOfComingBack) {
  Leaving();
  session_->SetStatement(Statement({}, {"bills"}));
  session_->Shutdown();
  call().CompleteWrite();
  call().Finish(absl::OkStatus());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, ShutdownOfAReplacedClientHasNothingToDo) {
  Online();
  call().Finish(absl::AbortedError("a newer stream took over"),
                EndReason::kReplaced);
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kReplaced);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ShutdownOfAKickedClientHasNothingToDo) {
  Online();
  call().Finish(absl::PermissionDeniedError("taken out by an operator"),
                EndReason::kKicked);
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kKicked);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ASecondShutdownChangesNothing) {
  session_->Shutdown();
  session_->Shutdown();
  session_->Abandon();
  EXPECT_THAT(observer_.stopped, SizeIs(1));
}

TEST_F(BrokerSessionTest, AStatementAfterShutdownIsNotMade) {
  session_->Shutdown();
  session_->SetStatement(Statement({}, {"orders"}));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(BrokerSessionTest, APushWhileLeavingIsNotReported) {
  Online();
  observer_.changed.clear();
  session_->Shutdown();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, AnAnswerWhileLeavingReportsNoGroup) {
  Stating();
  session_->Shutdown();
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kLeaving);
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, ARefusedUnregistrationDoesNotStopLeaving) {
  Online();
  session_->Shutdown();
  Refuse(absl::ResourceExhaustedError("100 frames a second"));
  EXPECT_TRUE(call().half_closed());
  call().Finish(absl::OkStatus());
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

TEST_F(BrokerSessionTest, ABrokerThatDoesNotEndTheStreamIsLeftInTheEnd) {
  Online();
  session_->Shutdown();
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(3) - absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kLeaving);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(call().cancelled());
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded,
                                   "the stream did not end within 3s")));
}

TEST_F(BrokerSessionTest, AStreamThatBreaksWhileLeavingIsTheFinalStatus) {
  Online();
  session_->Shutdown();
  call().Finish(absl::UnavailableError("connection reset"));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable,
                                   HasSubstr("connection reset"))));
}

TEST_F(BrokerSessionTest, AbandonCancelsWhatIsUnderWay) {
  Online();
  session_->Shutdown();
  session_->Abandon();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  EXPECT_THAT(observer_.stopped,
              ElementsAre(StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST_F(BrokerSessionTest, ADestroyedSessionCancelsItsStreamAndItsTimer) {
  Online();
  session_.reset();
  EXPECT_TRUE(call().cancelled());
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
}

// ---- Shutdown at each step of a full life.

class ShutdownAtEachStepTest : public BrokerSessionTest,
                               public ::testing::WithParamInterface<size_t> {
 public:
  using Step = void (ShutdownAtEachStepTest::*)();
  static const std::vector<Step>& Steps();

 protected:
  void State() { session_->SetStatement(Statement({"p"}, {"orders"})); }
  void Start() { call().CompleteStart(); }
  void Written() { call().CompleteWrite(); }
  void Taken() {
    v1::BrokerFrame frame = ReplyTo(call().written().size() - 1);
    frame.mutable_reply()->mutable_heartbeat()->set_statement_token(kToken);
    call().Deliver(frame);
    answered_ = call().written().size();
  }
  void Pushed() { call().Deliver(Push("orders")); }
  void HeartbeatDue() { loop_.Advance(BrokerSession::kSecondHeartbeatDelay); }
  void DropAGroup() { session_->SetStatement(Statement({"p"}, {})); }
  void Broken() {
    call().Finish(absl::UnavailableError("the connection broke"));
    answered_ = 0;
  }
  void PauseOver() {
    loop_.Advance(BrokerSession::Options(ClientOptions()).backoff.initial);
  }
  void NoGroup() { session_->SetStatement(nullptr); }
  void Silence() {
    loop_.Advance(BrokerSession::Options(ClientOptions()).reply_timeout);
  }

  // What a broker does that answers everything.
  void PlayOn() {
    for (int round = 0; round < 10 && observer_.stopped.empty(); ++round) {
      if (call().writing()) call().CompleteWrite();
      while (!call().cancelled() && !call().writing() &&
             answered_ < call().written().size()) {
        call().Deliver(ReplyTo(answered_++));
      }
      if (call().half_closed() && !call().cancelled()) {
        call().Finish(absl::OkStatus());
      }
    }
  }

  size_t answered_ = 0;  // Frames of the current stream.
};

const std::vector<ShutdownAtEachStepTest::Step>&
ShutdownAtEachStepTest::Steps() {
  using Test = ShutdownAtEachStepTest;
  static const auto& steps = *new std::vector<Step>{
      &Test::State,      &Test::Start,        &Test::Written, &Test::Taken,
      &Test::Pushed,     &Test::HeartbeatDue, &Test::Written, &Test::Taken,
      &Test::DropAGroup, &Test::Written,      &Test::Broken,  &Test::PauseOver,
      &Test::Start,      &Test::Written,      &Test::Taken,   &Test::NoGroup,
      &Test::Written,    &Test::Silence};
  return steps;
}

TEST_P(ShutdownAtEachStepTest, TheSessionStopsOnceWithNothingLeftBehind) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  PlayOn();
  EXPECT_THAT(observer_.stopped, ElementsAre(IsOk()));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

TEST_P(ShutdownAtEachStepTest, ABrokerThatSaysNoMoreIsLeftInTheEnd) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  loop_.Advance(BrokerSession::Options(ClientOptions()).reply_timeout);
  EXPECT_THAT(observer_.stopped, SizeIs(1));
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

TEST_P(ShutdownAtEachStepTest, TheSessionMayBeDestroyed) {
  for (size_t i = 0; i < GetParam(); ++i) (this->*Steps()[i])();
  session_->Shutdown();
  session_.reset();
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  for (const auto& call : stub_.calls()) EXPECT_TRUE(call->cancelled());
}

INSTANTIATE_TEST_SUITE_P(
    Life, ShutdownAtEachStepTest,
    ::testing::Range<size_t>(0, ShutdownAtEachStepTest::Steps().size() + 1));

}  // namespace
}  // namespace rmq
