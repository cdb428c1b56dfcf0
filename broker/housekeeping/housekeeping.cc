#include "broker/housekeeping/housekeeping.h"

#include <utility>
#include <vector>

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
  absl::Duration since_last;
  {
    MutexLock lock(&mu_);
    since_last = now - std::exchange(last_tick_, now);
  }
  if (since_last > 2 * options_.period) table_.RaiseHeardFloor(now);
  Scan(now);
}

void Housekeeping::Scan(absl::Time now) {
  table_.BeginScan(now);
  std::vector<ClientChannelPtr> ended;
  bool more = true;
  while (more) {
    ended.clear();
    for (size_t i = 0; more && i < kPiecesBeforePushes; ++i) {
      more = table_.ScanSome(now, kPieceChannels, &ended);
    }
    notifier_.Flush(table_, now);
    for (const ClientChannelPtr& channel : ended) {
      channel->End(RemovalReason::kExpired);
    }
  }
}

void Housekeeping::OnChannelClose(ClientChannel& channel, RemovalReason reason,
                                  absl::Time now) {
  if (table_.Close(channel, reason)) notifier_.Flush(table_, now);
}

}  // namespace rmq
