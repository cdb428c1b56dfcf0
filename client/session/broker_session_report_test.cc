// What a session reports: consumer ids and health.
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
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

// ---- Consumer ids.

TEST_F(BrokerSessionTest, APushIsReported) {
  Online();
  observer_.changed.clear();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, GroupsAreReportedOnceMoreWhenTheBrokerHasSettled) {
  session_->SetStatement(Statement({"p"}, {"invoices", "orders"}));
  call().CompleteStart();
  AnswerToken(kToken);
  observer_.changed.clear();
  call().Deliver(PushOfASettlingBroker("orders", absl::Milliseconds(1500)));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
  loop_.Advance(absl::Milliseconds(1499));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(observer_.changed, ElementsAre("orders", "invoices", "orders"));
  loop_.Advance(absl::Seconds(2));  // Once.
  EXPECT_THAT(observer_.changed, SizeIs(3));
}

TEST_F(BrokerSessionTest, WhatWasHeardLastOfSettlingCounts) {
  Online();
  observer_.changed.clear();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(200));
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(300));
  loop_.Advance(absl::Milliseconds(299));
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ABrokerThatHasSettledWhileItWasAskedIsReported) {
  Online();
  observer_.changed.clear();
  session_->NoteSettling(loop_.Now());
  loop_.Advance(absl::ZeroDuration());
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, WhatIsHeardOfSettlingWithoutAStreamIsForgotten) {
  Backoff();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(900));
  ComeBack(/*incarnation=*/1);
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(950));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, TheEndOfAStreamEndsTheWaitForTheBrokerToSettle) {
  Online();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(900));
  call().Finish(absl::UnavailableError("the broker is killed"));
  ComeBack(/*incarnation=*/2);
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(950));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, AGroupThatWasLeftIsNotReportedWhenTheBrokerSettles) {
  Online();
  session_->NoteSettling(loop_.Now() + absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {}));
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(600));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, APushForAGroupThatTheClientLeftIsNotReported) {
  Online();
  session_->SetStatement(Statement({"p"}, {"bills"}));
  observer_.changed.clear();
  call().Deliver(Push("orders"));
  EXPECT_THAT(observer_.changed, IsEmpty());
}

TEST_F(BrokerSessionTest, EachConsumerGroupIsReportedOnceItIsTaken) {
  session_->SetStatement(Statement({"p"}, {"bills", "orders"}));
  call().CompleteStart();
  EXPECT_THAT(observer_.changed, IsEmpty());
  AnswerToken(kToken);
  EXPECT_THAT(observer_.changed, ElementsAre("bills", "orders"));
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  EXPECT_THAT(observer_.changed, SizeIs(2));
}

TEST_F(BrokerSessionTest, EachConsumerGroupIsReportedAgainAfterAReconnect) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  EXPECT_THAT(observer_.changed, IsEmpty());
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, OnlyTheAddedGroupIsReportedWhenAStatementIsTaken) {
  Online();
  observer_.changed.clear();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {"bills", "orders"}));
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("bills"));
}

