#include "broker/auth/resource_pattern.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/validation.h"

namespace rmq {
namespace {

bool IsClusterName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '*';
  });
}

}  // namespace

bool ResourcePattern::Covers(const AuthResource& resource) const {
  if (kind.has_value() && *kind != resource.kind) return false;
  switch (match) {
    case Match::kLiteral: return resource.name == name;
    case Match::kPrefix: return absl::StartsWith(resource.name, name);
    case Match::kAny: return true;
  }
  return false;
}

absl::StatusOr<ResourcePattern> ParseResourcePattern(absl::string_view text) {
  using Match = ResourcePattern::Match;
  if (text == "*") return ResourcePattern{};
  const absl::StatusOr<AuthResource> parsed = ParseAuthResource(text);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("must be *, or Cluster:, Topic: or Group: and a name, the "
                     "beginning of names and *, or *, got ",
                     Quoted(text)));
  }
  absl::string_view name = parsed->name;
  if (name == "*") return ResourcePattern{parsed->kind, Match::kAny, ""};
  const bool is_prefix = absl::EndsWith(name, "*");
  if (is_prefix) name.remove_suffix(1);
  if (name.size() > kMaxResourceNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have a name of at most ", kMaxResourceNameBytes,
                     " bytes, got ", name.size(), ": ", Quoted(text)));
  }
  const bool is_cluster = parsed->kind == ResourceKind::kCluster;
  if (is_cluster ? !IsClusterName(name) : !IsLegalName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("must have a name of ",
                     is_cluster ? "printable ASCII characters without blanks"
                                : "letters, digits, '%', '|', '_' and '-'",
                     ", with a * at its end alone, got ", Quoted(text)));
  }
  return ResourcePattern{parsed->kind,
                         is_prefix ? Match::kPrefix : Match::kLiteral,
                         std::string(name)};
}

std::string Text(const ResourcePattern& pattern) {
  if (!pattern.kind.has_value()) return "*";
  return absl::StrCat(
      Name(*pattern.kind), ":", pattern.name,
      pattern.match == ResourcePattern::Match::kLiteral ? "" : "*");
}

}  // namespace rmq
