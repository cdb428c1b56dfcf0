// What a session does for the members of its groups: what it acknowledges,
// lists and reports.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client_options.h"
#include "client/session/broker_session.h"
#include "client/session/broker_session_testing.h"
#include "client/session/group_membership.h"
#include "client/session/group_membership_testing.h"
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

constexpr uint64_t kBroker = 4711;

class BrokerSessionMembershipTest : public BrokerSessionTest {
 protected:
  BrokerSessionMembershipTest() {
    BrokerSession::Options options{ClientOptions()};
    options.wants_members = true;
    Remake(options);
  }

  static v1::HeartbeatResponse Accepts(const std::vector<std::string>& groups,
                                       uint64_t epoch,
                                       uint64_t incarnation = kBroker) {
    v1::HeartbeatResponse response;
    response.set_broker_incarnation(incarnation);
    response.set_statement_token(kToken);
    response.mutable_channel_expiry()->set_seconds(120);
    for (const std::string& group : groups) {
      v1::GroupEpoch& known = *response.add_group_epochs();
      known.set_group(group);
      known.set_epoch(epoch);
    }
    return response;
  }
  void OnlineAtEpoch(uint64_t epoch,
                     const std::vector<std::string>& groups = {"orders"}) {
    session_->SetStatement(Statement({}, groups));
    call().CompleteStart();
    Answer(Accepts(groups, epoch));
    ASSERT_EQ(state(), BrokerState::kOnline);
  }
  // ... and the list is held and acknowledged.
  void Hold(uint64_t epoch, const std::vector<std::string>& ids) {
    OnlineAtEpoch(epoch);
    Deliver(CompletePush(0, epoch, ids));
    ASSERT_EQ(Last(), absl::StrCat("acknowledge orders@", epoch));
    call().CompleteWrite();
  }
  void Deliver(const v1::NotifyConsumerIdsChanged& push) {
    v1::BrokerFrame frame;
    *frame.mutable_notify_consumer_ids_changed() = push;
    call().Deliver(frame);
  }
  std::string Last() { return Kind(call().written().back()); }
  // The reply to the last frame, which lists.
  v1::BrokerFrame ReplyWith(const v1::GetConsumerListByGroupResponse& page) {
    v1::BrokerFrame frame = ReplyTo(call().written().size() - 1);
    *frame.mutable_reply()->mutable_get_consumer_list_by_group() = page;
    return frame;
  }
  void AnswerPage(const v1::GetConsumerListByGroupResponse& page) {
    const v1::BrokerFrame frame = ReplyWith(page);
    call().CompleteWrite();
    call().Deliver(frame);
  }
  void ComeBackAt(uint64_t epoch, uint64_t incarnation) {
    call().Finish(absl::UnavailableError("cut"));
    loop_.Advance(absl::Milliseconds(100));
    call().CompleteStart();
    Answer(Accepts({"orders"}, epoch, incarnation));
  }
};

TEST_F(BrokerSessionMembershipTest,
       AListThatIsPushedIsAcknowledgedAndReported) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {"b", "a"}));
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "acknowledge orders@5"));
  EXPECT_EQ(call().written()[1].request_id(), 0u);
  EXPECT_EQ(call().written()[1].acknowledge().broker_incarnation(), kBroker);
  EXPECT_THAT(observer_.memberships, ElementsAre("orders@5 a,b"));
  EXPECT_EQ(observer_.settled[0], absl::InfiniteFuture());
}

TEST_F(BrokerSessionMembershipTest, AcknowledgmentsAwaitNoReply) {
  Hold(5, {"a"});
  loop_.Advance(absl::Seconds(1));
  EXPECT_EQ(Last(), "light");
  AnswerLight();
  loop_.Advance(absl::Seconds(10));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionMembershipTest, AnAcknowledgmentThatDoesNotLeaveIsNoticed) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {"a"}));
  loop_.Advance(absl::Milliseconds(2999));
  EXPECT_EQ(state(), BrokerState::kOnline);
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(state(), BrokerState::kBackoff);
}