TEST_F(BrokerSessionTest, AGroupThatComesBackIsReportedAgain) {
  Online();
  loop_.Advance(absl::Milliseconds(500));
  session_->SetStatement(Statement({"p"}, {}));
  session_->SetStatement(Statement({"p"}, {"orders"}));
  observer_.changed.clear();
  call().CompleteWrite();
  ASSERT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders", "full"));
  call().Deliver(ReplyTo(1));
  AnswerToken(kToken + 1);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ASkippedGroupIsReportedOnceItIsTaken) {
  Stating();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  Answer(response);
  EXPECT_THAT(observer_.changed, IsEmpty());
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

TEST_F(BrokerSessionTest, ASkippedProducerGroupDoesNotHideTheConsumerGroup) {
  session_->SetStatement(Statement({"orders"}, {"orders"}));
  call().CompleteStart();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  response.mutable_skipped_groups(0)->set_producer(true);
  Answer(response);
  EXPECT_THAT(observer_.changed, ElementsAre("orders"));
}

// ---- Health.

TEST_F(BrokerSessionTest, HealthTellsWhatTheBrokerSaid) {
  Stating();
  loop_.Advance(absl::Milliseconds(20));
  AnswerToken(kToken);
  const BrokerHealth& health = session_->health();
  EXPECT_EQ(health.broker_name, "broker-a");
  EXPECT_EQ(health.broker_id, 3u);
  EXPECT_EQ(health.channel_expiry, absl::Seconds(120));
  EXPECT_EQ(health.round_trip, absl::Milliseconds(20));
  EXPECT_EQ(health.heartbeat_answered, loop_.Now());
  EXPECT_EQ(health.heartbeat_sent, loop_.Now() - absl::Milliseconds(20));
  EXPECT_THAT(health.last_error, IsOk());
}

TEST_F(BrokerSessionTest, ABrokerWithoutANameIsCalledAsItCallsItself) {
  Stating();
  EXPECT_EQ(session_->health().broker, kUnnamed);
  AnswerToken(kToken);
  EXPECT_EQ(session_->health().broker, kNamed);
  EXPECT_EQ(observer_.brokers.back(), kNamed);
}

TEST_F(BrokerSessionTest,
       ABrokerThatCallsItselfOtherwiseKeepsTheResolversName) {
  session_ = NewSession({"broker-b", 0, "broker:1"},
                        BrokerSession::Options(ClientOptions()));
  Online();
  EXPECT_EQ(session_->health().broker,
            (BrokerEntry{"broker-b", 0, "broker:1"}));
  EXPECT_EQ(session_->health().broker_name, "broker-a");
  EXPECT_EQ(session_->health().broker_id, 3u);
}

TEST_F(BrokerSessionTest, ARenamedBrokerIsToldUnderItsNewName) {
  Online();
  session_->Rename({"broker-b", 1, "broker:1"});
  EXPECT_EQ(observer_.health.back().broker,
            (BrokerEntry{"broker-b", 1, "broker:1"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
}

TEST_F(BrokerSessionTest, EachTimeTheClientIsOnlineAgainIsAReconnect) {
  Online();
  EXPECT_EQ(session_->health().reconnects, 0);
  call().Finish(absl::UnavailableError("going down"));
  loop_.Advance(absl::Milliseconds(100));
  EXPECT_EQ(session_->health().reconnects, 0);
  call().CompleteStart();
  AnswerToken(kToken + 1);
  EXPECT_EQ(session_->health().reconnects, 1);
}

TEST_F(BrokerSessionTest, HealthNamesTheSkippedGroups) {
  Stating();
  v1::HeartbeatResponse response;
  v1::SkippedGroup* skipped = response.add_skipped_groups();
  skipped->set_group("orders");
  skipped->set_message("no such group");
  Answer(response);
  ASSERT_THAT(session_->health().skipped_groups, SizeIs(1));
  EXPECT_EQ(session_->health().skipped_groups[0].group, "orders");
  EXPECT_EQ(session_->health().skipped_groups[0].message, "no such group");
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_THAT(session_->health().skipped_groups, IsEmpty());
}

TEST_F(BrokerSessionTest, AClientOfWhichAGroupIsSkippedIsNotPlainlyOnline) {
  Stating();
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("orders");
  Answer(response);
  EXPECT_EQ(observer_.states.back(), BrokerState::kPartial);
  EXPECT_THAT(observer_.health.back().skipped_groups, SizeIs(1));
  loop_.Advance(absl::Seconds(1));
  AnswerToken(kToken);
  EXPECT_EQ(observer_.states.back(), BrokerState::kOnline);
  EXPECT_EQ(session_->health().reconnects, 0);
}

TEST_F(BrokerSessionTest, AGroupThatIsSkippedLaterMakesTheClientPartial) {
  Online();
  session_->SetStatement(Statement({"p"}, {"invoices", "orders"}));
  loop_.Advance(FramePace::kMinHeartbeatGap);
  v1::HeartbeatResponse response;
  response.add_skipped_groups()->set_group("invoices");
  Answer(response);
  EXPECT_EQ(observer_.states.back(), BrokerState::kPartial);
  // Nothing else is different: it heartbeats, in full, and comes back.
  loop_.Advance(absl::Seconds(30));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "full", "full"));
  call().Finish(absl::UnavailableError("going down"));
  ComeBack(/*incarnation=*/1);
  EXPECT_EQ(session_->health().reconnects, 1);
}

TEST_F(BrokerSessionTest, EveryChangeOfStateIsReported) {
  Online();
  call().Finish(absl::UnavailableError("going down"));
  session_->Shutdown();
  EXPECT_THAT(observer_.states,
              ElementsAre(BrokerState::kConnecting, BrokerState::kStating,
                          BrokerState::kOnline, BrokerState::kBackoff,
                          BrokerState::kStopped));
}

}  // namespace
}  // namespace rmq
