// Which epochs of a consumer group its members have acknowledged.
#ifndef BROKER_REGISTRY_GROUP_ACKNOWLEDGMENTS_H_
#define BROKER_REGISTRY_GROUP_ACKNOWLEDGMENTS_H_

#include <cstdint>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/registered_group.h"

namespace rmq {

// Only members that have acknowledged are here: others cost nothing.
//
// Not thread-safe: a part of ClientTable, guarded by its lock. Channels are
// borrowed: erase one that leaves the group.
class GroupAcknowledgments {
 public:
  struct Entry {
    uint64_t epoch = 0;
    // Since when the member has been told, or has said, that there is a later
    // epoch; InfiniteFuture if it has not.
    absl::Time behind_since = absl::InfiniteFuture();
  };

  bool empty() const { return entries_.empty(); }

  // Null if the channel has not acknowledged. Valid until the next change.
  const Entry* Find(const ChannelRecord& channel) const;

  // `channel` holds the list at `epoch` (not 0) of a group that is at
  // `group_epoch`. Never moves back: an earlier epoch than before changes
  // nothing. Returns the entry.
  const Entry& Take(ChannelRecord& channel, uint64_t epoch,
                    uint64_t group_epoch, absl::Time now);

  // The member, which has acknowledged, is behind the group.
  void NoteBehind(const ChannelRecord& channel, absl::Time now);

  // Marks a member, which has acknowledged and is behind, to be pushed again;
  // takes the mark back, and says whether there was one.
  void Mark(ChannelRecord& channel) { marked_.insert(&channel); }
  bool TakeMark(ChannelRecord& channel) { return marked_.erase(&channel) > 0; }
  const absl::btree_set<ChannelRecord*, ByChannelId>& marked() const {
    return marked_;
  }

  void Erase(ChannelRecord& channel);

 private:
  absl::flat_hash_map<const ChannelRecord*, Entry> entries_;
  absl::btree_set<ChannelRecord*, ByChannelId> marked_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_GROUP_ACKNOWLEDGMENTS_H_
