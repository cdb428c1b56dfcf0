#include "broker/policy/group_configs.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/policy/admission.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/group_policy_fixture.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/client_event.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

using GroupConfigsTest = GroupPolicyFixture;

TEST_F(GroupConfigsTest, ConfigsAreListedByNameAndPaged) {
  GroupPolicy policy({}, in_use_);
  for (const char* group : {"c", "a", "b"}) SkipOf(policy, group);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b", "c"));
  const auto page = policy.ListSubscriptionGroups("a", 1);
  ASSERT_EQ(page.size(), 1);
  EXPECT_EQ(page[0].group, "b");
}

TEST_F(GroupConfigsTest, AtTheLimitTheLongestUnusedConfigGoesWithItsTopic) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c"));
  EXPECT_THAT(Topics(policy), ElementsAre("%RETRY%b", "%RETRY%c"));
}

TEST_F(GroupConfigsTest, AConfigThatWasUsedAgainIsNotTheLongestUnused) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsTest, AnUnregisterIsAUseToo) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  policy.EnsureConfig("a", {"", kAddress});
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsTest, AConfigWithMembersDoesNotGo) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  Join(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsTest, WhenAllHaveMembersANewGroupIsPassedOver) {
  GroupPolicy policy(WithLimit(2), in_use_);
  for (const char* group : {"a", "b"}) {
    SkipOf(policy, group);
    Join(policy, group);
  }
  EXPECT_EQ(SkipOf(policy, "c"), SkipReason::kTooManyGroups);
  EXPECT_EQ(SkipOf(policy, "a"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
}

TEST_F(GroupConfigsTest, AConfigGoesOnlyAfterItsLastMemberLeft) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  Join(policy, "a");
  Join(policy, "a");
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupConfigsTest, TheOneThatEmptiedLastIsUnusedTheShortest) {
  GroupPolicy policy(WithLimit(2), in_use_);
  for (const char* group : {"a", "b"}) {
    SkipOf(policy, group);
    Join(policy, group);
  }
  Leave(policy, "b");
  Leave(policy, "a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsTest, ConfigsOfTheStartNeitherCountNorGo) {
  GroupPolicy::Options options = WithLimit(1);
  options.subscription_groups = {{"x"}, {"y"}};
  GroupPolicy policy(options, in_use_);
  SkipOf(policy, "a");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "x", "y"));
  SkipOf(policy, "b");
  EXPECT_THAT(Groups(policy), ElementsAre("b", "x", "y"));
  Join(policy, "x");
  Leave(policy, "x");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("c", "x", "y"));
}

