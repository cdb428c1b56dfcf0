#include "broker/registry/group_acknowledgments.h"

#include <algorithm>

namespace rmq {

const GroupAcknowledgments::Entry* GroupAcknowledgments::Find(
    const ChannelRecord& channel) const {
  const auto found = entries_.find(&channel);
  return found == entries_.end() ? nullptr : &found->second;
}

const GroupAcknowledgments::Entry& GroupAcknowledgments::Take(
    ChannelRecord& channel, uint64_t epoch, uint64_t group_epoch,
    absl::Time now) {
  Entry& entry = entries_[&channel];
  entry.epoch = std::max(entry.epoch, epoch);
  if (entry.epoch < group_epoch) {
    entry.behind_since = std::min(entry.behind_since, now);
  } else {
    entry.behind_since = absl::InfiniteFuture();
    marked_.erase(&channel);
  }
  return entry;
}

void GroupAcknowledgments::NoteBehind(const ChannelRecord& channel,
                                      absl::Time now) {
  Entry& entry = entries_.at(&channel);
  entry.behind_since = std::min(entry.behind_since, now);
}

void GroupAcknowledgments::Erase(ChannelRecord& channel) {
  if (entries_.empty()) return;
  entries_.erase(&channel);
  marked_.erase(&channel);
}

}  // namespace rmq
