// Reads who was in a consumer group at one epoch, in pieces, while the group
// changes.
#ifndef BROKER_REGISTRY_MEMBERSHIP_READER_H_
#define BROKER_REGISTRY_MEMBERSHIP_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/ended_groups.h"
#include "broker/registry/group_history.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/registered_group.h"

namespace rmq {

// A consumer group that has members, or has ended and is kept. A view, valid
// while the table's lock is held.
struct GroupView {
  // Nothing if there is no such group.
  static absl::optional<GroupView> Of(const ConsumerRegistry& consumers,
                                      absl::string_view group);

  const ConsumerGroup* group = nullptr;  // Null if it has ended.
  const GroupHistory* history = nullptr;
  uint64_t epoch = 0;

  // Whether the list at `at` is known.
  bool Knows(uint64_t at) const {
    return at >= history->oldest() && at <= epoch;
  }
};

// Calls `visit(client_id, joined)` for those who were in the group at `epoch`,
// which the group knows, and were there by a channel after `*cursor`, in the
// order of the channels. Looks at up to `max` members and those who have left;
// then moves the cursor, and sets it to 0 after the last. Those who were there
// by one channel are visited together, whatever `max` is.
template <typename Visit>
void VisitListAt(const GroupView& view, uint64_t epoch, size_t max,
                 ChannelId* cursor, Visit visit) {
  constexpr ChannelId kNone = std::numeric_limits<ChannelId>::max();
  static const auto* const none =
      new absl::btree_set<ChannelRecord*, ByChannelId>;
  const ChannelId after = std::exchange(*cursor, 0);
  std::vector<const Departure*> departures;
  // What is read at once needs no history.
  if (after != 0 || epoch != view.epoch) {
    departures = view.history->ThereAt(epoch, after);
  }
  auto departure = departures.begin();
  const auto& members = view.group == nullptr ? *none : view.group->members;
  auto member = members.upper_bound(after);
  ChannelId last = 0;
  for (size_t looked = 0;; ++looked) {
    const ChannelId left =
        departure == departures.end() ? kNone : (*departure)->channel;
    const ChannelId present = member == members.end() ? kNone : (*member)->id;
    const ChannelId next = std::min(left, present);
    if (next == kNone) return;
    if (looked >= max && next != last) {
      *cursor = last;
      return;
    }
    last = next;
    if (left == next) {
      visit(absl::string_view((*departure)->client_id), (*departure)->joined);
      ++departure;
      continue;
    }
    ChannelRecord& channel = **member;
    ++member;
    size_t hint = 0;
    const Membership& membership =
        *GroupMembers::Find(channel, *view.group, &hint);
    if (membership.joined > epoch) continue;
    visit(channel.ClientOf(membership).client_id(), membership.joined);
  }
}

// Makes the MembershipSnapshot of a group. The first piece fixes the epoch.
// Those who leave while further pieces are read are found in the history; if
// that has lost some of them, the snapshot tells the epoch alone.
class MembershipReader {
 public:
  // Looks at up to `max` members. `view`: nothing if there is no such group.
  // Returns whether there is more to read.
  bool ReadSome(const absl::optional<GroupView>& view, size_t max);

  // Nothing if the group has no member. Only if there is no more to read.
  absl::optional<MembershipSnapshot> Take() &&;

 private:
  using Change = MembershipSnapshot::Change;

  void Begin(const GroupView& view);
  void Add(absl::string_view client_id, uint64_t joined);
  // Puts the changes in order, each once, and drops the oldest if there are
  // too many.
  void Trim();
  // What was read is of no use any more.
  void Forget();

  bool has_begun_ = false;
  bool exists_ = false;
  // Nobody has acknowledged, so that nobody can be told changes.
  bool wants_changes_ = false;
  ChannelId cursor_ = 0;
  MembershipSnapshot snapshot_;
  // Of `snapshot_`; more than kMostClientIds if there are too many.
  absl::flat_hash_set<std::string> client_ids_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBERSHIP_READER_H_
