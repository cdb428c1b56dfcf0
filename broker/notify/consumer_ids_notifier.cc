#include "broker/notify/consumer_ids_notifier.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/membership_snapshot.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// The first multiple of `step` that is not before `time`.
absl::Time RoundUp(absl::Time time, absl::Duration step) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), step);
}

}  // namespace

absl::Status ConsumerIdsNotifier::Options::Validate() const {
  if (notify_window < absl::ZeroDuration() || notify_window > kLongestWindow) {
    return absl::InvalidArgumentError(absl::StrCat(
        "notify_window must be 0 to ", absl::FormatDuration(kLongestWindow),
        ", got ", absl::FormatDuration(notify_window)));
  }
  return absl::OkStatus();
}

void ConsumerIdsNotifier::Needs::Add(const Needs& more) {
  change |= more.change;
  members_changed |= more.members_changed;
  topics_changed |= more.topics_changed;
  resend |= more.resend;
}

void ConsumerIdsNotifier::OnClientEvent(const ClientEvent& event) {
  if (!options_.enabled) return;
  if (event.type == EventType::kClientUnregister) {
    MutexLock lock(&mu_);
    if (!draining_) departures_.Note(event);
    return;
  }
  if (event.type == EventType::kUnregister &&
      event.kind == GroupKind::kConsumer) {
    MutexLock lock(&mu_);
    if (!draining_) return;
    // Its kChange follows, and tells nobody.
    dirty_.erase(event.group);
    ended_group_ = event.group;
    ended_at_ = event.revision;
    return;
  }
  if (event.type != EventType::kChange) return;
  Needs needs;
  needs.change = true;
  needs.members_changed = event.members_changed;
  needs.topics_changed = event.topics_changed;
  MutexLock lock(&mu_);
  ++counts_.changes;
  if (draining_) {
    const bool has_ended =
        event.revision == ended_at_ && event.group == ended_group_;
    if (!has_ended) dirty_[event.group].Add(needs);
    return;
  }
  departures_.Note(event);
  const auto window = windows_.find(event.group);
  Needs& dirty = dirty_[event.group];
  const bool waits = window != windows_.end() && window->second.needs.change;
  if (waits || dirty.change) ++counts_.coalesced;
  dirty.Add(needs);
}

void ConsumerIdsNotifier::OnEventsDelivered() {
  MutexLock lock(&mu_);
  departures_.EndDelivery();
}

void ConsumerIdsNotifier::Resend(absl::string_view group) {
  if (!options_.enabled) return;
  MutexLock lock(&mu_);
  dirty_[group].resend = true;
}

bool ConsumerIdsNotifier::BeginFlushLocked(absl::Time now) {
  if (draining_) return false;
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    std::string group =
        std::move(waiting_.extract(waiting_.begin()).value().second);
    const Needs needs = windows_.extract(group).mapped().needs;
    MakeDueLocked(std::move(group), needs, now);
  }
  for (; !ends_.empty() && ends_.front().first <= now; ends_.pop_front()) {
    const auto window = windows_.find(ends_.front().second);
    // Otherwise a later one of the group.
    if (window != windows_.end() && window->second.ends <= now) {
      windows_.erase(window);
    }
  }
  for (const auto& [group, needs] : std::exchange(dirty_, {})) {
    const auto window = windows_.find(group);
    if (window == windows_.end()) {
      MakeDueLocked(group, needs, now);
      continue;
    }
    if (!window->second.needs.any()) {
      waiting_.emplace(window->second.ends, group);
    }
    window->second.needs.Add(needs);
  }
  return has_rounds_locked() && now >= paused_until_;
}

void ConsumerIdsNotifier::MakeDueLocked(std::string group, const Needs& needs,
                                        absl::Time now) {
  if (options_.notify_window > absl::ZeroDuration()) {
    const absl::Time ends =
        RoundUp(now + options_.notify_window,
                std::max(options_.notify_window / kEndsInAWindow,
                         absl::Nanoseconds(1)));
    windows_[group] = Window{ends, {}};
    ends_.emplace_back(ends, group);
  }
  const auto under_way = under_way_.find(group);
  (under_way == under_way_.end() ? due_[std::move(group)] : under_way->second)
      .Add(needs);
}

void ConsumerIdsNotifier::EndRoundLocked(const std::string& group) {
  const auto found = under_way_.find(group);
  if (found->second.any()) {
    (draining_ ? dirty_[group] : due_[group]).Add(found->second);
  }
  under_way_.erase(found);
}

bool ConsumerIdsNotifier::TakeRoundLocked(Round* round) {
  if (!begun_.empty()) {
    *round = std::move(begun_.back());
    begun_.pop_back();
    return true;
  }
  if (due_.empty()) return false;
  auto due = due_.extract(due_.begin());
  *round = {due.key(), due.mapped(), nullptr, 0, {}};
  // Before the snapshot is read, which then lacks them.
  if (round->needs.change) round->departed = departures_.Take(round->group);
  under_way_.emplace(round->group, Needs());
  return true;
}

