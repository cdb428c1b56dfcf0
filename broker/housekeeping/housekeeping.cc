#include "broker/housekeeping/housekeeping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/channel_expiries.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// How late a tick may come. A quarter, so that a client that heartbeats four
// times an expiry is not expired for an absence of the broker that is not
// noticed: one wait and one bound. Not less than a thread may be late on a busy
// machine, or each tick would look like an absence.
absl::Duration LatenessBound(absl::Duration shortest_expiry) {
  return std::clamp(shortest_expiry / 4, Housekeeping::kLeastLateness,
                    Housekeeping::kMostLateness);
}

}  // namespace

absl::Status Housekeeping::Options::Validate() const {
  if (period <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("housekeeping_period must be positive, got ",
                     absl::FormatDuration(period)));
  }
  return absl::OkStatus();
}

Housekeeping::Housekeeping(const Options& options, ClientTable* table,
                           ConsumerIdsNotifier* notifier, absl::Time now,
                           DueListener on_due)
    : options_(options),
      table_(*table),
      notifier_(*notifier),
      on_due_(std::move(on_due)),
      tick_by_(now + LongestWait(table->Outlook().shortest)) {
  table_.set_sooner_listener([this](absl::Time now) { OnSooner(now); });
}

absl::Duration Housekeeping::LongestWait(absl::Duration shortest_expiry) const {
  return std::min(options_.period, LatenessBound(shortest_expiry));
}

absl::Time Housekeeping::NextTick() const {
  const absl::Time next_due = table_.Outlook().next_due;
  MutexLock lock(&mu_);
  return std::min(tick_by_, next_due);
}

void Housekeeping::OnSooner(absl::Time now) {
  const absl::Duration wait = LongestWait(table_.Outlook().shortest);
  {
    MutexLock lock(&mu_);
    tick_by_ = std::min(tick_by_, now + wait);
  }
  if (on_due_) on_due_(NextTick());
}

void Housekeeping::Tick(absl::Time now) {
  Pass pass;
  BeginTick(now, &pass);
  FinishScan(now, &pass);
}

void Housekeeping::BeginTick(absl::Time now, Pass* pass) {
  const ExpiryOutlook outlook = table_.Outlook();
  absl::Time due = outlook.next_due;
  {
    MutexLock lock(&mu_);
    due = std::min(
        due, std::exchange(tick_by_, now + LongestWait(outlook.shortest)));
  }
  if (now > due + LatenessBound(outlook.shortest)) table_.RaiseHeardFloor(now);
  BeginScan(now, pass);
}

void Housekeeping::Scan(absl::Time now) {
  Pass pass;
  BeginScan(now, &pass);
  FinishScan(now, &pass);
}

void Housekeeping::BeginScan(absl::Time now, Pass* pass) {
  table_.BeginScan(now);
  if (!std::exchange(pass->more_to_scan_, true)) {
    pass->push_at_ = now + options_.period;
  }
}

void Housekeeping::ContinueScan(absl::Time now, Pass* pass) {
  std::vector<ClientChannelPtr>& to_end = pass->to_end_;
  if (pass->more_to_scan_) {
    for (size_t i = 0; pass->more_to_scan_ && i < kPiecesInAStep; ++i) {
      pass->more_to_scan_ = table_.ScanSome(now, kPieceChannels, &to_end);
    }
    if (!pass->more_to_scan_ || now >= pass->push_at_ ||
        notifier_.TakeMissedFlush()) {
      notifier_.Flush(table_, now);
      pass->push_at_ = now + options_.period;
    }
    if (pass->more_to_scan_) return;
  }
  const size_t stop = std::min(to_end.size(), pass->ended_ + kEndsInAStep);
  for (; pass->ended_ < stop; ++pass->ended_) {
    to_end[pass->ended_]->End(RemovalReason::kExpired);
  }
  if (pass->ended_ == to_end.size()) {
    to_end.clear();
    pass->ended_ = 0;
  }
}

void Housekeeping::FinishScan(absl::Time now, Pass* pass) {
  while (!pass->is_over()) ContinueScan(now, pass);
}

void Housekeeping::OnChannelClose(ClientChannel& channel, RemovalReason reason,
                                  absl::Time now) {
  if (table_.Close(channel, reason, now)) notifier_.Flush(table_, now);
}

}  // namespace rmq