TEST_F(BrokerSessionMembershipTest, AHeartbeatThatIsDueGoesFirst) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {"a"}));
  loop_.Advance(absl::Seconds(1));  // The heartbeat waits for the frame.
  Deliver(ChangesPush(5, 6, {"+b"}));
  call().CompleteWrite();
  EXPECT_EQ(Last(), "light");
  AnswerLight();
  EXPECT_EQ(Last(), "acknowledge orders@6");
}

TEST_F(BrokerSessionMembershipTest, EachPushOfAnotherEpochIsToldTheOldWayToo) {
  OnlineAtEpoch(5);
  EXPECT_THAT(observer_.changed, SizeIs(1));
  Deliver(CompletePush(0, 5, {"a"}));
  EXPECT_THAT(observer_.changed, SizeIs(2));
  Deliver(CompletePush(0, 5, {"a"}));  // Pushed again.
  EXPECT_THAT(observer_.changed, SizeIs(2));
  Deliver(ChangesPush(5, 5, {}));
  Deliver(ChangesPush(5, 6, {"+b"}));
  EXPECT_THAT(observer_.changed, SizeIs(4));
}

TEST_F(BrokerSessionMembershipTest, TheListIsReadOverTheStreamPageByPage) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {}));
  EXPECT_EQ(Last(), "list orders");
  AnswerPage(PageOf(5, {"a"}, "2"));
  EXPECT_THAT(observer_.memberships, IsEmpty());
  loop_.Advance(absl::Milliseconds(20));
  ASSERT_EQ(Last(), "list orders");
  EXPECT_EQ(call().written().back().get_consumer_list_by_group().page_token(),
            "2");
  AnswerPage(PageOf(5, {"b"}));
  EXPECT_EQ(Last(), "acknowledge orders@5");
  EXPECT_THAT(observer_.memberships, ElementsAre("orders@5 a,b"));
}

TEST_F(BrokerSessionMembershipTest, WithoutAPushTheListIsRead) {
  OnlineAtEpoch(5);
  loop_.Advance(GroupMembership::kPushPatience);
  std::vector<std::string> kinds = Kinds(call());
  if (kinds.back() == "light") {  // Both are due: one after the other.
    AnswerLight();
    kinds = Kinds(call());
  }
  EXPECT_EQ(kinds.back(), "list orders");
}

TEST_F(BrokerSessionMembershipTest,
       ARefusedListingIsMadeAgainBeforeTheNextHeartbeat) {
  Hold(5, {"a"});
  loop_.Advance(absl::Seconds(1));
  AnswerLight();
  Deliver(CompletePush(5, 6, {}));
  ASSERT_EQ(Last(), "list orders");
  Refuse(absl::AbortedError("the list has changed too often"));
  EXPECT_THAT(session_->health().last_error, IsOk());
  ASSERT_FALSE(call().writing());
  loop_.Advance(GroupMembership::kPushPatience);
  ASSERT_EQ(Last(), "list orders");
  ASSERT_TRUE(call().writing());
  AnswerPage(PageOf(6, {"a", "b"}));
  EXPECT_EQ(observer_.memberships.back(), "orders@6 a,b");
}

TEST_F(BrokerSessionMembershipTest, ABrokerThatIsBusyIsAskedSlower) {
  OnlineAtEpoch(5, {"a", "b", "c"});
  Deliver(CompletePush(0, 5, {}, "a"));
  Deliver(CompletePush(0, 5, {}, "b"));
  ASSERT_EQ(Last(), "list a");
  Refuse(absl::ResourceExhaustedError("too many frames"));
  loop_.Advance(absl::Milliseconds(99));
  EXPECT_EQ(Last(), "list a");
  loop_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Last(), "list b");
}

TEST_F(BrokerSessionMembershipTest, AListingThatMayNotBeMadeIsShown) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {}));
  Refuse(absl::PermissionDeniedError("not this group"));
  EXPECT_THAT(observer_.health.back().last_error,
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(state(), BrokerState::kOnline);
}

TEST_F(BrokerSessionMembershipTest, AListingWithoutAnAnswerTearsTheStreamDown) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {}));
  call().CompleteWrite();
  loop_.Advance(absl::Seconds(4));
  EXPECT_EQ(calls(), 2u);
}

