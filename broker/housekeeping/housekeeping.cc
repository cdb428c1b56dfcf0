#include "broker/housekeeping/housekeeping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status Housekeeping::Options::Validate() const {
  if (period <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("housekeeping_period must be positive, got ",
                     absl::FormatDuration(period)));
  }
  return absl::OkStatus();
}

Housekeeping::Housekeeping(const Options& options, ClientTable* table,
                           ConsumerIdsNotifier* notifier, absl::Time now)
    : options_(options),
      table_(*table),
      notifier_(*notifier),
      last_tick_(now) {}

void Housekeeping::Tick(absl::Time now) {
  Pass pass;
  BeginTick(now, &pass);
  FinishScan(now, &pass);
}

void Housekeeping::BeginTick(absl::Time now, Pass* pass) {
  absl::Duration since_last;
  {
    MutexLock lock(&mu_);
    since_last = now - std::exchange(last_tick_, now);
  }
  if (since_last > 2 * options_.period) table_.RaiseHeardFloor(now);
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
