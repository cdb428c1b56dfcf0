#include "broker/auth/auth_config.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using List = AuthConfigError::List;

// A matcher of one error.
template <typename Message>
auto ErrorAt(List list, size_t index, const std::string& field,
             Message message) {
  return AllOf(Field(&AuthConfigError::list, list),
               Field(&AuthConfigError::index, index),
               Field(&AuthConfigError::field, field),
               Field(&AuthConfigError::message, message));
}

constexpr AuthActions kSub = {AuthAction::kSub};

class AuthConfigTest : public ::testing::Test {
 protected:
  AuthConfigTest() { config_.users = {{"pay", "12345678"}}; }

  // A rule of "pay" that is right.
  AuthRule& AddRule(const std::string& resource = "Group:pay*",
                    AuthActions actions = kSub, bool allows = true) {
    config_.rules.push_back({"pay", resource, actions, {}, allows});
    return config_.rules.back();
  }

  AuthConfig config_;
};

TEST_F(AuthConfigTest, NothingAtAllIsRight) {
  EXPECT_THAT(FindErrors(AuthConfig()), IsEmpty());
}

TEST_F(AuthConfigTest, WhatIsRightHasNoError) {
  config_.users.push_back({"root@site", absl::nullopt, true});
  config_.certificates = {{"spiffe://site/pay", "pay"}, {"pay.site", "pay"}};
  AddRule().sources = {"10.0.0.0/8", "::1"};
  AddRule("*", AuthActions::All(), false);
  config_.client_id_pattern = "${user}%*";
  config_.group_pattern = "${user}|*";
  EXPECT_THAT(FindErrors(config_), IsEmpty());
}

TEST_F(AuthConfigTest, AUserHasANameOf1To64LettersAndDigits) {
  for (const std::string& name :
       {std::string(64, 'a'), std::string("A.b_c-d@9")}) {
    config_.users = {{name, "secret"}};
    EXPECT_THAT(FindErrors(config_), IsEmpty()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string(65, 'a'), std::string("a b"),
        std::string("a/b"), std::string("a\n"), std::string("${user}")}) {
    config_.users = {{name, "secret"}};
    EXPECT_THAT(FindErrors(config_),
                ElementsAre(ErrorAt(List::kUsers, 0, "name",
                                    HasSubstr("name must be 1 to 64 letters"))))
        << name;
  }
}

TEST_F(AuthConfigTest, ASecretHas1To256BytesAndIsNotShown) {
  config_.users = {{"pay", std::string(256, 's')}};
  EXPECT_THAT(FindErrors(config_), IsEmpty());
  for (const std::string& secret :
       {std::string(), std::string(257, 's'), std::string("sss\n"),
        std::string("sss\xff")}) {
    config_.users = {{"pay", secret}};
    EXPECT_THAT(
        FindErrors(config_),
        ElementsAre(ErrorAt(
            List::kUsers, 0, "secret",
            AllOf(HasSubstr("user \"pay\": secret must be 1 to 256 bytes"),
                  Not(HasSubstr("sss"))))));
  }
}

TEST_F(AuthConfigTest, AUserStandsThereOnce) {
  config_.users = {{"a", "x"}, {"pay", "x"}, {"pay", "y"}};
  const std::vector<AuthConfigError> errors = FindErrors(config_);
  ASSERT_THAT(errors, ElementsAre(ErrorAt(List::kUsers, 2, "name",
                                          "user \"pay\": stands there twice")));
  EXPECT_EQ(errors[0].first, absl::optional<size_t>(1));
}

TEST_F(AuthConfigTest, ACertificateHasAnIdentityOf1To255BytesAndAUser) {
  config_.certificates = {{std::string(255, 'a'), "pay"}};
  EXPECT_THAT(FindErrors(config_), IsEmpty());
  config_.certificates = {{std::string(256, 'a'), "pay"}};
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kCertificates, 0, "match",
                                  HasSubstr("match must be 1 to 255 bytes"))));
  config_.certificates = {{"", "bill"}};
  EXPECT_THAT(
      FindErrors(config_),
      ElementsAre(
          ErrorAt(List::kCertificates, 0, "match", HasSubstr("got 0 bytes")),
          ErrorAt(List::kCertificates, 0, "user",
                  HasSubstr("user must be one of users, got \"bill\""))));
}

TEST_F(AuthConfigTest, AnIdentityStandsThereOnce) {
  config_.certificates = {{"pay.site", "pay"}, {"pay.site", "pay"}};
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kCertificates, 1, "match",
                                  HasSubstr("stands there twice"))));
}

TEST_F(AuthConfigTest, ARuleOfNobodyIsAnError) {
  AddRule().user = "bill";
  AddRule("Group:a").user = "";
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kRules, 0, "user",
                                  HasSubstr("one of users, got \"bill\"")),
                          ErrorAt(List::kRules, 1, "user",
                                  HasSubstr("one of users, got \"\""))));
}

TEST_F(AuthConfigTest, ARulesResourceActionAndSourceAreChecked) {
  AddRule("Grp:a");
  AddRule("Group:a", AuthActions());
  AddRule("Group:b").sources = {"10.0.0.0/8", "10.1.2.3/8", "nowhere"};
  EXPECT_THAT(
      FindErrors(config_),
      ElementsAre(
          ErrorAt(List::kRules, 0, "resource",
                  HasSubstr("rule of \"pay\" for \"Grp:a\": resource must be")),
          ErrorAt(List::kRules, 1, "action", HasSubstr("got none")),
          ErrorAt(List::kRules, 2, "source",
                  AllOf(HasSubstr("are 0"), HasSubstr("got \"10.1.2.3/8\""))),
          ErrorAt(List::kRules, 2, "source",
                  HasSubstr("such as 10.0.0.0/8 or fe80::/10, got "
                            "\"nowhere\""))));
}

