// Consumer groups whose members do not all state the same.
#include "broker/registry/inconsistent_groups.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/consistency_rule.h"
#include "broker/registry/warning_queries.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kGrace = absl::Minutes(10);

class InconsistentGroupsTest : public ClientTableFixture {
 protected:
  static TestStatement States(const std::string& client_id,
                              const std::string& tags) {
    return TestStatement(client_id).Consumer("orders",
                                             {{"pay", ++version_, tags}});
  }
  RegisterResult RegisterBy(const ConsistencyRule& rule, ClientChannel& channel,
                            const TestStatement& stated) {
    BuiltStatement statement(stated);
    for (AdmittedConsumer& consumer : statement.admitted()) {
      consumer.consistency = rule;
    }
    return table_.Register(channel, statement.Admitted(), now_);
  }
  FakeClientChannelPtr ConnectBy(const ConsistencyRule& rule,
                                 const TestStatement& stated) {
    FakeClientChannelPtr channel = OpenStream();
    last_ = RegisterBy(rule, *channel, stated);
    return channel;
  }
  FakeClientChannelPtr ConnectWith(const std::string& client_id,
                                   const std::string& tags) {
    return ConnectBy({}, States(client_id, tags));
  }

  // "SUBSCRIPTIONS_CONSISTENT orders", ...
  std::vector<std::string> Reports() {
    std::vector<std::string> reports;
    for (const ClientEvent& event : listener_.TakeWarnings()) {
      reports.push_back(absl::StrCat(Name(event.type), " ", event.group));
    }
    return reports;
  }
  size_t Reported() { return table_.counts().inconsistent_groups; }

  static inline int64_t version_ = 0;
  RegisterResult last_;
};

TEST_F(InconsistentGroupsTest, TheHeartbeatThatCausesItIsWarned) {
  for (int i = 0; i < 5; ++i) ConnectWith(absl::StrCat("c", i), "a || b");
  EXPECT_THAT(last_.warnings, IsEmpty());
  ConnectWith("odd", "a");
  ASSERT_THAT(last_.warnings, SizeIs(1));
  EXPECT_EQ(last_.warnings[0].kind,
            ClientWarning::Kind::kInconsistentSubscription);
  EXPECT_EQ(last_.warnings[0].group, "orders");
  EXPECT_EQ(last_.warnings[0].message,
            "group orders: topic pay: this client states TAG a, 5 of 6 members "
            "state TAG a || b");
  EXPECT_THAT(last_.warnings[0].client_ids,
              ElementsAre("c0", "c1", "c2", "c3", "c4"));
}

TEST_F(InconsistentGroupsTest, AWarningNamesTenClients) {
  for (int i = 0; i < 11; ++i) ConnectWith(absl::StrCat("c", i), "a");
  ConnectWith("odd", "b");
  EXPECT_THAT(last_.warnings.at(0).client_ids, SizeIs(10));
}

TEST_F(InconsistentGroupsTest, EveryFullAnswerOfAnOddOneHasTheWarning) {
  const auto most = ConnectWith("c1", "a");
  const auto odd = ConnectWith("c2", "b");
  EXPECT_THAT(Register(*odd, States("c2", "b")).warnings, SizeIs(1));
  EXPECT_THAT(table_.Warnings(*odd), SizeIs(1));
  EXPECT_THAT(Register(*most, States("c1", "a")).warnings, IsEmpty());
  EXPECT_THAT(table_.Warnings(*most), IsEmpty());
  EXPECT_THAT(Register(*odd, States("c2", "a")).warnings, IsEmpty());
  EXPECT_THAT(table_.Warnings(*odd), IsEmpty());
}

TEST_F(InconsistentGroupsTest, BothTurnsAreReportedOnce) {
  ConnectWith("c1", "a");
  EXPECT_THAT(Reports(), IsEmpty());
  const auto odd = ConnectWith("c2", "b");
  EXPECT_THAT(Reports(), ElementsAre("SUBSCRIPTIONS_INCONSISTENT orders"));
  EXPECT_EQ(Reported(), 1);
  ConnectWith("c3", "c");
  Register(*odd, States("c2", "c"));
  EXPECT_THAT(Reports(), IsEmpty());
  Register(*odd, States("c2", "a"));
  EXPECT_THAT(Reports(), IsEmpty());
  EXPECT_EQ(Reported(), 1);
}

