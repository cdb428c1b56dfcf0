#include "broker/registry/closed_channels.h"

#include <string>
#include <utility>

namespace rmq {

void ClosedChannels::Note(const ChannelRecord& channel,
                          absl::string_view principal, const Payer& payer,
                          RemovalReason reason, absl::Time now) {
  if (channel.memberships.empty() && channel.unregistered() != nullptr &&
      reason == RemovalReason::kDisconnected) {
    reason = RemovalReason::kUnregistered;
  }
  if (GoesWithLastGroup(channel.kind) && channel.memberships.empty() &&
      channel.unregistered() == nullptr) {
    return;
  }
  ++counts_[static_cast<size_t>(reason)];
  if (max_ == 0) return;
  if (kept_.size() == max_) MakeRoom(payer);
  ChannelSummary summary = SummaryOf(channel);
  summary.principal = std::string(principal);
  // A client that says goodbye to its groups first was in them until its end.
  if (channel.memberships.empty() && channel.unregistered() != nullptr) {
    summary.groups = *channel.unregistered();
  }
  const uint64_t number = ++last_number_;
  OfPayer& own = of_payers_[payer];
  if (++own.channels == 1) {
    own.first = number;
  } else {
    kept_.at(own.last).next_of_payer = number;
  }
  own.last = number;
  if (2 * own.channels > max_) largest_ = payer;
  kept_.emplace_hint(kept_.end(), number,
                     Kept{std::make_shared<const ClosedChannel>(ClosedChannel{
                              number, std::move(summary), now, reason}),
                          payer});
}

void ClosedChannels::MakeRoom(const Payer& payer) {
  auto from = of_payers_.find(kept_.begin()->second.payer);
  const auto own = of_payers_.find(payer);
  if (own != of_payers_.end() && 2 * own->second.channels >= max_) from = own;
  const auto largest = of_payers_.find(largest_);
  if (largest != of_payers_.end() && 2 * largest->second.channels > max_) {
    from = largest;
  }
  const auto first = kept_.find(from->second.first);
  if (--from->second.channels == 0) {
    of_payers_.erase(from);
  } else {
    from->second.first = first->second.next_of_payer;
  }
  kept_.erase(first);
}

}  // namespace rmq
