// Which member of a group comes first by some rank, when the first one leaves.
//
// To keep all members in order would cost memory for each of them. A ranking
// keeps only those that come first. When they have all left, somebody has to
// look at all members once, which the ranking asks for.
#ifndef BROKER_REGISTRY_MEMBER_RANKING_H_
#define BROKER_REGISTRY_MEMBER_RANKING_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/registry/channel_record.h"

namespace rmq {

// A ranking is *known*: it has a leader, if there is any member. Or it *wants a
// look*: its leader left, and it does not know who is next. Or somebody *is
// looking*: members are offered, those with greater channel ids first.
//
// Invariant of a ranking that is known: the members that it keeps come before
// all the others.
//
// Not thread-safe. Channels are borrowed: erase one before it dies.
class MemberRanking {
 public:
  // The greater comes first.
  using Rank = std::pair<int64_t, int64_t>;

  // How many of so many members are kept: every thirty-second, so that however
  // members leave, there is at most one look for that many of them.
  static size_t Capacity(size_t members);

  bool is_known() const { return state_ == State::kKnown; }
  bool wants_look() const { return state_ == State::kWantsLook; }

  // The member that comes first; null if there is none, or if it is not known.
  ChannelRecord* leader() const {
    return is_known() && !kept_.empty() ? kept_.front().channel : nullptr;
  }

  // Ranks a member that is not ranked yet. `capacity`: as of Capacity().
  void Insert(Rank rank, ChannelRecord& channel, size_t capacity);

  // Ranks a member that is ranked lower, or not at all.
  void Raise(Rank rank, ChannelRecord& channel, size_t capacity);

  // A member is ranked no more.
  void Erase(const ChannelRecord& channel);

  // `channel` comes before all others, of whom nothing else is known.
  void SetLeader(Rank rank, ChannelRecord& channel, bool has_others);

  // A look at all members, those with greater channel ids first. Between two
  // members the others of these methods may be called. Erase() may end the
  // look: wants_look() is true then, and the rest of the look does nothing.
  void BeginLook();
  // The look has come to `channel`; the member is ranked if it has a rank.
  void LookAt(const ChannelRecord& channel) { looked_at_ = channel.id; }
  void Offer(Rank rank, ChannelRecord& channel, size_t capacity);
  void EndLook();

 private:
  enum class State : uint8_t { kKnown, kWantsLook, kLooking };
  struct Kept {
    Rank rank;
    ChannelRecord* channel;
  };

  void Put(Rank rank, ChannelRecord& channel, size_t capacity);
  void Keep(Rank rank, ChannelRecord& channel, size_t capacity);
  std::vector<Kept>::iterator Find(const ChannelRecord& channel);

  State state_ = State::kKnown;
  // Whether every member is kept, of those that the look has come to.
  bool keeps_all_ = true;
  ChannelId looked_at_ = 0;
  // In order. Of equal ranks the one that was kept first comes first.
  std::vector<Kept> kept_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBER_RANKING_H_