TEST_F(InconsistentGroupsTest, AGroupThatAgreesAgainIsReported) {
  ConnectWith("c1", "a");
  const auto odd = ConnectWith("c2", "b");
  Reports();
  table_.Close(*odd, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Reports(), ElementsAre("SUBSCRIPTIONS_CONSISTENT orders"));
  EXPECT_EQ(Reported(), 0);
}

TEST_F(InconsistentGroupsTest, AGroupThatEndsIsConsistentBefore) {
  const auto one = ConnectWith("c1", "a");
  const auto other = ConnectWith("c2", "b");
  Reports();
  table_.Close(*one, RemovalReason::kDisconnected, now_);
  table_.Close(*other, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Reports(), ElementsAre("SUBSCRIPTIONS_CONSISTENT orders"));
  EXPECT_EQ(Reported(), 0);
}

TEST_F(InconsistentGroupsTest, AReconnectWithAnotherStatementIsConsistent) {
  ConnectBy({}, States("c1", "a").Incarnation(1));
  ConnectBy({}, States("c1", "b").Incarnation(1));
  EXPECT_THAT(last_.warnings, IsEmpty());
  EXPECT_THAT(Reports(), IsEmpty());
}

TEST_F(InconsistentGroupsTest, WhoBecomesOddIsToldAtItsNextHeartbeatOnce) {
  const auto first = ConnectWith("c1", "a");
  const auto second = ConnectWith("c2", "b");
  EXPECT_FALSE(second->attention());  // It has been told.
  EXPECT_FALSE(first->attention());
  Advance(InconsistentGroups::kTellInterval);
  const auto third = ConnectWith("c3", "b");
  EXPECT_TRUE(first->attention());
  EXPECT_FALSE(second->attention());
  EXPECT_FALSE(third->attention());

  EXPECT_THAT(table_.TakeNewWarnings(*second), IsEmpty());
  table_.MarkUnacknowledged(*first);
  EXPECT_TRUE(first->attention());  // It has not been told yet.
  const std::vector<ClientWarning> told = table_.TakeNewWarnings(*first);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0].message, HasSubstr("2 of 3 members state TAG b"));
  table_.MarkUnacknowledged(*first);
  EXPECT_FALSE(first->attention());
  EXPECT_THAT(table_.TakeNewWarnings(*first), IsEmpty());
}

TEST_F(InconsistentGroupsTest, MembersAreLookedAtOnceASecondAtMost) {
  const auto first = ConnectWith("c1", "a");
  ConnectWith("c2", "b");
  ConnectWith("c3", "b");
  EXPECT_FALSE(first->attention());
  Advance(InconsistentGroups::kTellInterval - kMoment);
  Scan();
  EXPECT_FALSE(first->attention());
  Advance(kMoment);
  Scan();
  EXPECT_TRUE(first->attention());
}

TEST_F(InconsistentGroupsTest, AllOfALargeGroupAreTold) {
  std::vector<FakeClientChannelPtr> odd;
  for (int i = 0; i < 1500; ++i) {
    odd.push_back(ConnectWith(absl::StrCat("a", i), "a"));
  }
  for (int i = 0; i < 1500; ++i) ConnectWith(absl::StrCat("b", i), "b");
  Advance(InconsistentGroups::kTellInterval);
  ConnectWith("last", "b");
  for (const FakeClientChannelPtr& channel : odd) {
    ASSERT_TRUE(channel->attention());
  }
}

TEST_F(InconsistentGroupsTest, AGroupThatALaterStatementLeavesOutIsNotWarned) {
  ConnectWith("c1", "a");
  const auto odd = ConnectWith("c2", "b");
  EXPECT_THAT(
      Register(*odd, TestStatement("c2").Consumer("other", {{"x"}})).warnings,
      IsEmpty());
}

