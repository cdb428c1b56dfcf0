// Groups that are left, and statements that are too large.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_session_testing.h"
#include "client/session/frame_pace.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// ---- Leaving many groups.

TEST_F(BrokerSessionTest, ABrokerThatTakesManyGroupsIsToldThemInOneRequest) {
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({"p", "q"}, {"d"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a,b,c"));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({}, {"d"}));
  EXPECT_EQ(Kind(call().written().back()), "unregister p,q/");
}

TEST_F(BrokerSessionTest, OneRequestHas256GroupsAtMost) {
  std::vector<std::string> groups;
  for (int i = 0; i < 256; ++i) groups.push_back(absl::StrCat("g", i));
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, groups);
  session_->SetStatement(Statement({"p"}, groups));  // 257 in two kinds.
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  session_->SetStatement(Statement({}, {"last"}));
  const auto count = [](const v1::ClientFrame& frame) {
    const v1::UnregisterClientRequest& request = frame.unregister_client();
    return !request.producer_group().empty() + request.producer_groups_size() +
           !request.consumer_group().empty() + request.consumer_groups_size();
  };
  EXPECT_EQ(count(call().written().back()), 256);
  call().CompleteWrite();
  loop_.Advance(FramePace::kUnregisterGap);
  EXPECT_EQ(count(call().written().back()), 1);
}

TEST_F(BrokerSessionTest, AnOlderBrokerIsToldGroupAfterGroupAtAPace) {
  OnlineAt({}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({}, {"d"}));
  EXPECT_EQ(Kind(call().written().back()), "unregister /a");
  call().CompleteWrite();
  EXPECT_EQ(Kind(call().written().back()), "full");
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(FramePace::kUnregisterGap - absl::Milliseconds(1));
  EXPECT_THAT(call().written(), SizeIs(3));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Kind(call().written().back()), "unregister /b");
  call().CompleteWrite();
  loop_.Advance(FramePace::kUnregisterGap);
  EXPECT_EQ(Kind(call().written().back()), "unregister /c");
  call().CompleteWrite();
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(call().written(), SizeIs(5));
}

TEST_F(BrokerSessionTest, HeartbeatsGoBetweenUnregistrations) {
  std::vector<std::string> groups;
  for (int i = 0; i < 200; ++i) groups.push_back(absl::StrCat("g", i));
  OnlineAt({}, groups);
  session_->SetStatement(Statement({}, {"g0"}));
  size_t answered = 1;
  for (int i = 0; i < 200 * 20; ++i) {
    if (call().writing()) call().CompleteWrite();
    for (; answered < call().written().size(); ++answered) {
      v1::BrokerFrame reply = ReplyTo(answered);
      reply.mutable_reply()->mutable_heartbeat()->set_statement_token(kToken);
      call().Deliver(reply);
    }
    loop_.Advance(absl::Milliseconds(1));
    ASSERT_EQ(state(), BrokerState::kOnline);
    if (i == 2000) session_->SetStatement(Statement({"p"}, {"g0"}));
  }
  const std::vector<std::string> kinds = Kinds(call());
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "full"), 3);
  EXPECT_EQ(std::count_if(kinds.begin(), kinds.end(),
                          [](const std::string& kind) {
                            return absl::StartsWith(kind, "unregister");
                          }),
            199);
}

TEST_F(BrokerSessionTest, ARefusedUnregistrationIsSaidAgainSlower) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({"p"}, {"b"}));
  const absl::Status busy = absl::ResourceExhaustedError("1 frame a second");
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(busy.code()));
  call().Deliver(refusal);
  AnswerAs(1);  // The heartbeat is taken.
  for (const int gap : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    loop_.Advance(absl::Milliseconds(gap - 1));
    EXPECT_FALSE(call().writing()) << gap;
    loop_.Advance(absl::Milliseconds(1));
    ASSERT_TRUE(call().writing()) << gap;
    EXPECT_EQ(Kind(call().written().back()), "unregister /a") << gap;
    Refuse(busy);
  }
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, FramesThatWereOnTheirWaySlowDownOnce) {
  OnlineAt({}, {"a", "b", "c", "d"});
  session_->SetStatement(Statement({}, {"d"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written()[2]), "full");
  call().CompleteWrite();
  loop_.Advance(FramePace::kUnregisterGap);
  call().CompleteWrite();
  loop_.Advance(FramePace::kUnregisterGap);
  call().CompleteWrite();
  for (size_t nth : {1, 2, 3, 4}) {
    loop_.Advance(absl::Milliseconds(1));
    v1::BrokerFrame refusal = ReplyTo(nth);
    refusal.mutable_reply()->mutable_status()->set_code(
        static_cast<int>(absl::StatusCode::kResourceExhausted));
    call().Deliver(refusal);
  }
  EXPECT_THAT(call().written(), SizeIs(5));
  loop_.Advance(FramePace::kFirstFrameGap - absl::Milliseconds(5));
  EXPECT_THAT(call().written(), SizeIs(5));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Kinds(call()),
              ElementsAre("full", "unregister /a", "full", "unregister /b",
                          "unregister /c", "unregister /a"));
}

