// Rules are replaced while others ask: for ThreadSanitizer too, see tools/tsan.
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/authenticate.h"
#include "broker/auth/current_rules.h"
#include "common/ip_range.h"
#include "common/security/hmac_sha1.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::string_view kDate = "20231227T194619Z";
constexpr int kReplacements = 500;
constexpr int kAskers = 3;

std::string SecretOf(uint64_t generation) {
  return absl::StrCat("secret", generation % 2);
}

// Rules of that number: their secret and groups are those of no neighbours.
AuthConfig ConfigOf(uint64_t generation) {
  AuthConfig config;
  config.users = {{"pay", SecretOf(generation)},
                  {"ship", "12345678", false, generation % 2 == 0}};
  config.client_id_pattern = absl::StrCat("${user}", generation % 2, "*");
  for (int i = 0; i < 20; ++i) {
    config.rules.push_back({"pay",
                            absl::StrCat("Group:", generation % 2, "-", i, "*"),
                            {AuthAction::kSub},
                            {"10.0.0.0/8"},
                            true});
  }
  return config;
}

std::string Sign(const std::string& secret) {
  const HmacSha1Signature signature = *HmacSha1::Create(secret)->Sign(kDate);
  return absl::StrCat(
      "MQv2-HMAC-SHA1 Credential=pay, SignedHeaders=x-mq-date-time, Signature=",
      absl::BytesToHexString(std::string(signature.begin(), signature.end())));
}

TEST(CurrentRulesRaceTest, WhoAsksHasTheRulesOfOneGenerationAlone) {
  CurrentRules current;
  EXPECT_EQ(current.Get(), nullptr);
  ASSERT_EQ(current.Set(*AuthRules::Create(ConfigOf(1))), 1);
  std::atomic<bool> stop{false};
  const auto ask = [&] {
    const std::string authorizations[] = {Sign(SecretOf(0)), Sign(SecretOf(1))};
    const absl::optional<IpAddress> source = IpAddress::Parse("10.1.2.3");
    uint64_t last = 0;
    while (!stop) {
      const CurrentRules::Ptr got = current.Get();
      ASSERT_GE(got->generation, last);
      last = got->generation;
      const AuthRules& rules = *got->rules;
      for (const uint64_t parity : {0, 1}) {
        const bool is_its_own = parity == last % 2;
        CallerProof proof;
        proof.authorization = authorizations[parity];
        proof.date_time = kDate;
        ASSERT_EQ(
            Authenticate(rules, proof, absl::ZeroDuration(), absl::UnixEpoch())
                .ok(),
            is_its_own);
        const std::string group = absl::StrCat(parity, "-7x");
        ASSERT_EQ(rules
                      .Check({"pay",
                              {ResourceKind::kGroup, group},
                              {AuthAction::kSub},
                              source})
                      .is_allowed,
                  is_its_own);
        ASSERT_EQ(
            rules.MayHaveClientId("pay", absl::StrCat("pay", parity, "a")),
            is_its_own);
      }
      ASSERT_EQ(rules.FindUser("ship")->is_enabled, last % 2 == 0);
    }
  };
  std::vector<std::thread> askers;
  for (int i = 0; i < kAskers; ++i) askers.emplace_back(ask);
  for (uint64_t generation = 2; generation <= kReplacements; ++generation) {
    EXPECT_EQ(current.Set(*AuthRules::Create(ConfigOf(generation))),
              generation);
  }
  stop = true;
  for (std::thread& asker : askers) asker.join();
}

}  // namespace
}  // namespace rmq