std::shared_ptr<const MembershipPush> ConsumerIdsNotifier::PushTo(
    const PushTarget& target, const Round& round) {
  PushContent& content = *round.content;
  // Who joined after the snapshot is told by the next round: the group is dirty
  // again.
  if (target.channel->kind() != ClientChannel::Kind::kStream ||
      target.joined > content.epoch() ||
      target.acknowledged > content.epoch() ||
      !(round.needs.change || target.wants_push)) {
    return nullptr;
  }
  if (target.acknowledged == content.epoch()) {
    return round.needs.topics_changed ? content.Bare() : nullptr;
  }
  if (target.acknowledged == 0 && !round.needs.members_changed) {
    return content.Bare();
  }
  return content.From(target.acknowledged);
}

size_t ConsumerIdsNotifier::PushSome(ClientTable& table, absl::Time now,
                                     size_t max, Round* round) {
  if (round->content == nullptr) {
    absl::optional<MembershipSnapshot> snapshot =
        table.ReadMembership(round->group);
    if (!snapshot.has_value()) return 0;  // The group has gone.
    round->content =
        std::make_unique<PushContent>(round->group, *std::move(snapshot));
  }
  const MembershipSnapshot& snapshot = round->content->snapshot();
  PushRound pushed;
  pushed.group = round->group;
  pushed.epoch = snapshot.epoch;
  pushed.oldest_base = snapshot.oldest_base;
  pushed.has_client_ids = !snapshot.client_ids.empty();
  pushed.tells_all = round->needs.members_changed;
  pushed.marked_only = !round->needs.change;
  std::vector<PushTarget> targets;
  table.ListPushTargets(pushed, now, max, &round->cursor, &targets);
  Counts made;
  for (const PushTarget& target : targets) {
    std::shared_ptr<const MembershipPush> push = PushTo(target, *round);
    if (push == nullptr) continue;
    ++made.pushes;
    ++made.pushes_of_kind[static_cast<size_t>(KindOf(*push))];
    if (target.wants_push) ++made.resent;
    target.channel->Push(std::move(push));
  }
  MutexLock lock(&mu_);
  counts_.pushes += made.pushes;
  counts_.resent += made.resent;
  for (size_t i = 0; i < kPushKinds; ++i) {
    counts_.pushes_of_kind[i] += made.pushes_of_kind[i];
  }
  if (made.pushes > 0) {
    for (const absl::Time heard : std::exchange(round->departed, {})) {
      counts_.detection.Add(now - heard);
    }
  }
  return targets.size();
}

void ConsumerIdsNotifier::Flush(ClientTable& table, absl::Time now) {
  // Asked before `dirty_` is looked at: what is not in there by then is
  // delivered later, and whoever delivers it finds `missed_flush_`.
  const bool others_deliver = table.IsDelivering();
  bool begins;
  {
    MutexLock lock(&mu_);
    missed_flush_ = others_deliver;
    begins = BeginFlushLocked(now);
  }
  Round round;
  for (size_t left = begins ? kMostPushes : 0; left > 0;) {
    {
      MutexLock lock(&mu_);
      if (!TakeRoundLocked(&round)) break;
    }
    left -= std::max<size_t>(PushSome(table, now, left, &round), 1);
    MutexLock lock(&mu_);
    if (round.cursor == 0) {
      EndRoundLocked(round.group);
    } else if (draining_) {
      dirty_[round.group].Add(round.needs);
      EndRoundLocked(round.group);
    } else {
      begun_.push_back(std::move(round));
    }
    const bool pauses = left == 0 && has_rounds_locked();
    paused_until_ = pauses ? now + kPause : absl::InfinitePast();
  }
  ReportDeadline(now);
}

void ConsumerIdsNotifier::ReportDeadline(absl::Time now) {
  absl::Time deadline;
  {
    MutexLock lock(&mu_);
    if (reported_deadline_ <= now) reported_deadline_ = absl::InfiniteFuture();
    deadline = NextDeadlineLocked();
    if (deadline >= reported_deadline_) return;
    reported_deadline_ = deadline;
  }
  if (on_deadline_) on_deadline_(deadline);
}

bool ConsumerIdsNotifier::TakeMissedFlush() {
  MutexLock lock(&mu_);
  return std::exchange(missed_flush_, false);
}

absl::Time ConsumerIdsNotifier::NextDeadline() const {
  MutexLock lock(&mu_);
  return NextDeadlineLocked();
}

absl::Time ConsumerIdsNotifier::NextDeadlineLocked() const {
  const absl::Time window_ends =
      waiting_.empty() ? absl::InfiniteFuture() : waiting_.begin()->first;
  return has_rounds_locked() ? std::min(window_ends, paused_until_)
                             : window_ends;
}

void ConsumerIdsNotifier::StartDraining() {
  MutexLock lock(&mu_);
  if (std::exchange(draining_, true)) return;
  for (const auto& [group, needs] : due_) dirty_[group].Add(needs);
  for (const auto& [group, window] : windows_) {
    if (window.needs.any()) dirty_[group].Add(window.needs);
  }
  // Those that a thread works on end with its piece.
  for (const Round& round : begun_) {
    dirty_[round.group].Add(round.needs);
    EndRoundLocked(round.group);
  }
  due_.clear();
  windows_.clear();
  ends_.clear();
  waiting_.clear();
  begun_.clear();
  departures_.Clear();
}

void ConsumerIdsNotifier::StopDraining() {
  MutexLock lock(&mu_);
  draining_ = false;
}

ConsumerIdsNotifier::Counts ConsumerIdsNotifier::counts() const {
  MutexLock lock(&mu_);
  return counts_;
}

}  // namespace rmq
