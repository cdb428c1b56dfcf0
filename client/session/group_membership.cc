#include "client/session/group_membership.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using Push = GroupMembership::Push;

// No client id has come or gone: another stream of a client id has, or the
// topics have changed.
bool IsBare(const Push& push) {
  return !push.complete() && push.base_epoch() == push.epoch();
}

bool HasList(const Push& push) {
  return push.complete() && push.client_ids_size() > 0;
}

bool HasKnownChanges(const Push& push) {
  return !push.complete() && !IsBare(push) &&
         std::all_of(push.changes().begin(), push.changes().end(),
                     [](const v1::MemberChange& change) {
                       return change.type() == v1::MemberChange::TYPE_JOINED ||
                              change.type() == v1::MemberChange::TYPE_LEFT;
                     });
}

absl::optional<RemovalReason> ReasonOf(const v1::MemberChange& change) {
  const int reason = change.reason();
  if (reason < v1::REMOVAL_REASON_UNREGISTERED ||
      reason > v1::REMOVAL_REASON_DRAINED) {
    return absl::nullopt;
  }
  return static_cast<RemovalReason>(reason - 1);
}

void SortEachOnce(std::vector<std::string>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

}  // namespace

void GroupMembership::Want(absl::Time now) {
  if (std::exchange(wanted_, true)) return;
  if (!accepted_) return;
  report_due_ = true;
  ListBy(now);
}

void GroupMembership::OnAccepted(uint64_t incarnation, uint64_t epoch,
                                 absl::Duration interval, absl::Time now) {
  interval_ = interval;
  known_epoch_ = std::max(known_epoch_, epoch);
  if (!std::exchange(accepted_, true)) {
    numbered_ = epoch != 0;
    first_epoch_ = epoch;
    if (!numbered_ || incarnation != incarnation_) {
      valid_ = false;
      epoch_ = 0;
    }
    incarnation_ = incarnation;
    acknowledge_due_ = valid_;
    report_due_ = true;
    failures_ = 0;
    if (early_.has_value()) Apply(*std::exchange(early_, absl::nullopt), now);
  }
  ListBy(numbered_ ? now + Patience() : now);
}

bool GroupMembership::OnPush(const Push& push, absl::Time now) {
  const bool is_news =
      push.epoch() == 0 || IsBare(push) || push.epoch() > pushed_epoch_;
  pushed_epoch_ = std::max(pushed_epoch_, push.epoch());
  if (accepted_) {
    Apply(push, now);
  } else if (!early_.has_value() || push.epoch() >= early_->epoch()) {
    // Whether the list that is held may be changed by it is not known yet.
    if (!early_.has_value() || !IsBare(push)) early_ = push;
  }
  return is_news;
}

void GroupMembership::OnStreamLost() {
  accepted_ = false;
  numbered_ = false;
  changed_ = false;
  first_epoch_ = 0;
  known_epoch_ = 0;
  pushed_epoch_ = 0;
  early_.reset();
  acknowledge_due_ = false;
  acknowledged_ = 0;
  listing_.reset();
  asking_ = false;
  list_at_ = absl::InfiniteFuture();
}

void GroupMembership::Apply(const Push& push, absl::Time now) {
  known_epoch_ = std::max(known_epoch_, push.epoch());
  if (!wanted_) return;
  if (!numbered_) {
    changed_ = true;
    ListBy(now);
    return;
  }
  if (push.epoch() <= epoch_) {
    // The broker repeats itself if it has not read what was acknowledged.
    if (!IsBare(push) && push.base_epoch() < epoch_) acknowledge_due_ = true;
    return;
  }
  if (HasList(push)) {
    Hold({push.client_ids().begin(), push.client_ids().end()}, push.epoch());
  } else if (HasKnownChanges(push) && valid_ && push.base_epoch() <= epoch_) {
    ApplyChanges(push);
  } else if (!IsBare(push) && push.base_epoch() == epoch_) {
    ListBy(now);
  }
  ListBy(now + Patience());
}

void GroupMembership::ApplyChanges(const Push& push) {
  // Each client id is there once; else its last change counts.
  absl::flat_hash_map<absl::string_view, const v1::MemberChange*> changes;
  for (const v1::MemberChange& change : push.changes()) {
    changes[change.client_id()] = &change;
  }
  Ids ids;
  ids.reserve(ids_->size() + changes.size());
  std::copy_if(ids_->begin(), ids_->end(), std::back_inserter(ids),
               [&](const std::string& id) { return !changes.contains(id); });
  for (const auto& [id, change] : changes) {
    if (change->type() == v1::MemberChange::TYPE_JOINED) {
      ids.emplace_back(id);
      reasons_.erase(id);
    } else {
      reasons_[id] = ReasonOf(*change);
    }
  }
  Hold(std::move(ids), push.epoch());
}

