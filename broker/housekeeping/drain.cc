#include "broker/housekeeping/drain.h"

#include <algorithm>
#include <utility>

#include "broker/registry/client_event.h"
#include "common/mutex_lock.h"

namespace rmq {

Drain::Drain(ClientTable* table, ConsumerIdsNotifier* notifier,
             DueListener on_due)
    : table_(*table), notifier_(*notifier), on_due_(std::move(on_due)) {}

bool Drain::Begin(absl::Duration duration, absl::Time now) {
  const size_t left = table_.counts().channels;
  {
    MutexLock lock(&mu_);
    if (progress_.is_last) return false;
    BeginLocked(duration, left, now);
  }
  Report();
  if (on_due_) on_due_(now);
  return true;
}

void Drain::BeginLast(absl::Duration longest, absl::Time now) {
  const size_t left = table_.counts().channels;
  {
    MutexLock lock(&mu_);
    progress_.is_last = true;
    BeginLocked(std::min(longest, static_cast<int64_t>(left) * kSlowestSpacing),
                left, now);
  }
  Report();
  if (on_due_) on_due_(now);
}

void Drain::BeginLocked(absl::Duration duration, size_t left, absl::Time now) {
  if (progress_.state != DrainState::kDraining) {
    ++progress_.drain;
    progress_.clients_at_start = left;
    progress_.closed = 0;
    progress_.started = now;
  }
  progress_.state = DrainState::kDraining;
  progress_.clients_left = left;
  none_is_left_ = false;
  progress_.ends = now + duration;
  ++progress_.begun;
  ++progress_.report;
  progress_.duration = duration;
  closed_up_to_ = now;
  has_newcomers_ = true;
  next_due_ = now;
  next_report_ = now + kProgressPeriod;
  last_return_ = absl::InfinitePast();
  notifier_.StartDraining();
  turns_away_.store(true, std::memory_order_release);
}

bool Drain::Cancel(absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (progress_.is_last) return false;
    if (progress_.state == DrainState::kServing) return true;
    progress_.state = DrainState::kServing;
    progress_.ended = now;
    ++progress_.report;
    has_newcomers_ = false;
    none_is_left_ = false;
    next_due_ = absl::InfiniteFuture();
    turns_away_.store(false, std::memory_order_release);
    notifier_.StopDraining();
  }
  notifier_.Flush(table_, now);
  Report();
  return true;
}

void Drain::CloseAll(absl::Time now) {
  while (listener_ != nullptr && listener_->EndNewcomers(kPieceChannels, now)) {
  }
  uint64_t drain;
  {
    MutexLock lock(&mu_);
    drain = progress_.drain;
    has_newcomers_ = false;
  }
  while (CloseSome(drain, kPieceChannels, now)) {
  }
}

absl::optional<ChannelEnd> Drain::TurnAway(absl::Time now) {
  if (!turns_away_.load(std::memory_order_acquire)) return absl::nullopt;
  MutexLock lock(&mu_);
  return ChannelEnd(RemovalReason::kDrained, TakeReturnLocked(now));
}

DrainProgress Drain::progress() const {
  const size_t left = table_.counts().channels;
  MutexLock lock(&mu_);
  DrainProgress progress = progress_;
  progress.clients_left = left;
  return progress;
}

Drain::Counts Drain::counts() const {
  MutexLock lock(&mu_);
  return {progress_.state != DrainState::kServing, drained_};
}

absl::Time Drain::NextDue() {
  MutexLock lock(&mu_);
  return next_due_;
}