TEST_F(InconsistentGroupsTest, DuringItsGraceAGroupIsNotReported) {
  const ConsistencyRule rule{ConsistencyRule::Policy::kReport, kGrace};
  ConnectBy(rule, States("c1", "a"));
  const auto odd = ConnectBy(rule, States("c2", "b"));
  EXPECT_THAT(last_.warnings, IsEmpty());
  Advance(kGrace - kMoment);
  Register(*odd, States("c2", "b"));
  Scan();
  EXPECT_THAT(Reports(), IsEmpty());
  EXPECT_EQ(Reported(), 0);
  EXPECT_FALSE(odd->attention());
}

TEST_F(InconsistentGroupsTest, AtTheEndOfItsGraceAGroupIsReported) {
  const ConsistencyRule rule{ConsistencyRule::Policy::kReport, kGrace};
  const auto most = ConnectBy(rule, States("c1", "a"));
  const auto odd = ConnectBy(rule, States("c2", "b"));
  Advance(kGrace - absl::Seconds(1));
  Register(*most, States("c1", "a"));
  Register(*odd, States("c2", "b"));
  Advance(absl::Seconds(1));
  EXPECT_THAT(Scan(), IsEmpty());
  EXPECT_THAT(Reports(), ElementsAre("SUBSCRIPTIONS_INCONSISTENT orders"));
  EXPECT_TRUE(odd->attention());
  EXPECT_FALSE(most->attention());
  EXPECT_THAT(table_.TakeNewWarnings(*odd), SizeIs(1));
}

TEST_F(InconsistentGroupsTest, TheTableSaysWhenAGraceEnds) {
  const ConsistencyRule rule{ConsistencyRule::Policy::kReport,
                             absl::Seconds(30)};
  ConnectBy(rule, States("c1", "a"));
  EXPECT_GT(table_.Outlook().next_due, now_ + rule.grace);
  const auto odd = ConnectBy(rule, States("c2", "b"));
  EXPECT_EQ(table_.Outlook().next_due, now_ + rule.grace);
  RegisterBy(rule, *odd, States("c2", "a"));
  EXPECT_GT(table_.Outlook().next_due, now_ + rule.grace);
}

TEST_F(InconsistentGroupsTest, AGroupThatAgreesWithinItsGraceIsNeverReported) {
  const ConsistencyRule rule{ConsistencyRule::Policy::kReport, kGrace};
  ConnectBy(rule, States("c1", "a"));
  const auto odd = ConnectBy(rule, States("c2", "b"));
  Advance(absl::Seconds(60));
  RegisterBy(rule, *odd, States("c2", "a"));
  Advance(kGrace);
  Scan();
  EXPECT_THAT(Reports(), IsEmpty());
}

constexpr ConsistencyRule kReject = {ConsistencyRule::Policy::kReject,
                                     absl::ZeroDuration()};

TEST_F(InconsistentGroupsTest, ANewcomerThatDiffersIsSkippedAndTheRestApplied) {
  ConnectBy(kReject, States("c1", "a"));
  const auto odd = ConnectBy(
      kReject, States("c2", "b").Consumer("other", {{"x"}}).Producer("p"));
  ASSERT_THAT(last_.inconsistent, SizeIs(1));
  EXPECT_THAT(last_.inconsistent[0].message,
              HasSubstr("topic pay: this client states TAG b"));
  EXPECT_EQ(last_.statement_token, 0);
  EXPECT_THAT(last_.warnings, IsEmpty());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_THAT(Consumers("other"), ElementsAre("c2"));
  EXPECT_THAT(Producers("p"), ElementsAre("c2"));
  EXPECT_THAT(Reports(), IsEmpty());

  const RegisterResult again = RegisterBy(kReject, *odd, States("c2", "a"));
  EXPECT_THAT(again.inconsistent, IsEmpty());
  EXPECT_NE(again.statement_token, 0);
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c2"));
}

