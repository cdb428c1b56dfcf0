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
      return kind.unsealed_prefixes[pattern.name];
    case ResourcePattern::Match::kAny: break;
  }
  return kind.any;
}

void RuleSet::Add(const ResourcePattern& pattern, AuthActions actions,
                  const absl::optional<IpRange>& source, bool allows,
                  uint32_t index) {
  RulesFor(pattern).push_back({source, actions, allows, index});
}

void RuleSet::SealPrefixes(OfKind* kind) {
  for (const auto& [name, rules] : kind->unsealed_prefixes) {
    // What a name begins with comes before the name in the order, and has only
    // such between that begin with it too.
    int32_t parent = static_cast<int32_t>(kind->prefixes.size()) - 1;
    while (parent >= 0 && !absl::StartsWith(name, kind->prefix_names[parent])) {
      parent = kind->prefixes[parent].parent;
    }
    const auto begin = static_cast<uint32_t>(kind->prefix_rules.size());
    kind->prefix_rules.insert(kind->prefix_rules.end(), rules.begin(),
                              rules.end());
    const auto end = static_cast<uint32_t>(kind->prefix_rules.size());
    kind->prefixes.push_back(
        {static_cast<uint32_t>(name.size()), parent, begin, end});
    kind->prefix_names.push_back(name);
  }
  kind->unsealed_prefixes.clear();
}

void RuleSet::Seal() {
  const auto deny_first = [](Rules& rules) {
    std::stable_partition(rules.begin(), rules.end(),
                          [](const Rule& rule) { return !rule.allows; });
  };
  for (OfKind& kind : kinds_) {
    for (auto& [name, rules] : kind.literals) deny_first(rules);
    for (auto& [name, rules] : kind.unsealed_prefixes) deny_first(rules);
    deny_first(kind.any);
    SealPrefixes(&kind);
  }
  deny_first(everything_);
}

const RuleSet::Rule* RuleSet::FindIn(absl::Span<const Rule> rules,
                                     const Question& question) {
  for (const Rule& rule : rules) {
    if (rule.actions.Intersects(question.actions) &&
        (!rule.source.has_value() ||
         (question.source.has_value() &&
          rule.source->Contains(*question.source)))) {
      return &rule;
    }
  }
  return nullptr;
}

const RuleSet::Rule* RuleSet::FindByPrefix(const OfKind& kind,
                                           absl::string_view name,
                                           const Question& question) {
  // The last prefix that is not behind the name begins with each prefix that
  // the name begins with, so these are it or among its parents.
  const auto next = std::upper_bound(kind.prefix_names.begin(),
                                     kind.prefix_names.end(), name);
  auto at = static_cast<int32_t>(next - kind.prefix_names.begin()) - 1;
  if (at < 0) return nullptr;
  const std::string& last = kind.prefix_names[at];
  const auto common = static_cast<uint32_t>(
      std::mismatch(last.begin(), last.end(), name.begin(), name.end()).first -
      last.begin());
  const Rule* const rules = kind.prefix_rules.data();
  for (; at >= 0; at = kind.prefixes[at].parent) {
    const Prefix& prefix = kind.prefixes[at];
    if (prefix.size > common) continue;
    const Rule* const found =
        FindIn({rules + prefix.begin, prefix.end - prefix.begin}, question);
    if (found != nullptr) return found;
  }
  return nullptr;
}

absl::optional<RuleSet::Deciding> RuleSet::Find(
    const AuthResource& resource, AuthActions actions,
    const absl::optional<IpAddress>& source) const {
  const OfKind& kind = kinds_[static_cast<size_t>(resource.kind)];
  const Question question = {actions, source};
  const Rule* found = nullptr;
  const auto literal = kind.literals.find(resource.name);
  if (literal != kind.literals.end()) found = FindIn(literal->second, question);
  if (found == nullptr) found = FindByPrefix(kind, resource.name, question);
  if (found == nullptr) found = FindIn(kind.any, question);
  if (found == nullptr) found = FindIn(everything_, question);
  if (found == nullptr) return absl::nullopt;
  return Deciding{found->index, found->allows};
}

}  // namespace rmq
