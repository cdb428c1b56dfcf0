#include "broker/auth/rule_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace rmq {

RuleSet::Rules& RuleSet::RulesFor(const ResourcePattern& pattern) {
  if (!pattern.kind.has_value()) return everything_;
  OfKind& kind = kinds_[static_cast<size_t>(*pattern.kind)];
  switch (pattern.match) {
    case ResourcePattern::Match::kLiteral: return kind.literals[pattern.name];
    case ResourcePattern::Match::kPrefix:
      // Equal ones are put together when all are there.
      kind.prefixes.push_back({pattern.name, {}});
      return kind.prefixes.back().rules;
    case ResourcePattern::Match::kAny: break;
  }
  return kind.any;
}

void RuleSet::Add(const ResourcePattern& pattern, AuthActions actions,
                  const absl::optional<IpRange>& source, bool allows,
                  uint32_t index) {
  RulesFor(pattern).push_back({source, actions, allows, index});
}

void RuleSet::SealPrefixes(std::vector<Prefix>* prefixes) {
  std::stable_sort(
      prefixes->begin(), prefixes->end(),
      [](const Prefix& a, const Prefix& b) { return a.name < b.name; });
  std::vector<Prefix> merged;
  for (Prefix& prefix : *prefixes) {
    if (!merged.empty() && merged.back().name == prefix.name) {
      Rules& rules = merged.back().rules;
      rules.insert(rules.end(), prefix.rules.begin(), prefix.rules.end());
      continue;
    }
    // What a name begins with comes before the name in the order, and has only
    // such between that begin with it too.
    int32_t parent = static_cast<int32_t>(merged.size()) - 1;
    while (parent >= 0 && !absl::StartsWith(prefix.name, merged[parent].name)) {
      parent = merged[parent].parent;
    }
    merged.push_back({std::move(prefix.name), std::move(prefix.rules), parent});
  }
  *prefixes = std::move(merged);
}

void RuleSet::Seal() {
  const auto deny_first = [](Rules& rules) {
    std::stable_partition(rules.begin(), rules.end(),
                          [](const Rule& rule) { return !rule.allows; });
  };
  for (OfKind& kind : kinds_) {
    SealPrefixes(&kind.prefixes);
    for (auto& [name, rules] : kind.literals) deny_first(rules);
    for (Prefix& prefix : kind.prefixes) deny_first(prefix.rules);
    deny_first(kind.any);
  }
  deny_first(everything_);
}

absl::optional<RuleSet::Deciding> RuleSet::FindIn(
    const Rules& rules, AuthActions actions,
    const absl::optional<IpAddress>& source) {
  for (const Rule& rule : rules) {
    if (!rule.actions.Intersects(actions)) continue;
    if (rule.source.has_value() &&
        !(source.has_value() && rule.source->Contains(*source))) {
      continue;
    }
    return Deciding{rule.index, rule.allows};
  }
  return absl::nullopt;
}

absl::optional<RuleSet::Deciding> RuleSet::Find(
    const AuthResource& resource, AuthActions actions,
    const absl::optional<IpAddress>& source) const {
  const OfKind& kind = kinds_[static_cast<size_t>(resource.kind)];
  absl::optional<Deciding> found;
  const auto literal = kind.literals.find(resource.name);
  if (literal != kind.literals.end()) {
    found = FindIn(literal->second, actions, source);
    if (found.has_value()) return found;
  }
  // The last prefix that is not behind the name begins with each prefix that
  // the name begins with, so these are it or among its parents.
  const auto next = std::upper_bound(
      kind.prefixes.begin(), kind.prefixes.end(), resource.name,
      [](absl::string_view name, const Prefix& prefix) {
        return name < prefix.name;
      });
  auto at = static_cast<int32_t>(next - kind.prefixes.begin()) - 1;
  if (at >= 0) {
    const std::string& name = kind.prefixes[at].name;
    const auto common = static_cast<size_t>(
        std::mismatch(name.begin(), name.end(), resource.name.begin(),
                      resource.name.end())
            .first -
        name.begin());
    for (; at >= 0; at = kind.prefixes[at].parent) {
      const Prefix& prefix = kind.prefixes[at];
      if (prefix.name.size() > common) continue;
      found = FindIn(prefix.rules, actions, source);
      if (found.has_value()) return found;
    }
  }
  found = FindIn(kind.any, actions, source);
  return found.has_value() ? found : FindIn(everything_, actions, source);
}

}  // namespace rmq
