// Which client ids have left a consumer group, and at which of its epochs.
#ifndef BROKER_REGISTRY_GROUP_HISTORY_H_
#define BROKER_REGISTRY_GROUP_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/registry/channel_record.h"
#include "common/member_change.h"

namespace rmq {

// A client id that left a group.
struct Departure {
  // The group's epoch from which on the id is not there. If `stays`, the
  // revision of the change.
  uint64_t left = 0;
  // The epoch from which on it was there.
  uint64_t joined = 0;
  // The channel that was its last one in the group.
  ChannelId channel = 0;
  std::string client_id;
  RemovalReason reason = RemovalReason::kUnregistered;
  // Only this channel left, and the id stayed there by another one that joined
  // the group after it and was opened before it. So a listing in the order of
  // the channels may have passed the other one before it joined.
  bool stays = false;
};

// Together with the present members, each of which knows the epoch at which it
// joined, this tells the list of client ids at each epoch from oldest() on.
//
// Bounded by its caller. A group in which nobody has left costs two words.
// Not thread-safe: a part of ClientTable, guarded by its lock.
class GroupHistory {
 public:
  // The group begins at `epoch`; of what was before nothing is known.
  explicit GroupHistory(uint64_t epoch = 0) : oldest_(epoch) {}

  // How many departures the history of a group with `members` members keeps.
  static constexpr size_t kFewest = 64;
  static constexpr size_t kMost = 1024;
  static size_t Bound(size_t members);

  // Adds a departure that is not earlier than those before it, of a group that
  // is at `epoch` now. Keeps the latest `bound`, at least 1.
  void Add(Departure departure, uint64_t epoch, size_t bound);

  // From this epoch on the history is whole.
  uint64_t oldest() const { return oldest_; }

  size_t size() const {
    return departures_ == nullptr ? 0 : departures_->size();
  }

  // Those who left after `epoch`, in order. Valid until the next Add().
  std::vector<const Departure*> After(uint64_t epoch) const;

  // Of those the ones that were there at `epoch`, in the order of their
  // channels, beginning behind channel `cursor`.
  std::vector<const Departure*> ThereAt(uint64_t epoch, ChannelId cursor) const;

 private:
  uint64_t oldest_;
  // Null if there is none.
  std::unique_ptr<std::deque<Departure>> departures_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_GROUP_HISTORY_H_
