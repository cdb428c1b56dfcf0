// Which member of a group comes first by some rank, also after the first one
// has left.
//
// Keeping all members in order would cost memory for each of them. A ranking
// keeps only the first few. When they have all left, the ranking wants a look:
// its owner has to look at all members once.
#ifndef BROKER_REGISTRY_MEMBER_RANKING_H_
#define BROKER_REGISTRY_MEMBER_RANKING_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broker/registry/channel_record.h"

namespace rmq {

// A ranking is in one of three states. *Known*: it has a leader, if there is
// any member. *Wants a look*: its leader left, and the next one is not known.
// *Looking*: its owner offers the members, those with greater channel ids
// first.
//
// Invariant of a known ranking: the members that it keeps come before all
// others.
//
// Not thread-safe. Channels are borrowed: erase one before it dies.
class MemberRanking {
 public:
  // The greater comes first.
  using Rank = std::pair<int64_t, int64_t>;

  // How many of `members` members are kept: every thirty-second one. So however
  // members leave, one look is needed for that many of them at most.
  static size_t Capacity(size_t members);

  bool is_known() const { return state_ == State::kKnown; }
  bool wants_look() const { return state_ == State::kWantsLook; }

  // The member that comes first; null if there is none or it is not known.
  ChannelRecord* leader() const {
    return is_known() && !kept_.empty() ? kept_.front().channel : nullptr;
  }

  // Ranks a member that is not ranked yet. `capacity`: as of Capacity().
  void Insert(Rank rank, ChannelRecord& channel, size_t capacity);

  // Ranks a member that is ranked lower, or not at all.
  void Raise(Rank rank, ChannelRecord& channel, size_t capacity);

  // Removes a member.
  void Erase(const ChannelRecord& channel);

  // Makes `channel` the first; of the other members nothing is known.
  void SetLeader(Rank rank, ChannelRecord& channel, bool has_others);

  // A look at all members, those with greater channel ids first. The other
  // methods may be called between two members. Erase() may end the look: then
  // wants_look() is true, and the rest of the look does nothing.
  void BeginLook();
  // The look has come to `channel`. Offer() follows if the member has a rank.
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
  // Whether every member is kept; during a look, every member that the look has
  // come to.
  bool keeps_all_ = true;
  ChannelId looked_at_ = 0;
  // In order. Of equal ranks the one that was kept first comes first.
  std::vector<Kept> kept_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBER_RANKING_H_
