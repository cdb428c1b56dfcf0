#include "client/merged_membership.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/membership_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Ids = std::vector<std::string>;

const BrokerEntry kA = {"a", 0, "a:1"};
const BrokerEntry kB = {"b", 0, "b:1"};
const BrokerEntry kC = {"c", 0, "c:1"};
const BrokerEntry kD = {"d", 0, "d:1"};

MembershipChange Change(const BrokerEntry& broker, Ids members,
                        absl::Duration settling = absl::ZeroDuration()) {
  MembershipChange change;
  change.broker = broker;
  change.group = "orders";
  change.members = std::move(members);
  change.settling = settling;
  return change;
}

BrokerHealth Health(const BrokerEntry& broker, BrokerState state) {
  BrokerHealth health;
  health.broker = broker;
  health.state = state;
  return health;
}

// The client is online at the broker, and has heard its list.
void Answer(const BrokerEntry& broker, Ids members,
            MergedMembership* membership,
            absl::Duration settling = absl::ZeroDuration()) {
  membership->Update(Health(broker, BrokerState::kOnline));
  membership->Update(Change(broker, std::move(members), settling));
}

// "a:1 AWAY", for each broker that is absent.
Ids Absent(const MergedMembership& membership) {
  Ids absent;
  for (const AbsentBroker& broker : membership.Members().absent) {
    absent.push_back(
        absl::StrCat(broker.broker.address, " ", Name(broker.reason)));
  }
  return absent;
}

// What three brokers tell of four clients.
MergedMembership Merged(MergeRule rule) {
  MergedMembership membership("orders", rule);
  Answer(kA, {"all", "one", "two"}, &membership);
  Answer(kB, {"all", "two"}, &membership);
  Answer(kC, {"all"}, &membership);
  return membership;
}

TEST(MergedMembershipTest, TheUnionHasWhoIsAtOneBroker) {
  EXPECT_THAT(Merged(MergeRule::kUnion).Members().members,
              ElementsAre("all", "one", "two"));
}

TEST(MergedMembershipTest, TheIntersectionHasWhoIsAtAllBrokers) {
  EXPECT_THAT(Merged(MergeRule::kIntersection).Members().members,
              ElementsAre("all"));
}

TEST(MergedMembershipTest, TheMajorityHasWhoIsAtMoreThanHalfOfTheBrokers) {
  MergedMembership membership = Merged(MergeRule::kMajority);
  EXPECT_THAT(membership.Members().members, ElementsAre("all", "two"));
  Answer(kD, {"all"}, &membership);  // "two": 2 of 4.
  EXPECT_THAT(membership.Members().members, ElementsAre("all"));
}

TEST(MergedMembershipTest, TheMajorityOfTwoBrokersIsBoth) {
  MergedMembership membership("orders", MergeRule::kMajority);
  Answer(kA, {"both", "one"}, &membership);
  Answer(kB, {"both"}, &membership);
  EXPECT_THAT(membership.Members().members, ElementsAre("both"));
}

TEST(MergedMembershipTest, EveryRuleTellsWhomTheBrokersDisagreeAbout) {
  for (MergeRule rule :
       {MergeRule::kUnion, MergeRule::kIntersection, MergeRule::kMajority}) {
    EXPECT_THAT(Merged(rule).Members().disputed, ElementsAre("one", "two"))
        << Name(rule);
  }
}

TEST(MergedMembershipTest, OneBrokersListIsTheListByEveryRule) {
  for (MergeRule rule :
       {MergeRule::kUnion, MergeRule::kIntersection, MergeRule::kMajority}) {
    MergedMembership membership("orders", rule);
    Answer(kA, {"x", "y"}, &membership);
    EXPECT_THAT(membership.Members().members, ElementsAre("x", "y"));
    EXPECT_THAT(membership.Members().disputed, IsEmpty());
    EXPECT_THAT(membership.Members().answering, ElementsAre(kA));
  }
}

TEST(MergedMembershipTest, WithoutABrokerNothingIsKnown) {
  const MergedMembers merged =
      MergedMembership("orders", MergeRule::kIntersection).Members();
  EXPECT_THAT(merged.members, IsEmpty());
  EXPECT_THAT(merged.answering, IsEmpty());
  EXPECT_FALSE(merged.has_quorum());
}

