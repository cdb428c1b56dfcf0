// The rules of one user, so that the one that decides is found quickly.
#ifndef BROKER_AUTH_RULE_SET_H_
#define BROKER_AUTH_RULE_SET_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "broker/auth/access.h"
#include "broker/auth/resource_pattern.h"
#include "common/ip_range.h"

namespace rmq {

// A rule matches if it covers the resource, has one of the actions, and has the
// source. Of those that match the most special one decides: one for a name
// before one for a beginning of names, the longer beginning first, before one
// for all names of a kind, before "*". Of equally special ones a Deny decides,
// and else the one that was added first. A source makes no rule more special.
//
// Reference: AclAuthorizationHandler#comparePolicyEntries. Differs: there,
// Allow wins a tie.
//
// Add() all rules, then Seal(); then it is immutable, and calls of Find() may
// overlap. A look-up does not allocate, and takes a binary search of the
// beginnings and a look at the rules of each resource that covers the name.
class RuleSet {
 public:
  // A rule for one source. `index` is the caller's name of it. Nothing as
  // `source`: any.
  void Add(const ResourcePattern& pattern, AuthActions actions,
           const absl::optional<IpRange>& source, bool allows, uint32_t index);
  void Seal();

  struct Deciding {
    uint32_t index;
    bool allows;
  };
  // Nothing if no rule matches. Nothing as `source`: a client without an
  // address, whom no rule with a source matches.
  absl::optional<Deciding> Find(const AuthResource& resource,
                                AuthActions actions,
                                const absl::optional<IpAddress>& source) const;

 private:
  struct Rule {
    absl::optional<IpRange> source;
    AuthActions actions;
    bool allows;
    uint32_t index;
  };
  // Once sealed, those that deny come first.
  using Rules = std::vector<Rule>;

  // A beginning of names, once sealed. Those that begin with each other are
  // looked at one after the other, so they are small and close together.
  struct Prefix {
    uint32_t size = 0;
    // The longest other prefix that this one begins with; -1: none.
    int32_t parent = -1;
    // Its rules: a part of OfKind::prefix_rules.
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  struct OfKind {
    absl::flat_hash_map<std::string, Rules> literals;
    // Until sealed.
    absl::btree_map<std::string, Rules> unsealed_prefixes;
    // In the order of the names, and the names themselves.
    std::vector<Prefix> prefixes;
    std::vector<std::string> prefix_names;
    Rules prefix_rules;
    Rules any;
  };

  // What is asked but for the resource.
  struct Question {
    AuthActions actions;
    const absl::optional<IpAddress>& source;
  };

  // The first rule that matches; null if none does.
  static const Rule* FindIn(absl::Span<const Rule> rules,
                            const Question& question);
  // The same of the rules for beginnings of `name`, the longest first.
  static const Rule* FindByPrefix(const OfKind& kind, absl::string_view name,
                                  const Question& question);

  Rules& RulesFor(const ResourcePattern& pattern);
  static void SealPrefixes(OfKind* kind);

  OfKind kinds_[std::size(kAllResourceKinds)];
  // Of "*".
  Rules everything_;
};

}  // namespace rmq

#endif  // BROKER_AUTH_RULE_SET_H_
