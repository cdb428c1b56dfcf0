#include "broker/auth/rule_set.h"

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/resource_pattern.h"
#include "common/ip_range.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int kNone = -1;
constexpr AuthActions kSub = {AuthAction::kSub};

class RuleSetTest : public ::testing::Test {
 protected:
  // Numbers the rules from 0.
  void Allow(absl::string_view pattern, AuthActions actions = kSub,
             absl::string_view source = "") {
    Add(pattern, actions, source, true);
  }
  void Deny(absl::string_view pattern, AuthActions actions = kSub,
            absl::string_view source = "") {
    Add(pattern, actions, source, false);
  }

  // The number of the rule that decides, or kNone.
  int Find(absl::string_view resource, AuthActions actions = kSub,
           absl::string_view source = "10.1.2.3") {
    if (!sealed_) rules_.Seal();
    sealed_ = true;
    const auto asked = ParseAuthResource(resource);
    EXPECT_THAT(asked, IsOk());
    const auto found = rules_.Find(*asked, actions, IpAddress::Parse(source));
    return found.has_value() ? static_cast<int>(found->index) : kNone;
  }

 private:
  void Add(absl::string_view pattern, AuthActions actions,
           absl::string_view source, bool allows) {
    absl::optional<IpRange> range;
    if (!source.empty()) range = *IpRange::Parse(source);
    rules_.Add(*ParseResourcePattern(pattern), actions, range, allows, next_++);
  }

  RuleSet rules_;
  uint32_t next_ = 0;
  bool sealed_ = false;
};

TEST_F(RuleSetTest, WithoutRulesNoneDecides) {
  EXPECT_EQ(Find("Group:pay"), kNone);
}

TEST_F(RuleSetTest, TheMostSpecialRuleDecides) {
  Deny("*");
  Allow("Group:*");
  Deny("Group:p*");
  Allow("Group:pay*");
  Deny("Group:pay");
  EXPECT_EQ(Find("Group:pay"), 4);
  EXPECT_EQ(Find("Group:payroll"), 3);
  EXPECT_EQ(Find("Group:pa"), 2);
  EXPECT_EQ(Find("Group:bill"), 1);
  EXPECT_EQ(Find("Topic:pay"), 0);
}

TEST_F(RuleSetTest, ASpecialRuleDecidesOnlyIfItMatches) {
  Allow("*", AuthActions::All());
  Allow("Group:*", {AuthAction::kGet});
  Allow("Group:p*");
  Allow("Group:pay*", {AuthAction::kGet});
  Allow("Group:pay", kSub, "192.168.0.0/16");
  EXPECT_EQ(Find("Group:pay"), 2);
  EXPECT_EQ(Find("Group:pay", {AuthAction::kGet}), 3);
  EXPECT_EQ(Find("Group:pay", kSub, "192.168.1.1"), 4);
  EXPECT_EQ(Find("Group:bill"), 0);
  EXPECT_EQ(Find("Group:pay", {AuthAction::kDelete}), 0);
}

TEST_F(RuleSetTest, DenyWinsATieWhicheverStandsFirst) {
  Allow("Group:a");
  Deny("Group:a");
  Deny("Group:b*");
  Allow("Group:b*");
  Allow("Topic:*");
  Deny("Topic:*");
  EXPECT_EQ(Find("Group:a"), 1);
  EXPECT_EQ(Find("Group:b1"), 2);
  EXPECT_EQ(Find("Topic:t"), 5);
}

TEST_F(RuleSetTest, OfEqualRulesTheFirstDecides) {
  Allow("Group:a*");
  Allow("Group:a*");
  EXPECT_EQ(Find("Group:a"), 0);
}

TEST_F(RuleSetTest, ASourceMakesNoRuleMoreSpecial) {
  Allow("Group:a", kSub, "10.1.2.3");
  Deny("Group:a", kSub, "10.0.0.0/8");
  EXPECT_EQ(Find("Group:a"), 1);
}

TEST_F(RuleSetTest, WhoHasNoAddressIsMatchedByRulesWithoutASource) {
  Deny("Group:a", kSub, "0.0.0.0/0");
  Allow("Group:a");
  EXPECT_EQ(Find("Group:a", kSub, "unix:"), 1);
  EXPECT_EQ(Find("Group:a"), 0);
}

TEST_F(RuleSetTest, OneOfTheActionsThatAreAskedWillDo) {
  Allow("Group:a", {AuthAction::kGet});
  EXPECT_EQ(Find("Group:a", {AuthAction::kSub, AuthAction::kGet}), 0);
  EXPECT_EQ(Find("Group:a", {AuthAction::kSub, AuthAction::kPub}), kNone);
}

TEST_F(RuleSetTest, APrefixIsFoundBehindOthersThatBeginWithIt) {
  Allow("Group:a*");
  Allow("Group:ab1*");
  Allow("Group:ab*");
  Allow("Group:ac*");
  Allow("Group:ab11*");
  EXPECT_EQ(Find("Group:ab2"), 2);
  EXPECT_EQ(Find("Group:ab12"), 1);
  EXPECT_EQ(Find("Group:ad"), 0);
  EXPECT_EQ(Find("Group:a"), 0);
  EXPECT_EQ(Find("Group:b"), kNone);
  EXPECT_EQ(Find("Group:Z"), kNone);
}

}  // namespace
}  // namespace rmq