void Drain::Run(absl::Time now) {
  if (now < NextDue()) return;
  const size_t left = table_.counts().channels;
  uint64_t drain;
  size_t due;
  bool has_newcomers;
  {
    MutexLock lock(&mu_);
    if (is_running_ || progress_.state == DrainState::kServing) return;
    is_running_ = true;
    drain = progress_.drain;
    due = TakeDueLocked(left, now);
    has_newcomers = std::exchange(has_newcomers_, false);
  }
  const bool more_newcomers = has_newcomers && listener_ != nullptr &&
                              listener_->EndNewcomers(kPieceChannels, now);
  const bool more = due > 0 ? CloseSome(drain, due, now) : left > 0;
  bool reports = false;
  bool serves = false;
  {
    MutexLock lock(&mu_);
    is_running_ = false;
    serves = progress_.state == DrainState::kServing;
    if (!serves && progress_.drain == drain) {
      has_newcomers_ |= more_newcomers;
      progress_.clients_left = left - std::min(due, left);
      // Otherwise CloseSome() has looked.
      if (!more && due == 0) reports = EndIfAllGoneLocked(drain, now);
      if (progress_.state == DrainState::kDraining && now >= next_report_) {
        reports = true;
        ++progress_.report;
      }
      if (now >= next_report_) next_report_ = now + kProgressPeriod;
      next_due_ = has_newcomers_ ? now : next_report_;
      if (progress_.state == DrainState::kDraining) {
        const absl::Time next_close =
            closed_up_to_ + SpacingLocked(progress_.clients_left);
        next_due_ = std::min(
            next_due_,
            next_close <= now ? now : std::max(next_close, now + kGranularity));
      }
    }
  }
  // What the piece changed was told to a notifier that does not drain any more.
  if (serves) notifier_.Flush(table_, now);
  if (reports) Report();
}

absl::Duration Drain::SpacingLocked(size_t left) const {
  if (left == 0) return absl::InfiniteDuration();
  const absl::Duration spacing =
      (progress_.ends - closed_up_to_) / static_cast<int64_t>(left);
  return std::max(
      progress_.is_last ? std::min(spacing, kSlowestSpacing) : spacing,
      absl::ZeroDuration());
}

size_t Drain::TakeDueLocked(size_t left, absl::Time now) {
  const size_t most = std::min(left, kPieceChannels);
  // Those that are left came by calls that had passed the gate already.
  if (progress_.state == DrainState::kDrained || now >= progress_.ends) {
    return most;
  }
  if (most == 0 || now <= closed_up_to_) return 0;
  const absl::Duration spacing = SpacingLocked(left);
  if (spacing == absl::ZeroDuration()) return most;
  absl::Duration rest;
  const int64_t due =
      std::min(absl::IDivDuration(now - closed_up_to_, spacing, &rest),
               static_cast<int64_t>(most));
  closed_up_to_ += due * spacing;
  if (progress_.is_last) {
    progress_.ends = std::min(
        progress_.ends,
        closed_up_to_ + static_cast<int64_t>(left - due) * kSlowestSpacing);
  }
  return static_cast<size_t>(due);
}

absl::Duration Drain::TakeReturnLocked(absl::Time now) {
  const absl::Time first =
      std::clamp(progress_.ends, now, now + kLongestStay) + kReturnDelay;
  const absl::Time next = last_return_ + kReturnSpacing;
  last_return_ = next < first || next > first + kReturnSpread ? first : next;
  return last_return_ - now;
}

bool Drain::EndIfAllGoneLocked(uint64_t drain, absl::Time now) {
  if (progress_.state != DrainState::kDraining || progress_.drain != drain) {
    return false;
  }
  none_is_left_ = true;
  if (closing_ > 0) return false;
  progress_.state = DrainState::kDrained;
  progress_.ended = now;
  ++progress_.report;
  return true;
}

bool Drain::CloseSome(uint64_t drain, size_t max, absl::Time now) {
  {
    MutexLock lock(&mu_);
    ++closing_;
  }
  std::vector<ClientChannelPtr> closed;
  const bool more =
      table_.CloseSome(RemovalReason::kDrained, max, now, &closed);
  std::vector<absl::Duration> returns;
  bool is_over;
  {
    MutexLock lock(&mu_);
    for (size_t i = 0; i < closed.size(); ++i) {
      returns.push_back(TakeReturnLocked(now));
    }
    if (progress_.drain == drain) progress_.closed += closed.size();
    drained_ += closed.size();
    --closing_;
    is_over = (!more || none_is_left_) && EndIfAllGoneLocked(drain, now);
  }
  for (size_t i = 0; i < closed.size(); ++i) {
    closed[i]->End({RemovalReason::kDrained, returns[i]});
  }
  if (is_over) Report();
  return more;
}

void Drain::Report() {
  if (listener_ == nullptr) return;
  {
    MutexLock lock(&mu_);
    if (std::exchange(is_reporting_, true)) {
      reports_again_ = true;
      return;
    }
  }
  while (true) {
    listener_->OnDrainProgress(progress());
    MutexLock lock(&mu_);
    if (!std::exchange(reports_again_, false)) {
      is_reporting_ = false;
      return;
    }
  }
}

}  // namespace rmq
