#include "broker/notify/consumer_ids_notifier.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status ConsumerIdsNotifier::Options::Validate() const {
  if (notify_window < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("notify_window must not be negative, got ",
                     absl::FormatDuration(notify_window)));
  }
  return absl::OkStatus();
}

void ConsumerIdsNotifier::OnClientEvent(const ClientEvent& event) {
  if (event.type != EventType::kChange || !options_.enabled) return;
  MutexLock lock(&mu_);
  if (draining_) return;
  ++counts_.changes;
  if (!dirty_.insert(event.group).second) ++counts_.coalesced;
}

bool ConsumerIdsNotifier::BeginFlushLocked(absl::Time now,
                                           absl::Time* deadline) {
  if (!dirty_.empty()) {
    if (dirty_since_ == absl::InfiniteFuture()) {
      dirty_since_ = now;
      *deadline = now + options_.notify_window;
    }
    if (now >= dirty_since_ + options_.notify_window) {
      *deadline = absl::InfiniteFuture();
      dirty_since_ = absl::InfiniteFuture();
      for (auto group = dirty_.begin(); group != dirty_.end();) {
        due_.insert(std::move(dirty_.extract(group++).value()));
      }
    }
  }
  return has_rounds_locked() && now >= paused_until_;
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
  absl::Time deadline = absl::InfiniteFuture();
  // Asked before `dirty_` is looked at: what is not in there by then is
  // delivered later, and whoever delivers it finds `missed_flush_`.
  const bool others_deliver = table.IsDelivering();
  bool begins;
  {
    MutexLock lock(&mu_);
    missed_flush_ = others_deliver;
    begins = BeginFlushLocked(now, &deadline);
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
    int64_t pushes = 0;
    for (const ClientChannelPtr& channel : channels) {
      if (channel->kind() != ClientChannel::Kind::kStream) continue;
      channel->NotifyConsumerIdsChanged(round.group);
      ++pushes;
    }
    left -= std::max<size_t>(channels.size(), 1);
    MutexLock lock(&mu_);
    counts_.pushes += pushes;
    if (round.cursor != 0 && !draining_) begun_.push_back(std::move(round));
    const bool pauses = left == 0 && has_rounds_locked();
    paused_until_ = pauses ? now + kPause : absl::InfinitePast();
    if (pauses) deadline = paused_until_;
  }
  if (deadline != absl::InfiniteFuture() && on_deadline_) {
    on_deadline_(deadline);
  }
}

bool ConsumerIdsNotifier::TakeMissedFlush() {
  MutexLock lock(&mu_);
  return std::exchange(missed_flush_, false);
}

absl::Time ConsumerIdsNotifier::NextDeadline() const {
  MutexLock lock(&mu_);
  const absl::Time window_ends = dirty_since_ + options_.notify_window;
  return has_rounds_locked() ? std::min(window_ends, paused_until_)
                             : window_ends;
}

void ConsumerIdsNotifier::StartDraining() {
  MutexLock lock(&mu_);
  draining_ = true;
  dirty_.clear();
  dirty_since_ = absl::InfiniteFuture();
  due_.clear();
  begun_.clear();
}

ConsumerIdsNotifier::Counts ConsumerIdsNotifier::counts() const {
  MutexLock lock(&mu_);
  return counts_;
}

}  // namespace rmq