TEST_F(InconsistentGroupsTest, AMemberThatIsRejectedKeepsWhatItStatedBefore) {
  ConnectBy(kReject, States("c1", "a"));
  const auto odd = ConnectBy(kReject, States("c2", "a"));
  EXPECT_THAT(RegisterBy(kReject, *odd, States("c2", "b")).inconsistent,
              SizeIs(1));
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1", "c2"));
  EXPECT_EQ(ExpressionOf("orders", "pay"), "a");
  // It is not renewed there.
  Advance(kExpiry);
  RegisterBy(kReject, *odd, States("c2", "b"));
  Advance(kMoment);
  Scan();
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(InconsistentGroupsTest, TheOnlyMemberOfARejectingGroupMayChange) {
  const auto only = ConnectBy(kReject, States("c1", "a").Incarnation(1));
  EXPECT_THAT(RegisterBy(kReject, *only, States("c1", "b")).inconsistent,
              IsEmpty());
  EXPECT_EQ(ExpressionOf("orders", "pay"), "b");
  // Also as it reconnects.
  ConnectBy(kReject, States("c1", "c").Incarnation(1));
  EXPECT_THAT(last_.inconsistent, IsEmpty());
  EXPECT_EQ(ExpressionOf("orders", "pay"), "c");
}

class FindConsistencyTest : public InconsistentGroupsTest {};

TEST_F(FindConsistencyTest, AnUnknownGroupHasNone) {
  EXPECT_FALSE(table_.FindConsistency("orders").has_value());
}

TEST_F(FindConsistencyTest, AGroupThatAgreesHasOneCamp) {
  ConnectWith("c1", "b||a");
  ConnectWith("c2", "a||b");
  const ConsistencyInfo info = *table_.FindConsistency("orders");
  EXPECT_TRUE(info.is_consistent);
  ASSERT_THAT(info.camps, SizeIs(1));
  EXPECT_EQ(info.camps[0].members, 2);
  EXPECT_EQ(info.camps[0].stated_since, now_);
  EXPECT_EQ(info.camps[0].form.topics.at(0).expression, "a || b");
  EXPECT_THAT(info.camps[0].client_ids, ElementsAre("c1", "c2"));
}

TEST_F(FindConsistencyTest, TheReferenceStandsFirst) {
  ConnectWith("c1", "a");
  Advance(absl::Seconds(1));
  ConnectWith("c2", "b");
  ConnectWith("c3", "b");
  ConnectWith("c3", "b");  // A second channel.
  const ConsistencyInfo info = *table_.FindConsistency("orders");
  EXPECT_FALSE(info.is_consistent);
  EXPECT_EQ(info.inconsistent_since, now_);
  ASSERT_THAT(info.camps, SizeIs(2));
  EXPECT_EQ(info.camps[0].members, 3);
  EXPECT_THAT(info.camps[0].client_ids, ElementsAre("c2", "c3"));
  EXPECT_THAT(info.camps[1].client_ids, ElementsAre("c1"));
  EXPECT_EQ(info.camps[1].stated_since, now_ - absl::Seconds(1));
  EXPECT_EQ(info.camps_left_out, 0);
}

TEST_F(FindConsistencyTest, AHundredCampsAndClientIdsAreCopied) {
  for (int i = 0; i < 101; ++i) {
    ConnectWith(absl::StrCat("c", i), absl::StrCat("tag-", i));
  }
  for (int i = 0; i < 101; ++i) ConnectWith(absl::StrCat("m", i), "most");
  const ConsistencyInfo info = *table_.FindConsistency("orders");
  EXPECT_THAT(info.camps, SizeIs(100));
  EXPECT_EQ(info.camps_left_out, 2);
  EXPECT_EQ(info.camps[0].members, 101);
  EXPECT_THAT(info.camps[0].client_ids, SizeIs(100));
}

TEST_F(FindConsistencyTest, NoFurtherCampIsCopiedOnceThereAreAThousandTopics) {
  const auto states = [&](const std::string& id, size_t topics) {
    std::vector<TestSubscription> subscriptions;
    for (size_t i = 0; i < topics; ++i) {
      subscriptions.push_back({absl::StrCat("topic-", i), 1, id});
    }
    ConnectBy({}, TestStatement(id).Consumer("orders", subscriptions));
  };
  states("a", 999);
  states("b", 1);
  EXPECT_THAT(table_.FindConsistency("orders")->camps, SizeIs(2));
  states("c", 1);
  EXPECT_THAT(table_.FindConsistency("orders")->camps, SizeIs(2));
  EXPECT_EQ(table_.FindConsistency("orders")->camps_left_out, 1);
}

}  // namespace
}  // namespace rmq
