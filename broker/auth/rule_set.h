// The rules of one user, so that the one that decides is found quickly.
#ifndef BROKER_AUTH_RULE_SET_H_
#define BROKER_AUTH_RULE_SET_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
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
// Reference: AuthorizationHandler#comparePolicyEntries. Differs: there, Allow
// wins a tie.
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

  // A beginning of names.
  struct Prefix {
    std::string name;
    Rules rules;
    // The longest other prefix that this one begins with; -1: none.
    int32_t parent = -1;
  };

  struct OfKind {
    absl::flat_hash_map<std::string, Rules> literals;
    // Once sealed, in the order of their names.
    std::vector<Prefix> prefixes;
    Rules any;
  };

  static absl::optional<Deciding> FindIn(
      const Rules& rules, AuthActions actions,
      const absl::optional<IpAddress>& source);
  Rules& RulesFor(const ResourcePattern& pattern);
  static void SealPrefixes(std::vector<Prefix>* prefixes);

  OfKind kinds_[std::size(kAllResourceKinds)];
  // Of "*".
  Rules everything_;
};

}  // namespace rmq

#endif  // BROKER_AUTH_RULE_SET_H_
