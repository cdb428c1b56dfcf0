#include "broker/auth/name_pattern.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

bool Matches(absl::string_view pattern, absl::string_view user,
             absl::string_view name) {
  const auto parsed = NamePattern::Parse(pattern);
  EXPECT_THAT(parsed, IsOk());
  return parsed.ok() && parsed->Matches(user, name);
}

TEST(NamePatternTest, AClosedPatternHasOneNameForAUser) {
  EXPECT_TRUE(Matches("app-${user}-1", "pay", "app-pay-1"));
  EXPECT_FALSE(Matches("app-${user}-1", "pay", "app-pay-12"));
  EXPECT_FALSE(Matches("app-${user}-1", "pay", "app-bill-1"));
  EXPECT_FALSE(Matches("app-${user}-1", "pay", "xapp-pay-1"));
  EXPECT_TRUE(Matches("${user}", "pay", "pay"));
  EXPECT_FALSE(Matches("${user}", "pay", "payroll"));
}

TEST(NamePatternTest, AStarAtTheEndStandsForAnything) {
  EXPECT_TRUE(Matches("${user}%*", "pay", "pay%"));
  EXPECT_TRUE(Matches("${user}%*", "pay", "pay%host-7"));
  EXPECT_FALSE(Matches("${user}%*", "pay", "pay"));
  EXPECT_FALSE(Matches("${user}%*", "pay", "payroll%1"));
  EXPECT_TRUE(Matches("${user}*", "pay", "payroll%1"));
}

TEST(NamePatternTest, WhatIsNoPatternIsRefusedWithItsText) {
  for (const absl::string_view text :
       {"", "user", "$user", "${users}", "${user}${user}", "${user}-${host}",
        "*${user}", "${user}**", "${user}\n"}) {
    EXPECT_THAT(NamePattern::Parse(text),
                StatusIs(kInvalid, HasSubstr("got \"")))
        << text;
  }
}

TEST(NamePatternTest, APatternHas255BytesAtMost) {
  const std::string longest = absl::StrCat("${user}", std::string(248, 'a'));
  EXPECT_THAT(NamePattern::Parse(longest), IsOk());
  EXPECT_THAT(NamePattern::Parse(longest + "a"), StatusIs(kInvalid));
}

}  // namespace
}  // namespace rmq
