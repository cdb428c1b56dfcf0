#include "broker/registry/closed_channels.h"

#include <string>
#include <utility>

namespace rmq {

void ClosedChannels::Note(const ChannelRecord& channel,
                          absl::string_view principal, RemovalReason reason,
                          absl::Time now) {
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
  if (kept_.size() == max_) kept_.pop_front();
  ChannelSummary summary = SummaryOf(channel);
  summary.principal = std::string(principal);
  // A client that says goodbye to its groups first was in them until its end.
  if (channel.memberships.empty() && channel.unregistered() != nullptr) {
    summary.groups = *channel.unregistered();
  }
  kept_.push_back(std::make_shared<const ClosedChannel>(
      ClosedChannel{++last_number_, std::move(summary), now, reason}));
}

}  // namespace rmq