TEST_F(BrokerSessionTest, OnceAllIsTakenFramesComeAtTheirPaceAgain) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"b", "c"}));
  Refuse(absl::ResourceExhaustedError("1 frame a second"));
  AnswerAs(1);  // The heartbeat.
  loop_.Advance(FramePace::kFirstFrameGap);
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  AnswerLight();  // Taken.
  loop_.Advance(absl::Milliseconds(200));
  session_->SetStatement(Statement({}, {"c"}));
  EXPECT_EQ(Kind(call().written().back()), "full");
  call().CompleteWrite();
  EXPECT_EQ(Kind(call().written().back()), "unregister /b");
}

TEST_F(BrokerSessionTest, AGroupThatComesBackInTimeIsNotUnregistered) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"c"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"b", "c"}));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatCameBackIsNotUnregisteredAgain) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({}, {"b"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"a", "b"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  call().CompleteWrite();
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(absl::StatusCode::kResourceExhausted));
  call().Deliver(refusal);
  call().Deliver(ReplyTo(2));
  loop_.Advance(absl::Milliseconds(400));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a", "full"));
}

TEST_F(BrokerSessionTest, AGroupThatComesBackUnnoticedAndGoesIsUnregistered) {
  OnlineAt({}, {"a", "b", "c"});
  session_->SetStatement(Statement({}, {"b"}));
  ASSERT_EQ(Kind(call().written().back()), "unregister /a");
  session_->SetStatement(Statement({}, {"a", "b", "c"}));
  session_->SetStatement(Statement({}, {"b"}));
  call().CompleteWrite();
  call().Deliver(ReplyTo(1));
  AnswerAs(1);
  loop_.Advance(FramePace::kUnregisterGap);
  EXPECT_THAT(Kinds(call()), Contains("unregister /c"));
}

TEST_F(BrokerSessionTest, ALeaveThatIsLargerThanAFrameIsToldInParts) {
  const std::string a(60, 'a');
  const std::string b(60, 'b');
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {a, b, "c"});
  session_->SetStatement(Statement({}, {"c"}));
  const v1::ClientFrame leave = call().written().back();
  ASSERT_EQ(Kind(leave), absl::StrCat("unregister /", a, ",", b));
  call().CompleteWrite();
  v1::BrokerFrame refusal = ReplyTo(1);
  v1::Status& status = *refusal.mutable_reply()->mutable_status();
  status.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
  status.set_message(absl::StrCat("frame must be at most 100 bytes, got ",
                                  leave.ByteSizeLong()));
  call().Deliver(refusal);
  AnswerAs(1, {v1::FEATURE_UNREGISTER_MANY_GROUPS});
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Kind(call().written().back()), absl::StrCat("unregister /", a));
  call().CompleteWrite();
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(Kind(call().written().back()), absl::StrCat("unregister /", b));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AGroupThatIsComingBackIsNotUnregisteredAgain) {
  OnlineAt({}, {"a", "b"});
  session_->SetStatement(Statement({}, {"b"}));
  call().CompleteWrite();
  ASSERT_EQ(Kind(call().written().back()), "full");
  session_->SetStatement(Statement({}, {"a", "b"}));  // Waits for the answer.
  v1::BrokerFrame refusal = ReplyTo(1);
  refusal.mutable_reply()->mutable_status()->set_code(
      static_cast<int>(absl::StatusCode::kResourceExhausted));
  call().Deliver(refusal);
  AnswerAs(1);
  loop_.Advance(absl::Milliseconds(400));
  EXPECT_THAT(Kinds(call()),
              ElementsAre("full", "unregister /a", "full", "full"));
}

TEST_F(BrokerSessionTest, LeavingTellsManyGroupsInOneRequest) {
  OnlineAt({v1::FEATURE_UNREGISTER_MANY_GROUPS}, {"a", "b", "c"});
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /a,b,c"));
  call().CompleteWrite();
  EXPECT_TRUE(call().half_closed());
}