void GroupMembership::Hold(Ids ids, uint64_t epoch) {
  SortEachOnce(&ids);
  if (ids != *ids_) ids_ = std::make_shared<const Ids>(std::move(ids));
  valid_ = true;
  epoch_ = epoch;
  known_epoch_ = std::max(known_epoch_, epoch);
  acknowledge_due_ = true;
  // What was to be asked for is known, or is pushed once this is acknowledged.
  list_at_ = absl::InfiniteFuture();
  failures_ = 0;
  if (IsCurrent()) listing_.reset();  // What is being listed is no newer.
}

bool GroupMembership::IsCurrent() const {
  return valid_ && (numbered_ ? epoch_ >= known_epoch_ : !changed_);
}

void GroupMembership::ListBy(absl::Time when) {
  if (!wanted_ || IsCurrent()) return;
  list_at_ = std::min(list_at_, when);
}

absl::Duration GroupMembership::Patience() const {
  return expects_pushes_ ? std::min(kPushPatience, interval_)
                         : absl::ZeroDuration();
}

uint64_t GroupMembership::TakeAcknowledgment() {
  CHECK(has_acknowledgment());
  acknowledge_due_ = false;
  return acknowledged_ = epoch_;
}

absl::Time GroupMembership::NextPage() const {
  if (asking_ || !accepted_) return absl::InfiniteFuture();
  return listing_.has_value() ? absl::InfinitePast() : list_at_;
}

GroupMembership::PageRequest GroupMembership::TakePageRequest() {
  CHECK(!std::exchange(asking_, true));
  if (!listing_.has_value()) {
    listing_.emplace();
    list_at_ = absl::InfiniteFuture();
    changed_ = false;
  }
  PageRequest request;
  request.set_group(group_);
  request.set_page_token(listing_->next_page_token);
  return request;
}

void GroupMembership::OnPage(const Page& page, absl::Time now) {
  asking_ = false;
  if (!listing_.has_value()) {  // A push has told all meanwhile.
    ListBy(now + Patience());
    return;
  }
  Listing& listing = *listing_;
  const bool is_first = listing.pages++ == 0;
  if ((numbered_ && page.epoch() == 0) ||
      (!is_first && page.epoch() != listing.epoch) ||
      (listing.pages == kMaxPages && !page.next_page_token().empty())) {
    OnPageRefused(now);
    return;
  }
  listing.epoch = page.epoch();
  listing.ids.insert(listing.ids.end(), page.client_ids().begin(),
                     page.client_ids().end());
  listing.next_page_token = page.next_page_token();
  if (!listing.next_page_token.empty()) return;
  OnListed(*std::exchange(listing_, absl::nullopt), now);
}

void GroupMembership::OnListed(Listing listing, absl::Time now) {
  failures_ = 0;
  if (!numbered_) {
    Hold(std::move(listing.ids), 0);
    ListBy(now);  // If there was a push meanwhile.
    return;
  }
  if (listing.epoch > epoch_) Hold(std::move(listing.ids), listing.epoch);
  ListBy(now + Patience());
}

void GroupMembership::OnPageRefused(absl::Time now) {
  asking_ = false;
  listing_.reset();
  if (!numbered_) changed_ = true;
  const absl::Duration delay =
      std::min(kPushPatience * (1 << std::min(failures_++, 16)), interval_);
  list_at_ = absl::InfiniteFuture();
  ListBy(now + delay);
}

absl::optional<MembershipReport> GroupMembership::TakeReport() {
  if (!wanted_ || !valid_ || !accepted_) return absl::nullopt;
  const bool due = report_due_ && epoch_ >= first_epoch_;
  static const Ids& kNobody = *new Ids;
  const Ids& before = told_ == nullptr ? kNobody : *told_;
  if (!due && (ids_ == told_ || *ids_ == before)) {
    reasons_.clear();
    return absl::nullopt;
  }
  MembershipReport report;
  report.epoch = epoch_;
  report.members = ids_;
  std::set_difference(ids_->begin(), ids_->end(), before.begin(), before.end(),
                      std::back_inserter(report.joined));
  Ids left;
  std::set_difference(before.begin(), before.end(), ids_->begin(), ids_->end(),
                      std::back_inserter(left));
  for (std::string& id : left) {
    const auto reason = reasons_.find(id);
    DepartedMember& member = report.left.emplace_back();
    if (reason != reasons_.end()) member.reason = reason->second;
    member.client_id = std::move(id);
  }
  reasons_.clear();
  if (due) report_due_ = false;
  told_ = ids_;
  return report;
}

}  // namespace rmq