TEST(MergedMembershipTest, ABrokerThatIsAwayNeitherHasNorMissesAMember) {
  for (MergeRule rule :
       {MergeRule::kUnion, MergeRule::kIntersection, MergeRule::kMajority}) {
    MergedMembership membership = Merged(rule);
    membership.Update(Health(kA, BrokerState::kBackoff));
    membership.Update(Health(kC, BrokerState::kKicked));
    EXPECT_THAT(membership.Members().members, ElementsAre("all", "two"));
    EXPECT_THAT(membership.Members().answering, ElementsAre(kB));
    EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY", "c:1 AWAY"));
  }
}

TEST(MergedMembershipTest, ABrokerThatComesBackCountsOnceItsListIsHeardAgain) {
  MergedMembership membership = Merged(MergeRule::kIntersection);
  membership.Update(Health(kC, BrokerState::kBackoff));
  membership.Update(Health(kC, BrokerState::kOnline));
  EXPECT_THAT(Absent(membership), ElementsAre("c:1 NO_LIST"));
  EXPECT_THAT(membership.Members().members, ElementsAre("all", "two"));
  membership.Update(Change(kC, {"all"}));
  EXPECT_THAT(Absent(membership), IsEmpty());
  EXPECT_THAT(membership.Members().members, ElementsAre("all"));
}

TEST(MergedMembershipTest, AListMayBeToldBeforeItsBrokerIsOnline) {
  MergedMembership membership("orders", MergeRule::kUnion);
  membership.Update(Health(kA, BrokerState::kStating));
  membership.Update(Change(kA, {"x"}));
  EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY"));
  membership.Update(Health(kA, BrokerState::kOnline));
  EXPECT_THAT(membership.Members().members, ElementsAre("x"));
}

TEST(MergedMembershipTest, AListThatIsToldLateDoesNotBringItsBrokerBack) {
  MergedMembership membership = Merged(MergeRule::kUnion);
  membership.Update(Health(kA, BrokerState::kBackoff));
  membership.Update(Change(kA, {"all", "one", "two"}));
  membership.Update(Health(kB, BrokerState::kReserve));
  membership.Update(Change(kB, {"all", "two"}));
  membership.Update(Health(kC, BrokerState::kStopped));
  membership.Update(Change(kC, {"all"}));
  EXPECT_THAT(membership.Members().answering, IsEmpty());
  EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY"));
}

TEST(MergedMembershipTest, ABrokerThatIsOnlineForSomeGroupsCounts) {
  MergedMembership membership = Merged(MergeRule::kIntersection);
  BrokerHealth partial = Health(kC, BrokerState::kPartial);
  partial.skipped_groups.push_back({"invoices", false, ""});
  partial.skipped_groups.push_back({"orders", true, ""});  // As a producer.
  membership.Update(partial);
  EXPECT_THAT(Absent(membership), IsEmpty());
  partial.skipped_groups.push_back({"orders", false, ""});
  membership.Update(partial);
  EXPECT_THAT(Absent(membership), ElementsAre("c:1 SKIPPED"));
  EXPECT_THAT(membership.Members().members, ElementsAre("all", "two"));
}

TEST(MergedMembershipTest, ASettlingBrokerDoesNotCountUntilItHasSettled) {
  for (MergeRule rule :
       {MergeRule::kUnion, MergeRule::kIntersection, MergeRule::kMajority}) {
    MergedMembership membership("orders", rule);
    Answer(kA, {"x", "y"}, &membership);
    Answer(kB, {"x"}, &membership, absl::Seconds(30));
    EXPECT_THAT(membership.Members().members, ElementsAre("x", "y"));
    EXPECT_THAT(Absent(membership), ElementsAre("b:1 SETTLING"));
    Answer(kB, {"x", "y"}, &membership);
    EXPECT_THAT(membership.Members().answering, ElementsAre(kA, kB));
    EXPECT_THAT(membership.Members().disputed, IsEmpty());
  }
}

TEST(MergedMembershipTest, ABrokerThatIsAddedIsAbsentUntilItAnswers) {
  MergedMembership membership("orders", MergeRule::kIntersection);
  Answer(kA, {"x"}, &membership);
  membership.Update(Health(kB, BrokerState::kConnecting));
  EXPECT_THAT(Absent(membership), ElementsAre("b:1 AWAY"));
  EXPECT_THAT(membership.Members().members, ElementsAre("x"));
  membership.Update(Health(kB, BrokerState::kOnline));
  Answer(kB, {}, &membership);
  EXPECT_THAT(membership.Members().members, IsEmpty());
}

