// Whether the members of one consumer group state the same.
#ifndef BROKER_REGISTRY_GROUP_CONSISTENCY_H_
#define BROKER_REGISTRY_GROUP_CONSISTENCY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/statement_form.h"

namespace rmq {

// Members whose statements have equal forms (see StatementForm) are a *camp*.
// The *reference* is the camp with most members; of equal camps, the one that
// was stated first. Members of the other camps are *odd*. A member whose
// statement has no subscription, or only inferred ones, is in no camp.
//
// Costs: a group whose members agree has no camps, only one statement that
// stands for all of them. In other groups a change costs the logarithm of the
// number of camps.
//
// Not thread-safe. It must not outlive the pool of the statements.
class GroupConsistency {
 public:
  struct Camp {
    // Stands for all of the camp's.
    MemberStatement statement;
    size_t members = 0;
    // The later it was stated first, the greater. No two camps of one
    // disagreement have the same.
    uint64_t number = 0;
    // Since when some member has stated this.
    absl::Time stated_since;
  };

  GroupConsistency() = default;
  GroupConsistency(const GroupConsistency&) = delete;
  GroupConsistency& operator=(const GroupConsistency&) = delete;

  // A member states `after` from `now` on. `before` is what it stated until
  // then; empty: it is a new member.
  void Restate(const MemberStatement& before, const MemberStatement& after,
               absl::Time now);
  // A member that stated `before` has left.
  void Remove(const MemberStatement& before);

  bool is_consistent() const { return camps_ == nullptr; }
  // Those that are in a camp.
  size_t members() const { return members_; }
  size_t camps() const {
    return is_consistent() ? (members_ > 0 ? 1 : 0) : camps_->by_form.size();
  }

  // All of these but VisitCamps() are for groups that are not consistent.

  // When their members began to differ.
  absl::Time inconsistent_since() const { return camps_->since; }
  const Camp& reference() const { return *camps_->ranking.begin()->second; }
  bool IsOdd(const MemberStatement& statement) const;
  // In words, what an odd member states and what the reference does.
  // `group` is its name.
  std::string DescribeOdd(absl::string_view group,
                          const MemberStatement& odd) const;
  // In words, the first difference between the reference and the next camp.
  std::string Describe() const;

  // Calls `visit(const Camp&)` for each camp, the reference first, then by the
  // number of members, until it returns false. A group whose members agree has
  // one camp; one without statements has none.
  template <typename Visit>
  void VisitCamps(Visit visit) const {
    if (is_consistent()) {
      if (members_ > 0) {
        visit(Camp{agreed_.Share(), members_, kAgreedNumber, agreed_since()});
      }
      return;
    }
    for (const auto& [rank, camp] : camps_->ranking) {
      if (!visit(*camp)) return;
    }
  }
  // The number of the camp that `statement` is in; 0 if in none.
  uint64_t CampOf(const MemberStatement& statement) const;

  // In words, what is wrong with a statement of `group` that differs from the
  // reference of the members other than those that state `leaving`; empty if
  // there are no others, or if it does not differ.
  std::string DescribeIfOddAmongOthers(
      absl::string_view group, const MemberStatement& stated,
      absl::Span<const MemberStatement* const> leaving) const;

 private:
  static constexpr uint64_t kAgreedNumber = 1;

  struct Rank {
    size_t members;
    uint64_t number;

    friend bool operator<(const Rank& a, const Rank& b) {
      return a.members != b.members ? a.members > b.members
                                    : a.number < b.number;
    }
  };
  // Of a group whose members do not agree: at least two.
  struct Camps {
    // Forms are those of the camps' statements.
    absl::flat_hash_map<const StatementForm*, std::unique_ptr<Camp>> by_form;
    absl::btree_map<Rank, Camp*> ranking;
    uint64_t last_number = 0;
    absl::Time since;
  };

  absl::Time agreed_since() const {
    return absl::FromUnixNanos(agreed_since_ns_);
  }
  bool Agrees(const MemberStatement& statement) const;
  void Agree(const MemberStatement& statement, absl::Time since);
  void Disagree(size_t agreeing, absl::Time now);
  void Enter(const MemberStatement& statement, size_t members,
             absl::Time since);
  void Leave(const MemberStatement& statement);

  // What all members state; empty if there is no member, or no agreement.
  MemberStatement agreed_;
  int64_t agreed_since_ns_ = 0;
  size_t members_ = 0;
  // Null if the group is consistent.
  std::unique_ptr<Camps> camps_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_GROUP_CONSISTENCY_H_
