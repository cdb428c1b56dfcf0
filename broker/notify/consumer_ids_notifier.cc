#include "broker/notify/consumer_ids_notifier.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/registry/membership_push.h"
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

void ConsumerIdsNotifier::OnClientEvent(const ClientEvent& event) {
  if (event.type != EventType::kChange || !options_.enabled) return;
  MutexLock lock(&mu_);
  if (draining_) return;
  ++counts_.changes;
  const auto window = windows_.find(event.group);
  const bool waits = window != windows_.end() && window->second.is_dirty;
  if (waits || !dirty_.insert(event.group).second) ++counts_.coalesced;
}

bool ConsumerIdsNotifier::BeginFlushLocked(absl::Time now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    std::string group =
        std::move(waiting_.extract(waiting_.begin()).value().second);
    windows_.erase(group);
    MakeDueLocked(std::move(group), now);
  }
  for (; !ends_.empty() && ends_.front().first <= now; ends_.pop_front()) {
    const auto window = windows_.find(ends_.front().second);
    // Otherwise a later one of the group.
    if (window != windows_.end() && window->second.ends <= now) {
      windows_.erase(window);
    }
  }
  for (auto next = dirty_.begin(); next != dirty_.end();) {
    std::string group = std::move(dirty_.extract(next++).value());
    const auto window = windows_.find(group);
    if (window == windows_.end()) {
      MakeDueLocked(std::move(group), now);
    } else if (!std::exchange(window->second.is_dirty, true)) {
      waiting_.emplace(window->second.ends, std::move(group));
    }
  }
  return has_rounds_locked() && now >= paused_until_;
}

void ConsumerIdsNotifier::MakeDueLocked(std::string group, absl::Time now) {
  if (options_.notify_window > absl::ZeroDuration()) {
    const absl::Time ends =
        RoundUp(now + options_.notify_window,
                std::max(options_.notify_window / kEndsInAWindow,
                         absl::Nanoseconds(1)));
    windows_[group] = Window{ends};
    ends_.emplace_back(ends, group);
  }
  due_.insert(std::move(group));
}

bool ConsumerIdsNotifier::TakeRoundLocked(Round* round) {
  if (!begun_.empty()) {
    *round = std::move(begun_.back());
    begun_.pop_back();
    return true;
  }
  if (due_.empty()) return false;
  *round = {std::move(due_.extract(due_.begin()).value())};
  return true;
}

void ConsumerIdsNotifier::Flush(const ClientTable& table, absl::Time now) {
  // Asked before `dirty_` is looked at: what is not in there by then is
  // delivered later, and whoever delivers it finds `missed_flush_`.
  const bool others_deliver = table.IsDelivering();
  bool begins;
  {
    MutexLock lock(&mu_);
    missed_flush_ = others_deliver;
    begins = BeginFlushLocked(now);
  }
  std::vector<ClientChannelPtr> channels;
  Round round;
  for (size_t left = begins ? kMostPushes : 0; left > 0;) {
    {
      MutexLock lock(&mu_);
      if (!TakeRoundLocked(&round)) break;
    }
    channels.clear();
    table.ListChannels(round.group, left, &round.cursor, &channels);
    const auto push = std::make_shared<MembershipPush>();
    push->group = round.group;
    int64_t pushes = 0;
    for (const ClientChannelPtr& channel : channels) {
      if (channel->kind() != ClientChannel::Kind::kStream) continue;
      channel->Push(push);
      ++pushes;
    }
    left -= std::max<size_t>(channels.size(), 1);
    MutexLock lock(&mu_);
    counts_.pushes += pushes;
    if (round.cursor != 0 && !draining_) begun_.push_back(std::move(round));
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
  draining_ = true;
  dirty_.clear();
  due_.clear();
  windows_.clear();
  ends_.clear();
  waiting_.clear();
  begun_.clear();
}

ConsumerIdsNotifier::Counts ConsumerIdsNotifier::counts() const {
  MutexLock lock(&mu_);
  return counts_;
}

}  // namespace rmq
