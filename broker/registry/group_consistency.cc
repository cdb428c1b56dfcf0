#include "broker/registry/group_consistency.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/statement.h"

namespace rmq {
namespace {

// Whether a member with that statement is in a camp: it states something that
// can be compared.
bool IsCounted(const MemberStatement& statement) {
  for (size_t i = 0; i < statement.size(); ++i) {
    if (statement.expression_type(i) != kInferredExpressionType) return true;
  }
  return false;
}

StatementSide SideOf(const StatementForm& form, size_t members, size_t all,
                     absl::string_view what = "members") {
  return {form, absl::StrCat(members, " of ", all, " ", what), members != 1};
}

}  // namespace

void GroupConsistency::Restate(const MemberStatement& before,
                               const MemberStatement& after, absl::Time now) {
  if (before.SharesTextWith(after)) return;
  if (!IsCounted(after)) {
    Remove(before);
    return;
  }
  const bool was_counted = IsCounted(before);
  const size_t others = members_ - (was_counted ? 1 : 0);
  members_ = others + 1;
  if (is_consistent()) {
    if (others == 0) {
      Agree(after, now);
      return;
    }
    if (Agrees(after)) return;
    Disagree(others, now);
    Enter(after, 1, now);
    return;
  }
  // First the new camp, so that there is always one.
  Enter(after, 1, now);
  if (was_counted) Leave(before);
}

void GroupConsistency::Remove(const MemberStatement& before) {
  if (!IsCounted(before)) return;
  --members_;
  if (!is_consistent()) {
    Leave(before);
  } else if (members_ == 0) {
    agreed_ = {};
  }
}

bool GroupConsistency::Agrees(const MemberStatement& statement) const {
  // Forms are made only if the texts differ.
  return agreed_.SharesTextWith(statement) ||
         &agreed_.form() == &statement.form();
}

void GroupConsistency::Agree(const MemberStatement& statement,
                             absl::Time since) {
  agreed_ = statement.Share();
  agreed_since_ns_ = absl::ToUnixNanos(since);
}

void GroupConsistency::Disagree(size_t agreeing, absl::Time now) {
  camps_ = std::make_unique<Camps>();
  camps_->since = now;
  Enter(agreed_, agreeing, agreed_since());
  agreed_ = {};
}

void GroupConsistency::Enter(const MemberStatement& statement, size_t members,
                             absl::Time since) {
  std::unique_ptr<Camp>& entry = camps_->by_form[&statement.form()];
  if (entry == nullptr) {
    entry = std::make_unique<Camp>();
    entry->statement = statement.Share();
    entry->number = ++camps_->last_number;
    entry->stated_since = since;
  } else {
    camps_->ranking.erase({entry->members, entry->number});
  }
  entry->members += members;
  camps_->ranking.emplace(Rank{entry->members, entry->number}, entry.get());
}

void GroupConsistency::Leave(const MemberStatement& statement) {
  const auto found = camps_->by_form.find(&statement.form());
  Camp& camp = *found->second;
  camps_->ranking.erase({camp.members, camp.number});
  if (--camp.members > 0) {
    camps_->ranking.emplace(Rank{camp.members, camp.number}, &camp);
    return;
  }
  camps_->by_form.erase(found);
  if (camps_->by_form.size() > 1) return;
  const Camp& last = *camps_->ranking.begin()->second;
  Agree(last.statement, last.stated_since);
  camps_ = nullptr;
}

bool GroupConsistency::IsOdd(const MemberStatement& statement) const {
  return IsCounted(statement) &&
         &statement.form() != &reference().statement.form();
}

std::string GroupConsistency::DescribeOdd(absl::string_view group,
                                          const MemberStatement& odd) const {
  const Camp& most = reference();
  return absl::StrCat(
      "group ", group, ": ",
      DescribeDifference(
          {odd.form(), "this client", /*is_plural=*/false},
          SideOf(most.statement.form(), most.members, members_)));
}

std::string GroupConsistency::Describe() const {
  const Camp& most = reference();
  const Camp& next = *std::next(camps_->ranking.begin())->second;
  return DescribeDifference(
      SideOf(next.statement.form(), next.members, members_),
      SideOf(most.statement.form(), most.members, members_));
}

uint64_t GroupConsistency::CampOf(const MemberStatement& statement) const {
  if (!IsCounted(statement)) return 0;
  if (is_consistent()) return kAgreedNumber;
  return camps_->by_form.at(&statement.form())->number;
}

std::string GroupConsistency::DescribeIfOddAmongOthers(
    absl::string_view group, const MemberStatement& stated,
    absl::Span<const MemberStatement* const> leaving) const {
  if (!IsCounted(stated)) return "";
  const size_t left = static_cast<size_t>(
      std::count_if(leaving.begin(), leaving.end(),
                    [](const MemberStatement* s) { return IsCounted(*s); }));
  const size_t others = members_ - left;
  if (others == 0) return "";
  const StatementForm* form = nullptr;
  size_t members = others;
  if (is_consistent()) {
    if (Agrees(stated)) return "";
    form = &agreed_.form();
  } else {
    // The camps that nobody leaves keep their order. So the reference is the
    // first of these, or one of those that somebody leaves.
    Rank best{0, 0};
    const auto offer = [&](const Camp& camp, size_t leaves) {
      const Rank rank{camp.members - leaves, camp.number};
      if (form != nullptr && !(rank < best)) return;
      best = rank;
      form = &camp.statement.form();
    };
    for (const auto& ranked : camps_->ranking) {
      const Camp& camp = *ranked.second;
      const auto leaves = static_cast<size_t>(std::count_if(
          leaving.begin(), leaving.end(), [&](const MemberStatement* s) {
            return IsCounted(*s) && &s->form() == &camp.statement.form();
          }));
      if (leaves < camp.members) offer(camp, leaves);
      if (leaves == 0) break;
    }
    if (form == &stated.form()) return "";
    members = best.members;
  }
  return absl::StrCat(
      "group ", group, ": ",
      DescribeDifference({stated.form(), "this client", /*is_plural=*/false},
                         SideOf(*form, members, others, "other members")));
}

}  // namespace rmq