TEST_F(BrokerSessionMembershipTest, AReconnectToOneProcessCostsADifference) {
  Hold(5, {"a"});
  ComeBackAt(7, kBroker);
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "acknowledge orders@5"));
  EXPECT_THAT(observer_.memberships, SizeIs(1));
  call().CompleteWrite();
  Deliver(ChangesPush(5, 7, {"+b"}));
  EXPECT_EQ(Last(), "acknowledge orders@7");
  EXPECT_EQ(observer_.memberships.back(), "orders@7 a,b");
}

TEST_F(BrokerSessionMembershipTest, AListIsReportedAgainAfterEachReconnect) {
  Hold(5, {"a"});
  ComeBackAt(5, kBroker);
  EXPECT_THAT(observer_.memberships, ElementsAre("orders@5 a", "orders@5 a"));
  EXPECT_THAT(observer_.reports[1].joined, IsEmpty());
}

TEST_F(BrokerSessionMembershipTest, AnotherProcessIsNotToldWhatIsHeld) {
  Hold(50, {"a"});
  ComeBackAt(3, kBroker + 1);
  EXPECT_THAT(Kinds(call()), ElementsAre("full"));
  EXPECT_THAT(session_->WholeHealth().acknowledged_epochs, IsEmpty());
  Deliver(CompletePush(0, 3, {"a", "b"}));
  EXPECT_EQ(Last(), "acknowledge orders@3");
  EXPECT_EQ(observer_.memberships.back(), "orders@3 a,b");
}

TEST_F(BrokerSessionMembershipTest, AllGroupsOfAClientAreAcknowledgedTogether) {
  std::vector<std::string> groups;
  for (int i = 0; i < 300; ++i) groups.push_back(absl::StrCat("group-", i));
  OnlineAtEpoch(5, groups);
  for (const std::string& group : groups) {
    Deliver(CompletePush(0, 5, {"a"}, group));
  }
  while (call().writing()) call().CompleteWrite();
  EXPECT_THAT(observer_.memberships, SizeIs(300));
  EXPECT_THAT(session_->WholeHealth().acknowledged_epochs, SizeIs(300));
  call().Finish(absl::UnavailableError("cut"));
  EXPECT_THAT(session_->WholeHealth().acknowledged_epochs, IsEmpty());
  loop_.Advance(absl::Milliseconds(100));
  call().CompleteStart();
  Answer(Accepts(groups, 5));
  while (call().writing()) call().CompleteWrite();
  ASSERT_THAT(call().written(), SizeIs(3));
  EXPECT_EQ(call().written()[1].acknowledge().more_size(), 255);
  EXPECT_EQ(call().written()[2].acknowledge().more_size(), 43);
  EXPECT_THAT(observer_.memberships, SizeIs(600));
}

TEST_F(BrokerSessionMembershipTest, HealthShowsWhatWasAcknowledged) {
  Hold(5, {"a"});
  const BrokerHealth health = session_->WholeHealth();
  ASSERT_THAT(health.acknowledged_epochs, SizeIs(1));
  EXPECT_EQ(health.acknowledged_epochs[0].group, "orders");
  EXPECT_EQ(health.acknowledged_epochs[0].epoch, 5u);
}

TEST_F(BrokerSessionMembershipTest, AGroupThatIsLeftEndsItsMembership) {
  Hold(5, {"a"});
  session_->SetStatement(Statement({}, {"bills"}));
  EXPECT_THAT(observer_.ended, ElementsAre("orders"));
  session_->SetStatement(nullptr);
  EXPECT_THAT(observer_.ended, ElementsAre("orders", "bills"));
}

TEST_F(BrokerSessionMembershipTest, AStopEndsAllMemberships) {
  Hold(5, {"a"});
  session_->Abandon();
  EXPECT_THAT(observer_.ended, ElementsAre("orders"));
}

TEST_F(BrokerSessionMembershipTest, WhileLeavingNothingIsAcknowledgedOrListed) {
  OnlineAtEpoch(5);
  session_->SetStatement(nullptr);
  Deliver(CompletePush(0, 5, {"a"}));
  while (call().writing()) call().CompleteWrite();
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "unregister /orders"));
  EXPECT_THAT(observer_.memberships, IsEmpty());
}

