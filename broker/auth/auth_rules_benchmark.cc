// What a check costs beside 1,000 rules of one user, by the kind of rule that
// decides; what it costs to authenticate a caller, and to make rules.
//
// Measure with: bazel run -c opt //broker/auth:auth_rules_benchmark
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "benchmark/benchmark.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/authenticate.h"
#include "common/ip_range.h"
#include "common/security/hmac_sha1.h"

namespace rmq {
namespace {

constexpr AuthActions kSub = {AuthAction::kSub};

AuthRule Rule(const std::string& resource, std::vector<std::string> sources) {
  return {"pay", resource, kSub, std::move(sources), true};
}

// Asks about the names in turn.
void Ask(benchmark::State& state, const AuthConfig& config,
         const std::vector<std::string>& groups) {
  const std::shared_ptr<const AuthRules> rules = *AuthRules::Create(config);
  const absl::optional<IpAddress> source = IpAddress::Parse("10.1.2.3");
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(rules->Check(
        {"pay", {ResourceKind::kGroup, groups[next]}, kSub, source}));
    next = next + 1 == groups.size() ? 0 : next + 1;
  }
}

AuthConfig OfOneUser() {
  AuthConfig config;
  config.users = {{"pay", "12345678"}};
  return config;
}

void BM_CheckLiterals(benchmark::State& state) {
  AuthConfig config = OfOneUser();
  std::vector<std::string> groups;
  for (int i = 0; i < state.range(0); ++i) {
    groups.push_back(absl::StrCat("payments-of-site-", i));
    config.rules.push_back(Rule("Group:" + groups.back(), {"10.0.0.0/8"}));
  }
  Ask(state, config, groups);
}
BENCHMARK(BM_CheckLiterals)->Arg(10)->Arg(1000);

void BM_CheckPrefixes(benchmark::State& state) {
  AuthConfig config = OfOneUser();
  std::vector<std::string> groups;
  for (int i = 0; i < state.range(0); ++i) {
    const std::string prefix = absl::StrCat("payments-of-site-", i, "-");
    groups.push_back(prefix + "orders");
    config.rules.push_back(Rule("Group:" + prefix + "*", {"10.0.0.0/8"}));
  }
  Ask(state, config, groups);
}
BENCHMARK(BM_CheckPrefixes)->Arg(10)->Arg(1000);

// 250 prefixes that each begin with the one before, all with a source that does
// not match; nothing decides. 750 other rules beside them.
void BM_CheckNestedPrefixes(benchmark::State& state) {
  AuthConfig config = OfOneUser();
  std::string prefix;
  for (int i = 0; i < 250; ++i) {
    prefix.push_back('a');
    config.rules.push_back(Rule("Group:" + prefix + "*", {"192.168.0.0/16"}));
  }
  for (int i = 0; i < 750; ++i) {
    config.rules.push_back(Rule(absl::StrCat("Group:b", i, "*"), {}));
  }
  Ask(state, config, {prefix + "a"});
}
BENCHMARK(BM_CheckNestedPrefixes);

// As many rules of one name as there may be; the last one matches.
void BM_CheckSources(benchmark::State& state) {
  AuthConfig config = OfOneUser();
  for (int i = 0; i < static_cast<int>(kMaxAuthRulesOfName) - 1; ++i) {
    config.rules.push_back(
        Rule("Group:pay*", {absl::StrCat("192.168.", i, ".0/24")}));
  }
  config.rules.push_back(Rule("Group:pay*", {"10.0.0.0/8"}));
  for (int i = 0; i < 744; ++i) {
    config.rules.push_back(Rule(absl::StrCat("Group:b", i, "*"), {}));
  }
  Ask(state, config, {"payroll"});
}
BENCHMARK(BM_CheckSources);

// What a stream costs when it opens: a header of one of 1,000 users.
void BM_Authenticate(benchmark::State& state) {
  AuthConfig config;
  for (int i = 0; i < 1000; ++i) {
    config.users.push_back({absl::StrCat("user", i), "12345678"});
  }
  const std::shared_ptr<const AuthRules> rules = *AuthRules::Create(config);
  const HmacSha1Signature signature =
      *rules->FindUser("user7")->key->Sign("20231227T194619Z");
  const std::string header = absl::StrCat(
      "MQv2-HMAC-SHA1 Credential=user7/cn/RocketMQ, "
      "SignedHeaders=x-mq-date-time, Signature=",
      absl::BytesToHexString(std::string(signature.begin(), signature.end())));
  CallerProof proof;
  proof.authorization = header;
  proof.date_time = "20231227T194619Z";
  const absl::Time now = absl::FromUnixSeconds(1703706379);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        Authenticate(*rules, proof, absl::Minutes(15), now));
  }
}
BENCHMARK(BM_Authenticate);

// A fleet: 1,000 users of 20 rules each.
void BM_CreateRules(benchmark::State& state) {
  AuthConfig config;
  for (int user = 0; user < 1000; ++user) {
    config.users.push_back({absl::StrCat("user", user), "12345678"});
    for (int rule = 0; rule < 20; ++rule) {
      config.rules.push_back({config.users.back().name,
                              absl::StrCat("Group:g", rule, "*"),
                              kSub,
                              {"10.0.0.0/8"},
                              true});
    }
  }
  for (auto _ : state) benchmark::DoNotOptimize(AuthRules::Create(config));
}
BENCHMARK(BM_CreateRules)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rmq
