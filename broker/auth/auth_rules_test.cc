#include "broker/auth/auth_rules.h"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/resource_pattern.h"
#include "common/ip_range.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using Reason = AccessVerdict::Reason;

constexpr AuthActions kSub = {AuthAction::kSub};

std::shared_ptr<const AuthRules> Make(const AuthConfig& config) {
  auto rules = AuthRules::Create(config);
  EXPECT_THAT(rules, IsOk());
  return *std::move(rules);
}

AccessVerdict Ask(const AuthRules& rules, absl::string_view user,
                  absl::string_view resource, AuthActions actions = kSub,
                  absl::string_view source = "10.1.2.3") {
  return rules.Check(
      {user, *ParseAuthResource(resource), actions, IpAddress::Parse(source)});
}

AuthConfig SmallConfig() {
  AuthConfig config;
  config.users = {{"pay", "12345678"},
                  {"root", "87654321", true},
                  {"old", "12345678", false, false},
                  {"oldroot", "12345678", true, false}};
  config.rules = {{"old", "*", AuthActions::All(), {}, true},
                  {"pay", "Group:pay*", kSub, {"10.0.0.0/8"}, true},
                  {"pay", "Group:pay-secret", kSub, {}, false}};
  return config;
}

TEST(AuthRulesTest, AUserMayWhatARuleAllows) {
  const auto rules = Make(SmallConfig());
  const AccessVerdict allowed = Ask(*rules, "pay", "Group:payroll");
  EXPECT_TRUE(allowed.is_allowed);
  EXPECT_EQ(allowed.reason, Reason::kRule);
  EXPECT_EQ(allowed.rule, absl::optional<uint32_t>(1));
}

TEST(AuthRulesTest, AUserMayNotWhatARuleDenies) {
  const auto rules = Make(SmallConfig());
  const AccessVerdict denied = Ask(*rules, "pay", "Group:pay-secret");
  EXPECT_FALSE(denied.is_allowed);
  EXPECT_EQ(denied.reason, Reason::kRule);
  EXPECT_EQ(denied.rule, absl::optional<uint32_t>(2));
}

TEST(AuthRulesTest, AUserMayNotWhatNoRuleAllows) {
  const auto rules = Make(SmallConfig());
  for (const AccessVerdict& verdict :
       {Ask(*rules, "pay", "Group:bill"), Ask(*rules, "pay", "Topic:payroll"),
        Ask(*rules, "pay", "Group:payroll", {AuthAction::kGet}),
        Ask(*rules, "pay", "Group:payroll", kSub, "11.1.2.3")}) {
    EXPECT_FALSE(verdict.is_allowed);
    EXPECT_EQ(verdict.reason, Reason::kNoRule);
    EXPECT_EQ(verdict.rule, absl::nullopt);
  }
}

TEST(AuthRulesTest, ASuperUserMayEverything) {
  const auto rules = Make(SmallConfig());
  const AccessVerdict verdict =
      Ask(*rules, "root", "Cluster:c", {AuthAction::kDelete}, "unix:");
  EXPECT_TRUE(verdict.is_allowed);
  EXPECT_EQ(verdict.reason, Reason::kSuper);
}

TEST(AuthRulesTest, ADisabledUserMayNothing) {
  const auto rules = Make(SmallConfig());
  for (const absl::string_view user : {"old", "oldroot"}) {
    EXPECT_FALSE(Ask(*rules, user, "Group:a").is_allowed);
    EXPECT_EQ(Ask(*rules, user, "Group:a").reason, Reason::kDisabled);
  }
}

TEST(AuthRulesTest, WhoIsNoUserMayNothing) {
  const auto rules = Make(SmallConfig());
  EXPECT_FALSE(Ask(*rules, "", "Group:payroll").is_allowed);
  EXPECT_EQ(Ask(*rules, "", "Group:payroll").reason, Reason::kAnonymous);
  EXPECT_FALSE(Ask(*rules, "bill", "Group:payroll").is_allowed);
  EXPECT_EQ(Ask(*rules, "bill", "Group:payroll").reason, Reason::kNoSuchUser);
}

TEST(AuthRulesTest, AUserWithoutASecretHasNoKey) {
  AuthConfig config;
  config.users = {{"pay", "12345678"}, {"bill"}};
  const auto rules = Make(config);
  EXPECT_NE(rules->FindUser("pay")->key, nullptr);
  EXPECT_EQ(rules->FindUser("bill")->key, nullptr);
  EXPECT_EQ(rules->FindUser("other"), nullptr);
}

TEST(AuthRulesTest, AnErrorAnywhereRefusesAll) {
  AuthConfig config = SmallConfig();
  config.rules.push_back({"pay", "Group:", kSub, {}, true});
  EXPECT_THAT(AuthRules::Create(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("resource must be")));
}

TEST(AuthRulesTest, NamesMustFitThePatternsIfThereAreAny) {
  AuthConfig config = SmallConfig();
  EXPECT_TRUE(Make(config)->MayHaveClientId("pay", "anything"));
  config.client_id_pattern = "${user}%*";
  config.group_pattern = "${user}|*";
  const auto rules = Make(config);
  EXPECT_TRUE(rules->MayHaveClientId("pay", "pay%1"));
  EXPECT_FALSE(rules->MayHaveClientId("pay", "root%1"));
  EXPECT_TRUE(rules->MayHaveGroup("pay", "pay|orders"));
  EXPECT_FALSE(rules->MayHaveGroup("pay", "pay%1"));
  EXPECT_TRUE(rules->MayHaveGroup("root", "anything"));
  EXPECT_FALSE(rules->MayHaveGroup("", "pay|orders"));
  EXPECT_FALSE(rules->MayHaveClientId("bill", "bill%1"));
}

