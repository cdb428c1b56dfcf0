// The members of a broker's groups, as a watcher has been told of them.
#ifndef CLIENT_WATCH_MEMBERSHIP_REPLAY_H_
#define CLIENT_WATCH_MEMBERSHIP_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "client/watch/watched_event.h"

namespace rmq {

// Pure. Snapshots and events are applied in the order in which they come. While
// a snapshot comes, the members are those of before it.
//
// Invariant: a finished list, and one that a snapshot is making, have at most
// `max_members` members each.
// Thread-safety: none.
class MembershipReplay {
 public:
  explicit MembershipReplay(size_t max_members) : max_members_(max_members) {}

  // Begins a list of nobody, beside the one that is held.
  void BeginSnapshot();
  // Takes the list that the snapshot has made in place of the one of before.
  void EndSnapshot();

  // Adds or removes the member, or does nothing for events of other types.
  // Returns whether there is room for it.
  bool Add(WatchedMember member);
  bool Apply(const WatchedEvent& event);

  // In the order in which their channels were opened.
  std::vector<WatchedMember> MembersOf(absl::string_view group,
                                       bool is_producer) const;
  // The groups that have members, with their sizes: consumer groups first, by
  // name.
  std::vector<WatchedGroup> Groups() const;
  size_t size() const { return held_.size; }

 private:
  // Whether it is a producer group, and its name.
  using Key = std::pair<bool, std::string>;
  struct List {
    absl::btree_map<Key, absl::btree_map<uint64_t, WatchedMember>> groups;
    size_t size = 0;
  };

  // That a snapshot is making, or else the one that is held.
  List& current() { return in_snapshot_ ? coming_ : held_; }

  const size_t max_members_;
  List held_;
  List coming_;
  bool in_snapshot_ = false;
};

}  // namespace rmq

#endif  // CLIENT_WATCH_MEMBERSHIP_REPLAY_H_
