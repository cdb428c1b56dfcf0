#include "broker/registry/channel_payers.h"

#include <algorithm>

namespace rmq {

void ChannelPayers::Remove(const Payer& payer) {
  const auto found = payers_.find(payer);
  if (found != payers_.end() && --found->second.channels == 0) {
    payers_.erase(found);
  }
}

size_t ChannelPayers::channels(const Payer& payer) const {
  const auto found = payers_.find(payer);
  return found == payers_.end() ? 0 : found->second.channels;
}

absl::Time ChannelPayers::MayChangeAt(const Payer& payer,
                                      absl::Time now) const {
  const auto found = payers_.find(payer);
  if (found == payers_.end() ||
      changes_.Allows(now, found->second.changes_full_at)) {
    return now;
  }
  return changes_.AllowsFrom(found->second.changes_full_at);
}

void ChannelPayers::NoteChange(const Payer& payer, absl::Time now) {
  const auto found = payers_.find(payer);
  if (found == payers_.end()) return;
  changes_.Take(now, &found->second.changes_full_at);
  latest_full_at_ = std::max(latest_full_at_, found->second.changes_full_at);
}

}  // namespace rmq