// The rules in the plainest way: all that match, compared two by two.
class NaiveRules {
 public:
  explicit NaiveRules(AuthConfig config) : config_(std::move(config)) {}

  // Whether it is allowed; nothing if no rule matches.
  absl::optional<bool> Ask(const AccessQuestion& question) const {
    const AuthRule* best = nullptr;
    for (const AuthRule& rule : config_.rules) {
      if (!Matches(rule, question)) continue;
      if (best == nullptr || IsBefore(rule, *best)) best = &rule;
    }
    if (best == nullptr) return absl::nullopt;
    return best->allows;
  }

  bool Matches(const AuthRule& rule, const AccessQuestion& question) const {
    bool has_source = rule.sources.empty();
    for (const std::string& source : rule.sources) {
      has_source =
          has_source || (question.source.has_value() &&
                         IpRange::Parse(source)->Contains(*question.source));
    }
    return rule.user == question.user && has_source &&
           rule.actions.Intersects(question.actions) &&
           ParseResourcePattern(rule.resource)->Covers(question.resource);
  }

 private:
  static bool IsBefore(const AuthRule& a, const AuthRule& b) {
    const auto rank = [](const AuthRule& rule) {
      if (rule.resource == "*") return 0;
      const auto pattern = *ParseResourcePattern(rule.resource);
      switch (pattern.match) {
        case ResourcePattern::Match::kLiteral: return 1000;
        case ResourcePattern::Match::kPrefix:
          return 1 + static_cast<int>(pattern.name.size());
        default: return 1;
      }
    };
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    return !a.allows && b.allows;
  }

  const AuthConfig config_;
};

// Few letters, users and sources, so that rules overlap.
class RandomAuth {
 public:
  explicit RandomAuth(unsigned seed) : random_(seed) {}

  int Number(int below) { return static_cast<int>(random_() % below); }
  std::string Name(int longest) {
    std::string name;
    for (int size = 1 + Number(longest); size > 0; --size) {
      name.push_back("ab"[Number(2)]);
    }
    return name;
  }
  std::string User() { return absl::StrCat("u", Number(3)); }
  std::string Kind() {
    const char* const kinds[] = {"Cluster", "Topic", "Group"};
    return kinds[Number(3)];
  }
  std::string Pattern() {
    switch (Number(8)) {
      case 0: return "*";
      case 1: return absl::StrCat(Kind(), ":*");
      case 2:
      case 3: return absl::StrCat(Kind(), ":", Name(5));
      default: return absl::StrCat(Kind(), ":", Name(5), "*");
    }
  }
  AuthActions Actions() {
    if (Number(6) == 0) return AuthActions::All();
    AuthActions actions = {kAllAuthActions[Number(3)]};
    if (Number(3) == 0) actions.Add(kAllAuthActions[Number(3)]);
    return actions;
  }
  std::vector<std::string> Sources() {
    const char* const sources[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3",
                                   "0.0.0.0/0",  "::/0",        "fe80::/10"};
    std::vector<std::string> some;
    for (int count = Number(3); count > 0; --count) {
      some.emplace_back(sources[Number(6)]);
    }
    return some;
  }
  absl::optional<IpAddress> Source() {
    const char* const sources[] = {"10.1.2.3",    "10.1.9.9", "10.9.9.9",
                                   "192.168.1.1", "fe80::1",  "::1",
                                   "none"};
    return IpAddress::Parse(sources[Number(7)]);
  }

 private:
  std::mt19937 random_;
};

TEST(AuthRulesTest, RandomRulesDecideAsThePlainestWayDoes) {
  int allowed = 0;
  int denied = 0;
  int undecided = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    RandomAuth random(seed);
    AuthConfig config;
    config.users = {{"u0"}, {"u1"}, {"u2"}};
    for (int rules = 1 + random.Number(40); rules > 0; --rules) {
      config.rules.push_back({random.User(), random.Pattern(), random.Actions(),
                              random.Sources(), random.Number(2) == 0});
      // Those that contradict earlier ones are not to be had.
      if (!FindErrors(config).empty()) config.rules.pop_back();
    }
    const auto rules = Make(config);
    const NaiveRules naive(config);
    for (int i = 0; i < 300; ++i) {
      const std::string user = random.User();
      const std::string resource =
          absl::StrCat(random.Kind(), ":", random.Name(7));
      const AccessQuestion question = {user, *ParseAuthResource(resource),
                                       random.Actions(), random.Source()};
      const AccessVerdict verdict = rules->Check(question);
      const absl::optional<bool> expected = naive.Ask(question);
      ASSERT_EQ(verdict.is_allowed, expected.value_or(false))
          << "seed " << seed << ", " << user << " " << Names(question.actions)
          << " " << resource;
      ASSERT_EQ(verdict.rule.has_value(), expected.has_value());
      if (verdict.rule.has_value()) {
        ASSERT_TRUE(naive.Matches(config.rules[*verdict.rule], question));
      }
      ++(expected.has_value() ? *expected ? allowed : denied : undecided);
    }
  }
  // Each outcome was among them.
  EXPECT_GT(allowed, 1000);
  EXPECT_GT(denied, 1000);
  EXPECT_GT(undecided, 1000);
}

}  // namespace
}  // namespace rmq