TEST(MergedMembershipTest, ABrokerThatTheClientHasLeftIsForgotten) {
  MergedMembership membership = Merged(MergeRule::kIntersection);
  membership.Update(Health(kC, BrokerState::kStopped));
  EXPECT_THAT(Absent(membership), IsEmpty());
  EXPECT_THAT(membership.Members().members, ElementsAre("all", "two"));
}

TEST(MergedMembershipTest, ASecondWayToABrokerIsNoBroker) {
  MergedMembership membership("orders", MergeRule::kMajority);
  Answer(kA, {"x"}, &membership);
  membership.Update(Health(kB, BrokerState::kConnecting));
  membership.Update(Health(kB, BrokerState::kReserve));
  EXPECT_THAT(Absent(membership), IsEmpty());
  EXPECT_TRUE(membership.Members().has_quorum());
}

TEST(MergedMembershipTest, BrokersThatTheHealthOfAllDoesNotHaveAreForgotten) {
  MergedMembership membership = Merged(MergeRule::kUnion);
  membership.Update(
      {Health(kB, BrokerState::kOnline), Health(kD, BrokerState::kConnecting)});
  EXPECT_THAT(membership.Members().answering, ElementsAre(kB));
  EXPECT_THAT(Absent(membership), ElementsAre("d:1 AWAY"));
}

TEST(MergedMembershipTest, AQuorumIsMoreThanHalfOfTheBrokers) {
  MergedMembership membership = Merged(MergeRule::kUnion);
  membership.Update(Health(kC, BrokerState::kBackoff));
  EXPECT_TRUE(membership.Members().has_quorum());  // 2 of 3.
  membership.Update(Health(kD, BrokerState::kBackoff));
  EXPECT_FALSE(membership.Members().has_quorum());  // 2 of 4.
}

TEST(MergedMembershipTest, OtherGroupsAreIgnored) {
  MergedMembership membership = Merged(MergeRule::kUnion);
  MembershipChange change = Change(kC, {"x"});
  change.group = "invoices";
  membership.Update(change);
  EXPECT_THAT(membership.Members().members, ElementsAre("all", "one", "two"));
}

TEST(MergedMembershipTest, ANameThatBecomesKnownIsTold) {
  MergedMembership membership("orders", MergeRule::kUnion);
  membership.Update(Health({"", 0, "a:1"}, BrokerState::kOnline));
  membership.Update(Change(kA, {"x"}));
  EXPECT_THAT(membership.Members().answering, ElementsAre(kA));
}

TEST(MergedMembershipTest, AWatchersListsMayBeUnsortedAndNameAnIdTwice) {
  MergedMembership membership("orders", MergeRule::kMajority);
  membership.SetMembers(kA, {"y", "x", "y"});
  membership.SetMembers(kB, {"x"});
  EXPECT_THAT(membership.Members().members, ElementsAre("x"));
  EXPECT_THAT(membership.Members().disputed, ElementsAre("y"));
  membership.SetAway(kA);
  EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY"));
  membership.SetMembers(kA, {"x"});
  EXPECT_THAT(Absent(membership), IsEmpty());
}

TEST(MergedMembershipTest, BrokersThatAWatcherHasLeftAreForgotten) {
  MergedMembership membership("orders", MergeRule::kUnion);
  membership.SetBrokers({kA, kB});
  EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY", "b:1 AWAY"));
  membership.SetMembers(kA, {"x"});
  membership.SetMembers(kB, {"y"});
  membership.SetBrokers({kB});
  EXPECT_THAT(membership.Members().members, ElementsAre("y"));
  EXPECT_THAT(Absent(membership), IsEmpty());
  membership.SetBrokers({kB, kA});
  EXPECT_THAT(membership.Members().members, ElementsAre("y"));
  EXPECT_THAT(Absent(membership), ElementsAre("a:1 AWAY"));
}

TEST(MergedMembershipTest, AtMost1024BrokersAreMerged) {
  MergedMembership membership("orders", MergeRule::kUnion);
  for (int port = 1; port <= 1025; ++port) {
    membership.SetMembers({"", 0, absl::StrCat("h:", port)},
                          {absl::StrCat("c", port)});
  }
  EXPECT_EQ(membership.Members().answering.size(), 1024);
  EXPECT_EQ(membership.Members().members.size(), 1024);
  membership.Update(Health({"", 0, "h:1"}, BrokerState::kStopped));
  membership.SetMembers({"", 0, "h:1025"}, {"c1025"});
  EXPECT_EQ(membership.Members().answering.size(), 1024);
}

}  // namespace
}  // namespace rmq