TEST_F(BrokerSessionMembershipTest, ASettlingBrokerIsReportedAgainWhenSettled) {
  OnlineAtEpoch(5);
  v1::NotifyConsumerIdsChanged push = CompletePush(0, 5, {"a"});
  push.mutable_settling_until()->set_seconds(2);
  Deliver(push);
  EXPECT_EQ(observer_.settled[0], loop_.Now() + absl::Seconds(2));
  call().CompleteWrite();
  loop_.Advance(absl::Milliseconds(1500));
  AnswerLight();
  EXPECT_THAT(observer_.memberships, SizeIs(1));
  loop_.Advance(absl::Milliseconds(500));
  EXPECT_THAT(observer_.memberships, ElementsAre("orders@5 a", "orders@5 a"));
  EXPECT_EQ(observer_.settled[1], absl::InfiniteFuture());
}

TEST_F(BrokerSessionMembershipTest, APageOfASettlingBrokerSaysSoToo) {
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {}));
  v1::GetConsumerListByGroupResponse page = PageOf(5, {"a"});
  page.mutable_settling_until()->set_seconds(2);
  AnswerPage(page);
  EXPECT_EQ(observer_.settled[0], loop_.Now() + absl::Seconds(2));
}

TEST_F(BrokerSessionMembershipTest, AnOldBrokerIsListedAtEachPush) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  AnswerToken(kToken);
  EXPECT_EQ(Last(), "list orders");
  AnswerPage(PageOf(0, {"a"}));
  EXPECT_EQ(observer_.memberships.back(), "orders@0 a");
  loop_.Advance(absl::Milliseconds(100));
  Deliver(Push("orders").notify_consumer_ids_changed());
  EXPECT_EQ(Last(), "list orders");
  AnswerPage(PageOf(0, {"a", "b"}));
  EXPECT_EQ(observer_.memberships.back(), "orders@0 a,b");
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "list orders", "list orders"));
}

TEST_F(BrokerSessionMembershipTest, WhatNobodyWantsCostsNoFrame) {
  Remake();
  OnlineAtEpoch(5);
  Deliver(CompletePush(0, 5, {"a"}));
  Deliver(CompletePush(0, 6, {}));
  LiveFor(absl::Seconds(40));
  EXPECT_THAT(observer_.memberships, IsEmpty());
  for (const std::string& kind : Kinds(call())) {
    EXPECT_TRUE(kind == "full" || kind == "light") << kind;
  }
}

TEST_F(BrokerSessionMembershipTest, WhatIsWantedLaterIsListedAtOnce) {
  Remake();
  OnlineAtEpoch(5, {"bills", "orders"});
  session_->WantMembers("orders");
  session_->WantMembers("orders");
  session_->WantMembers("unknown");
  EXPECT_THAT(Kinds(call()), ElementsAre("full", "list orders"));
  AnswerPage(PageOf(5, {"a"}));
  EXPECT_THAT(observer_.memberships, ElementsAre("orders@5 a"));
}

// ---- Warnings.

TEST_F(BrokerSessionMembershipTest, EachWarningIsToldOnce) {
  session_->SetStatement(Statement({}, {"orders"}));
  call().CompleteStart();
  v1::HeartbeatResponse response = Accepts({"orders"}, 5);
  v1::Warning& warning = *response.add_warnings();
  warning.set_kind(v1::Warning::KIND_DUPLICATE_CLIENT_ID);
  warning.set_message("at 10.0.0.2");
  Answer(response);
  EXPECT_THAT(observer_.warnings,
              ElementsAre("DUPLICATE_CLIENT_ID : at 10.0.0.2"));
  EXPECT_THAT(session_->WholeHealth().warnings, SizeIs(1));
  loop_.Advance(absl::Seconds(1));
  if (absl::StartsWith(Last(), "list")) AnswerPage(PageOf(5, {"a"}));
  while (Last() != "light") {
    call().CompleteWrite();
  }
  v1::HeartbeatResponse light;
  v1::Warning& odd = *light.add_warnings();
  odd.set_kind(v1::Warning::KIND_INCONSISTENT_SUBSCRIPTION);
  odd.set_group("orders");
  Answer(light);
  EXPECT_THAT(observer_.warnings, SizeIs(2));
  EXPECT_THAT(session_->WholeHealth().warnings, SizeIs(2));
}

}  // namespace
}  // namespace rmq
