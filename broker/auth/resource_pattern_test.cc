#include "broker/auth/resource_pattern.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/auth/access.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

bool Covers(absl::string_view pattern, absl::string_view resource) {
  const auto parsed = ParseResourcePattern(pattern);
  EXPECT_THAT(parsed, IsOk());
  const auto asked = ParseAuthResource(resource);
  EXPECT_THAT(asked, IsOk());
  return parsed.ok() && asked.ok() && parsed->Covers(*asked);
}

TEST(ResourcePatternTest, ALiteralCoversItselfAlone) {
  EXPECT_TRUE(Covers("Group:pay", "Group:pay"));
  EXPECT_FALSE(Covers("Group:pay", "Group:pays"));
  EXPECT_FALSE(Covers("Group:pay", "Group:pa"));
  EXPECT_FALSE(Covers("Group:pay", "Group:Pay"));
  EXPECT_FALSE(Covers("Group:pay", "Topic:pay"));
}

TEST(ResourcePatternTest, APrefixCoversWhatBeginsWithIt) {
  EXPECT_TRUE(Covers("Group:pay*", "Group:pay"));
  EXPECT_TRUE(Covers("Group:pay*", "Group:payroll"));
  EXPECT_FALSE(Covers("Group:pay*", "Group:pa"));
  EXPECT_FALSE(Covers("Group:pay*", "Topic:payroll"));
}

TEST(ResourcePatternTest, AStarCoversAllOfItsKindOrAllOfEachKind) {
  EXPECT_TRUE(Covers("Topic:*", "Topic:a"));
  EXPECT_FALSE(Covers("Topic:*", "Group:a"));
  for (const ResourceKind kind : kAllResourceKinds) {
    EXPECT_TRUE(Covers("*", absl::StrCat(Name(kind), ":a")));
  }
}

TEST(ResourcePatternTest, APatternIsToldAsItIsRead) {
  for (const absl::string_view text :
       {"*", "Group:*", "Group:pay*", "Topic:%RETRY%pay", "Cluster:a.b/c"}) {
    const auto parsed = ParseResourcePattern(text);
    ASSERT_THAT(parsed, IsOk()) << text;
    EXPECT_EQ(Text(*parsed), text);
  }
}

TEST(ResourcePatternTest, WhatIsNoPatternIsRefusedWithItsText) {
  for (const absl::string_view text :
       {"", "pay", "Group", "Group:", "group:pay", "Namespace:a", "**",
        "Group:**", "Group:p*y", "Group:*pay", "Group:p y", "Topic:a.b",
        "Cluster:a b", "Cluster:a**", "Group:p\xc3\xa4y"}) {
    EXPECT_THAT(ParseResourcePattern(text),
                StatusIs(kInvalid, HasSubstr("got \"")))
        << text;
  }
}

TEST(ResourcePatternTest, ANameHas255BytesAtMost) {
  const std::string longest = absl::StrCat("Group:", std::string(255, 'a'));
  EXPECT_THAT(ParseResourcePattern(longest), IsOk());
  EXPECT_THAT(ParseResourcePattern(longest + "*"), IsOk());
  EXPECT_THAT(ParseResourcePattern(longest + "a"),
              StatusIs(kInvalid, HasSubstr("at most 255 bytes, got 256")));
}

}  // namespace
}  // namespace rmq