TEST_F(BrokerSessionTest, GroupsThatAreTooManyForOneRequestLeaveByTheEnd) {
  OnlineAt({}, {"a", "b"});
  session_->Shutdown();
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  EXPECT_TRUE(call().half_closed());
}

// ---- A statement that is too large for a frame.

TEST_F(BrokerSessionTest, AStatementThatIsTooLargeIsNotMadeAgain) {
  Refused();
  EXPECT_EQ(observer_.states.back(), BrokerState::kRefused);
  EXPECT_THAT(
      session_->health().last_error,
      StatusIs(absl::StatusCode::kResourceExhausted,
               absl::StrCat("the client's groups and subscriptions are ",
                            call().written()[0].ByteSizeLong(),
                            " bytes as a frame, and the broker takes "
                            "at most 100: they are not sent again "
                            "until they change")));
  EXPECT_EQ(loop_.NextTimer(), absl::InfiniteFuture());
  loop_.Advance(absl::Hours(1));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(BrokerSessionTest, AStatementThatFitsAgainIsMadeAtOnce) {
  Refused();
  session_->SetStatement(Statement({}, {"orders"}));
  EXPECT_EQ(calls(), 2u);
  call().CompleteStart();
  AnswerToken(kToken);
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionTest, AnotherStatementThatIsTooLargeIsTriedAfterAPause) {
  Refused();
  for (int ms : {100, 200, 400}) {
    session_->SetStatement(Statement({}, {std::string(90 + ms / 100, 'h')}));
    EXPECT_EQ(state(), BrokerState::kBackoff);
    loop_.Advance(absl::Milliseconds(ms));
    ASSERT_EQ(state(), BrokerState::kConnecting);
    call().CompleteStart();
    call().Finish(TooLarge(call().written()[0], 100));
    EXPECT_EQ(state(), BrokerState::kRefused);
  }
}

TEST_F(BrokerSessionTest, AnAnswerThatTheStatementIsTooLargeEndsTheStream) {
  OnlineAt({}, {"a"});
  session_->SetStatement(Statement({}, {"a", std::string(100, 'g')}));
  Refuse(absl::ResourceExhaustedError(
      absl::StrCat("frame must be at most 100 bytes, got ",
                   call().written()[1].ByteSizeLong())));
  EXPECT_EQ(state(), BrokerState::kRefused);
  EXPECT_TRUE(call().cancelled());
}

TEST_F(BrokerSessionTest, OtherWordsWithTheFramesSizeDoNotEndTheStream) {
  for (int i = 0; i < 4; ++i) {
    Remake();
    Stating();
    const size_t bytes = call().written()[0].ByteSizeLong();
    const std::vector<std::string> words = {
        absl::StrCat("upstream 10.0.0.", bytes, " is overloaded"),
        absl::StrCat("rate limit: at most 10 requests, got ", bytes),
        absl::StrCat("frame must be at most 10 bytes, got ", bytes, "0"),
        absl::StrCat("frame must be at most ", bytes, " bytes, got ", bytes)};
    Refuse(absl::ResourceExhaustedError(words[i]));
    EXPECT_EQ(state(), BrokerState::kStating) << words[i];
  }
}

TEST_F(BrokerSessionTest, AnotherEndWithResourceExhaustedIsRetried) {
  for (const absl::string_view message :
       {"no room for another channel: at most 200000",
        "Received message larger than max (5000000 vs. 4194304)", "busy", ""}) {
    SCOPED_TRACE(message);
    Remake();
    Stating();
    call().Finish(absl::ResourceExhaustedError(message));
    EXPECT_EQ(state(), BrokerState::kBackoff);
  }
}

TEST_F(BrokerSessionTest, AnEndAfterTheAnswerIsNotAboutTheStatement) {
  Online();
  call().Finish(TooLarge(call().written()[0], 10));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionTest, WithoutAGroupARefusedStatementIsGivenUp) {
  Refused();
  session_->SetStatement(nullptr);
  EXPECT_EQ(state(), BrokerState::kIdle);
}

TEST_F(BrokerSessionTest, ShutdownOfARefusedClientStopsAtOnce) {
  Refused();
  session_->Shutdown();
  EXPECT_EQ(state(), BrokerState::kStopped);
  EXPECT_THAT(observer_.stopped, ElementsAre(absl::OkStatus()));
}

}  // namespace
}  // namespace rmq
