// Feeds any bytes to the parser of files of users and rules. See
// tools/fuzz/run.
//
// What is taken must make rules, and each of them must match its own question.
// What is refused must be told in short lines with a place, without secrets.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/auth/access.h"
#include "broker/auth/auth_config.h"
#include "broker/auth/auth_rules.h"
#include "broker/auth/resource_pattern.h"
#include "broker/config/auth_file.h"
#include "common/ip_range.h"

namespace rmq {
namespace {

constexpr absl::string_view kSecret = "hunter2";

void Require(bool holds, absl::string_view what, absl::string_view got = "") {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s: %s\n", std::string(what).c_str(),
               absl::CHexEscape(got).c_str());
  std::abort();
}

void RequireGoodRefusal(const absl::Status& status) {
  Require(absl::IsInvalidArgument(status), "the code of a refusal");
  const std::vector<absl::string_view> lines =
      absl::StrSplit(status.message(), '\n');
  Require(lines.size() <= 21, "few lines", status.message());
  for (const absl::string_view line : lines) {
    Require(absl::StartsWith(line, "F:"), "a place in each line", line);
    Require(line.size() < 1000, "short lines", line);
  }
}

// A rule must decide what it is about, if no other one does.
void RequireMatches(const AuthRules& rules, const AuthRule& rule) {
  const ResourcePattern pattern = *ParseResourcePattern(rule.resource);
  const std::string name = absl::StrCat(pattern.name, "x");
  const AuthResource resource = {
      pattern.kind.value_or(ResourceKind::kTopic),
      pattern.match == ResourcePattern::Match::kLiteral ? pattern.name : name};
  absl::optional<IpAddress> source;
  if (!rule.sources.empty()) {
    const absl::string_view first = rule.sources.front();
    source = IpAddress::Parse(first.substr(0, first.find('/')));
    Require(source.has_value(), "a range begins with an address", first);
  }
  const AccessVerdict verdict =
      rules.Check({rule.user, resource, rule.actions, source});
  const AuthRules::User* const user = rules.FindUser(rule.user);
  Require(user != nullptr, "a rule has a user", rule.user);
  if (!user->is_enabled) {
    Require(!verdict.is_allowed, "who is disabled may nothing", rule.user);
  } else if (user->is_super) {
    Require(verdict.is_allowed, "who is SUPER may everything", rule.user);
  } else {
    Require(verdict.rule.has_value(), "a rule matches", Text(rule));
    Require(verdict.is_allowed == rules.rules()[*verdict.rule].allows,
            "the rule that decides decides", Text(rule));
  }
}

void TryFile(const std::string& text) {
  const absl::StatusOr<AuthText> parsed = ParseAuthText("F", text);
  if (!parsed.ok()) {
    RequireGoodRefusal(parsed.status());
    return;
  }
  Require(FindErrors(parsed->config).empty(), "no errors in what is taken");
  Require(parsed->rule_lines.size() == parsed->config.rules.size(),
          "a line of each rule");
  const auto rules = AuthRules::Create(parsed->config);
  Require(rules.ok(), "rules of what is taken", rules.status().message());
  for (const AuthRule& rule : parsed->config.rules) {
    RequireMatches(**rules, rule);
  }
}

// Whatever stands behind a secret, the secret is not told.
void TrySecret(absl::string_view before, absl::string_view behind) {
  if (absl::StrContains(behind, kSecret.substr(1))) return;
  const absl::StatusOr<AuthText> parsed = ParseAuthText(
      "F",
      absl::StrCat("users { name: \"a\" secret: ", before, kSecret, behind));
  if (parsed.ok()) return;
  RequireGoodRefusal(parsed.status());
  Require(!absl::StrContains(parsed.status().message(), kSecret),
          "a secret is not told", parsed.status().message());
}

}  // namespace
}  // namespace rmq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  rmq::TryFile(std::string(bytes));
  rmq::TrySecret("\"", bytes);
  rmq::TrySecret("\"a\" '", bytes);
  rmq::TrySecret("", bytes);
  return 0;
}