TEST_F(GroupConfigsTest, ProducersOfTheSameNameKeepNoConfig) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  Tell(policy, EventType::kClientRegister, "a", GroupKind::kProducer);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, AGroupOfAHeartbeatUnderWayIsHeld) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const BuiltStatement statement(
      TestStatement("c1").Consumer("a").Consumer("b"));
  absl::optional<Admission> under_way;
  under_way.emplace(*statement, kAddress, &policy);
  ASSERT_THAT(under_way->passed_over(), SizeIs(1));
  EXPECT_EQ(under_way->passed_over()[0].group, "b");
  EXPECT_EQ(under_way->passed_over()[0].reason, SkipReason::kTooManyGroups);
  EXPECT_THAT(Groups(policy), ElementsAre("a"));
  under_way.reset();
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupConfigsTest, AGroupThatTwoHeartbeatsHoldIsHeldUntilBothAreThrough) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const BuiltStatement statement(TestStatement("c1").Consumer("a"));
  absl::optional<Admission> first, second;
  first.emplace(*statement, kAddress, &policy);
  second.emplace(*statement, kAddress, &policy);
  first.reset();
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  second.reset();
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, AHeldGroupThatGotAMemberIsKeptByIt) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const BuiltStatement statement(TestStatement("c1").Consumer("a"));
  absl::optional<Admission> under_way;
  under_way.emplace(*statement, kAddress, &policy);
  Join(policy, "a");
  under_way.reset();
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, AMemberKeepsItsConfigBeforeTheEventOfItsJoining) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  members_["a"] = 1;
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  TellJoin(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupConfigsTest, AMemberKeepsItsConfigThoughALeaveBeforeItIsToldLate) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  Join(policy, "a");
  // In the table the group has emptied and has a member again.
  TellLeave(policy, "a", /*emptied=*/true);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  TellJoin(policy, "a");
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, AConfigYoungerThanTheMembersOfItsGroupIsKeptByThem) {
  members_["a"] = 1;
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, AHeldGroupWithoutMembersIsLetGoAfterItsHeartbeat) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const BuiltStatement statement(TestStatement("c1").Consumer("a"));
  absl::optional<Admission> under_way;
  under_way.emplace(*statement, kAddress, &policy);
  Join(policy, "elsewhere");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  under_way.reset();
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, OfManyConfigsInUseNoneIsAskedAbout) {
  GroupPolicy policy(WithLimit(100), in_use_);
  for (int i = 0; i < 100; ++i) {
    SkipOf(policy, absl::StrCat("g", i));
    Join(policy, absl::StrCat("g", i));
  }
  EXPECT_EQ(SkipOf(policy, "new"), SkipReason::kTooManyGroups);
  EXPECT_EQ(asked_, 0);
  Leave(policy, "g7");
  EXPECT_EQ(SkipOf(policy, "new"), absl::nullopt);
  EXPECT_EQ(asked_, 1);
}

TEST_F(GroupConfigsTest, AConfigInUseIsAskedAboutOnceUntilItsGroupEmpties) {
  members_["a"] = 1;  // Nothing tells of it.
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "b");
  EXPECT_EQ(asked_, 1);
}

TEST_F(GroupConfigsTest, AConfigThatIsUsedWhileItIsAskedAboutDoesNotGo) {
  GroupPolicy* asking = nullptr;
  std::vector<std::string> asked;
  GroupPolicy policy(WithLimit(2), [&](absl::string_view group) {
    asked.emplace_back(group);
    if (group == "a") SkipOf(*asking, "a");
    return false;
  });
  asking = &policy;
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(asked, ElementsAre("a", "b"));
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsTest, AGroupThatEmptiesWhileItIsAskedAboutIsUnused) {
  GroupPolicy* asking = nullptr;
  GroupPolicy policy(WithLimit(1), [&](absl::string_view group) {
    const bool had_members = members_[std::string(group)] > 0;
    if (had_members) Leave(*asking, group);
    return had_members;
  });
  asking = &policy;
  SkipOf(policy, "a");
  members_["a"] = 1;
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupConfigsTest, ConfigsThatAreAllUsedMeanwhileAreAskedAboutOnceEach) {
  GroupPolicy* asking = nullptr;
  int asked = 0;
  GroupPolicy policy(WithLimit(3), [&](absl::string_view group) {
    ++asked;
    SkipOf(*asking, group);
    return false;
  });
  asking = &policy;
  for (const char* group : {"a", "b", "c"}) SkipOf(policy, group);
  EXPECT_EQ(SkipOf(policy, "d"), SkipReason::kTooManyGroups);
  EXPECT_EQ(asked, 3);
}

TEST_F(GroupConfigsTest, AGroupThatAnotherThreadMadeMeanwhileIsLetIn) {
  GroupPolicy* asking = nullptr;
  bool raced = false;
  GroupPolicy policy(WithLimit(1), [&](absl::string_view) {
    if (!std::exchange(raced, true)) SkipOf(*asking, "b");
    return false;
  });
  asking = &policy;
  SkipOf(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupConfigsTest, AGroupOfTheStartNeedNotBeHeld) {
  GroupPolicy::Options options = WithLimit(1);
  options.subscription_groups = {{"a"}};
  GroupPolicy policy(options, in_use_);
  const BuiltStatement statement(TestStatement("c1").Consumer("a"));
  const Admission under_way(*statement, kAddress, &policy);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

}  // namespace
}  // namespace rmq