TEST_F(AuthConfigTest, ASuperUserIsDeniedNothing) {
  config_.users[0].is_super = true;
  AddRule();
  AddRule("Group:b", kSub, false);
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kRules, 1, "decision",
                                  HasSubstr("decision must not be DENY"))));
}

TEST_F(AuthConfigTest, RulesThatDifferInTheirDecisionAloneContradict) {
  AddRule("Group:a", {AuthAction::kSub, AuthAction::kGet}).sources = {
      "10.0.0.0/8", "::1"};
  AddRule("Group:a", {AuthAction::kPub, AuthAction::kGet}, false).sources = {
      "::1/128"};
  AddRule("Group:b", AuthActions::All(), false);
  AddRule("Group:b", AuthActions::All(), true);
  const std::vector<AuthConfigError> errors = FindErrors(config_);
  ASSERT_THAT(errors,
              ElementsAre(ErrorAt(List::kRules, 1, "decision",
                                  HasSubstr("decision must not be DENY, since "
                                            "another rule")),
                          ErrorAt(List::kRules, 3, "decision",
                                  HasSubstr("decision must not be ALLOW"))));
  EXPECT_EQ(errors[0].first, absl::optional<size_t>(0));
  EXPECT_EQ(errors[1].first, absl::optional<size_t>(2));
}

TEST_F(AuthConfigTest, RulesThatDifferInMoreDoNotContradict) {
  config_.users.push_back({"bill", "12345678"});
  AddRule("Group:a");
  AddRule("Group:a*", kSub, false);
  AddRule("Group:a", {AuthAction::kGet}, false);
  AddRule("Group:a", AuthActions::All(), false);
  AddRule("Group:a", kSub, false).sources = {"10.0.0.0/8"};
  AddRule("Group:a", kSub, false).user = "bill";
  EXPECT_THAT(FindErrors(config_), IsEmpty());
}

TEST_F(AuthConfigTest, ARuleHas16SourcesAtMost) {
  AuthRule& rule = AddRule();
  for (int i = 0; i < 16; ++i) rule.sources.push_back(absl::StrCat("::", i));
  EXPECT_THAT(FindErrors(config_), IsEmpty());
  rule.sources.push_back("::ff");
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kRules, 0, "source",
                                  HasSubstr("at most 16 times, got 17"))));
}

TEST_F(AuthConfigTest, AUserHas256RulesForANameAtMost) {
  for (int i = 0; i < 16; ++i) {
    // Those for "*" and for the beginnings of a name cover the name too.
    const char* const resources[] = {"*", "Group:*", "Group:p*", "Group:pay"};
    AuthRule& rule = AddRule(resources[i % 4]);
    for (int j = 0; j < 16; ++j) {
      rule.sources.push_back(absl::StrCat("10.0.", i, ".", j));
    }
  }
  AddRule("Group:q*");
  AddRule("Topic:pay");
  EXPECT_THAT(FindErrors(config_), IsEmpty());
  AddRule("Group:pa*");
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kRules, 3, "resource",
                                  HasSubstr("at most 256 rules that cover one "
                                            "name, each counted once for each "
                                            "source, got 257"))));
}

TEST_F(AuthConfigTest, ThereAreSoManyEntriesAtMost) {
  for (size_t i = config_.users.size(); i < kMaxAuthUsers; ++i) {
    config_.users.push_back({absl::StrCat("u", i), "secret"});
  }
  for (size_t i = 0; i < kMaxAuthCertificates; ++i) {
    config_.certificates.push_back({absl::StrCat("c", i), "pay"});
  }
  for (size_t i = 0; i < kMaxAuthRules; ++i) {
    AddRule(absl::StrCat("Group:g", i));
  }
  EXPECT_THAT(FindErrors(config_), IsEmpty());
  for (int i = 0; i < 2; ++i) {
    config_.users.push_back({absl::StrCat("v", i), "secret"});
    config_.certificates.push_back({absl::StrCat("d", i), "pay"});
    AddRule(absl::StrCat("Group:h", i));
  }
  EXPECT_THAT(
      FindErrors(config_),
      ElementsAre(ErrorAt(List::kUsers, kMaxAuthUsers, "name",
                          HasSubstr("at most 10000 users")),
                  ErrorAt(List::kCertificates, kMaxAuthCertificates, "match",
                          HasSubstr("at most 10000 certificates")),
                  ErrorAt(List::kRules, kMaxAuthRules, "user",
                          HasSubstr("at most 20000 rules"))));
}

TEST_F(AuthConfigTest, ThePatternsHaveTheUser) {
  config_.client_id_pattern = "pay-*";
  config_.group_pattern = "${group}";
  EXPECT_THAT(FindErrors(config_),
              ElementsAre(ErrorAt(List::kNone, 0, "client_id_pattern",
                                  HasSubstr("got \"pay-*\"")),
                          ErrorAt(List::kNone, 0, "group_pattern",
                                  HasSubstr("got \"${group}\""))));
}

TEST_F(AuthConfigTest, ARuleIsToldAsItIsWritten) {
  AuthRule& rule = AddRule();
  EXPECT_EQ(Text(rule),
            "rules { user: \"pay\" resource: \"Group:pay*\" action: [SUB] "
            "decision: ALLOW }");
  rule.sources = {"10.0.0.0/8", "::1"};
  rule.allows = false;
  EXPECT_EQ(Text(rule),
            "rules { user: \"pay\" resource: \"Group:pay*\" action: [SUB] "
            "source: [\"10.0.0.0/8\", \"::1\"] decision: DENY }");
}

}  // namespace
}  // namespace rmq
