// How many configs are made automatically for the clients of one address, or of
// one principal.
#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/policy/group_configs.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/group_policy_fixture.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/client_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kOther[] = "10.0.0.2:40000";

class GroupConfigsAddressTest : public GroupPolicyFixture {
 protected:
  // A policy of four automatic configs.
  static GroupPolicy::Options PerAddress(absl::optional<size_t> limit) {
    GroupPolicy::Options options = WithLimit(4);
    options.max_auto_created_groups_per_address = limit;
    return options;
  }
  absl::optional<SkipReason> Fill(GroupPolicy& policy, const char* group,
                                  absl::string_view address = kAddress,
                                  absl::string_view principal = "") {
    const absl::optional<SkipReason> skip =
        SkipOf(policy, group, address, principal);
    if (!skip.has_value()) Join(policy, group);
    return skip;
  }
};

TEST_F(GroupConfigsAddressTest,
       AnAddressMakesAsManyAsItMayAndOthersMakeTheirs) {
  GroupPolicy policy(PerAddress(2), in_use_);
  EXPECT_EQ(Fill(policy, "a"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "b", "10.0.0.1:2"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "c", "10.0.0.1:3"),
            SkipReason::kTooManyGroupsOfAddress);
  EXPECT_EQ(Fill(policy, "c", kOther), absl::nullopt);
  EXPECT_EQ(Fill(policy, "d", kOther), absl::nullopt);
  EXPECT_EQ(Fill(policy, "e", kOther), SkipReason::kTooManyGroupsOfAddress);
  EXPECT_EQ(Fill(policy, "e", "10.0.0.3:1"), SkipReason::kTooManyGroups);
}

TEST_F(GroupConfigsAddressTest, APrincipalMakesAsManyAtAllAddressesTogether) {
  GroupPolicy policy(PerAddress(2), in_use_);
  EXPECT_EQ(Fill(policy, "a", kAddress, "pay"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "b", kOther, "pay"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "c", "10.0.0.3:1", "pay"),
            SkipReason::kTooManyGroupsOfAddress);
}

TEST_F(GroupConfigsAddressTest, PrincipalsBehindOneAddressDoNotShare) {
  GroupPolicy policy(PerAddress(1), in_use_);
  EXPECT_EQ(Fill(policy, "a", kAddress, "pay"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "b", kAddress, "ship"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "c", kAddress), absl::nullopt);
  EXPECT_EQ(Fill(policy, "d", kAddress, "ship"),
            SkipReason::kTooManyGroupsOfAddress);
}

TEST_F(GroupConfigsAddressTest, ByDefaultOfABrokerAnAddressHasHalf) {
  EXPECT_EQ(PerAddress(absl::nullopt).auto_created_groups_per_address(), 2);
  GroupPolicy::Options one = WithLimit(1);
  one.max_auto_created_groups_per_address = absl::nullopt;
  EXPECT_EQ(one.auto_created_groups_per_address(), 1);
}

TEST_F(GroupConfigsAddressTest, ZeroIsNoLimitOfAnAddress) {
  GroupPolicy policy(PerAddress(0), in_use_);
  for (const char* group : {"a", "b", "c", "d"}) {
    EXPECT_EQ(Fill(policy, group), absl::nullopt) << group;
  }
  EXPECT_EQ(Fill(policy, "e"), SkipReason::kTooManyGroups);
}

TEST_F(GroupConfigsAddressTest, GroupsThatAreThereAreForAll) {
  GroupPolicy policy(PerAddress(1), in_use_);
  Fill(policy, "a");
  Fill(policy, "b", kOther);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, "c"), SkipReason::kTooManyGroupsOfAddress);
}

TEST_F(GroupConfigsAddressTest, AtItsLimitAnAddressLosesItsOwnLongestUnused) {
  GroupPolicy policy(PerAddress(2), in_use_);
  SkipOf(policy, "others", kOther);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c", "others"));
  SkipOf(policy, "b");
  EXPECT_EQ(SkipOf(policy, "d"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "d", "others"));
}

TEST_F(GroupConfigsAddressTest, AtBothLimitsOthersKeepTheirs) {
  GroupPolicy policy(PerAddress(2), in_use_);
  SkipOf(policy, "x", kOther);
  SkipOf(policy, "y", kOther);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c", "x", "y"));
}

TEST_F(GroupConfigsAddressTest,
       AConfigCountsForTheAddressThatMadeItUntilItGoes) {
  GroupPolicy policy(PerAddress(1), in_use_);
  Fill(policy, "a");
  // Members of another address keep it.
  Join(policy, "a");
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroupsOfAddress);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupConfigsAddressTest,
       AConfigThatGoesForOthersMakesRoomForItsAddress) {
  GroupPolicy policy(PerAddress(3), in_use_);
  SkipOf(policy, "a");
  for (const char* group : {"b", "c"}) Fill(policy, group);
  Fill(policy, "x", kOther);
  // All four are made: the one that is unused goes.
  Fill(policy, "y", kOther);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c", "x", "y"));
  Leave(policy, "x");
  EXPECT_EQ(Fill(policy, "d"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c", "d", "y"));
  EXPECT_EQ(Fill(policy, "e"), SkipReason::kTooManyGroupsOfAddress);
}

TEST_F(GroupConfigsAddressTest, AnUnregisterMakesAConfigOfItsAddress) {
  GroupPolicy policy(PerAddress(1), in_use_);
  policy.EnsureConfig("a", {"", kAddress});
  Join(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroupsOfAddress);
  policy.EnsureConfig("b", {"", kAddress});
  policy.EnsureConfig("c", {"", kOther});
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupConfigsAddressTest, ConfigsOfTheStartCountForNobody) {
  GroupPolicy::Options options = PerAddress(1);
  options.subscription_groups = {{"x"}, {"y"}};
  GroupPolicy policy(options, in_use_);
  EXPECT_EQ(Fill(policy, "x"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "y"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "a"), absl::nullopt);
  EXPECT_EQ(Fill(policy, "b"), SkipReason::kTooManyGroupsOfAddress);
}

TEST_F(GroupConfigsAddressTest, ConfigsInUseOfAnAddressAreAskedAboutOnce) {
  GroupPolicy policy(PerAddress(2), in_use_);
  members_["a"] = members_["b"] = 1;  // Nothing tells of them.
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "c");
  SkipOf(policy, "c");
  EXPECT_EQ(asked_, 2);
}

TEST_F(GroupConfigsAddressTest, TheRefusalNamesTheLimit) {
  EXPECT_THAT(
      Explain({"b", GroupKind::kConsumer, SkipReason::kTooManyGroupsOfAddress}),
      HasSubstr("max_auto_created_groups_per_address"));
}

}  // namespace
}  // namespace rmq
