#include "broker/registry/ended_groups.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/registry/group_history.h"
#include "common/member_change.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

EndedGroup Ended(size_t number) {
  EndedGroup group{absl::StrCat("g", number), number, GroupHistory(1)};
  group.history.Add({number, 1, 1, "c1", RemovalReason::kExpired}, number, 64);
  return group;
}

TEST(EndedGroupsTest, AGroupThatBeginsAgainTakesWhatWasKept) {
  EndedGroups groups;
  groups.Keep(Ended(7));
  ASSERT_NE(groups.Find("g7"), nullptr);
  EXPECT_EQ(groups.Find("g7")->epoch, 7);
  const absl::optional<EndedGroup> taken = groups.Take("g7");
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->name, "g7");
  EXPECT_EQ(taken->epoch, 7);
  EXPECT_EQ(taken->history.size(), 1);
  EXPECT_EQ(groups.Find("g7"), nullptr);
  EXPECT_FALSE(groups.Take("g7").has_value());
}

TEST(EndedGroupsTest, AGroupThatNeverEndedIsUnknown) {
  EndedGroups groups;
  EXPECT_EQ(groups.Find("g1"), nullptr);
  EXPECT_FALSE(groups.Take("g1").has_value());
}

TEST(EndedGroupsTest, KeepsAThousandAndTwentyFour) {
  EndedGroups groups;
  for (size_t i = 1; i <= EndedGroups::kMost; ++i) {
    EXPECT_EQ(groups.Keep(Ended(i)), 0);
  }
  EXPECT_EQ(groups.size(), 1024);
  EXPECT_NE(groups.Find("g1"), nullptr);
}

TEST(EndedGroupsTest, OneMoreForgetsTheOneThatEndedFirst) {
  EndedGroups groups;
  for (size_t i = 1; i <= EndedGroups::kMost; ++i) groups.Keep(Ended(i));
  // It ends later than all others now.
  absl::optional<EndedGroup> first = groups.Take("g1");
  groups.Keep(*std::move(first));
  EXPECT_EQ(groups.Keep(Ended(2000)), 1);
  EXPECT_NE(groups.Find("g1"), nullptr);
  EXPECT_EQ(groups.Find("g2"), nullptr);
  EXPECT_EQ(groups.size(), EndedGroups::kMost);
}

}  // namespace
}  // namespace rmq
