#include "broker/registry/member_ranking.h"

#include <algorithm>
#include <limits>

namespace rmq {
namespace {

constexpr size_t kPart = 32;
constexpr size_t kMostKept = 1024;

}  // namespace

size_t MemberRanking::Capacity(size_t members) {
  return std::clamp<size_t>(members / kPart, 1, kMostKept);
}

std::vector<MemberRanking::Kept>::iterator MemberRanking::Find(
    const ChannelRecord& channel) {
  return std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.channel == &channel;
  });
}

void MemberRanking::Insert(Rank rank, ChannelRecord& channel, size_t capacity) {
  switch (state_) {
    case State::kKnown: Put(rank, channel, capacity); break;
    case State::kWantsLook: break;  // The look will come to it.
    case State::kLooking:
      if (channel.id >= looked_at_) Put(rank, channel, capacity);
      break;
  }
}

void MemberRanking::Raise(Rank rank, ChannelRecord& channel, size_t capacity) {
  const auto kept = Find(channel);
  if (kept == kept_.end()) {
    Insert(rank, channel, capacity);
    return;
  }
  // It came before all that are not kept, and still does.
  kept_.erase(kept);
  Keep(rank, channel, capacity);
}

void MemberRanking::Erase(const ChannelRecord& channel) {
  const auto kept = Find(channel);
  if (kept == kept_.end()) return;
  kept_.erase(kept);
  if (kept_.empty() && !keeps_all_) state_ = State::kWantsLook;
}

void MemberRanking::SetLeader(Rank rank, ChannelRecord& channel,
                              bool has_others) {
  state_ = State::kKnown;
  keeps_all_ = !has_others;
  kept_.assign(1, {rank, &channel});
}

void MemberRanking::BeginLook() {
  state_ = State::kLooking;
  keeps_all_ = true;
  looked_at_ = std::numeric_limits<ChannelId>::max();
  kept_.clear();
}

void MemberRanking::Offer(Rank rank, ChannelRecord& channel, size_t capacity) {
  if (state_ == State::kLooking) Put(rank, channel, capacity);
}

void MemberRanking::EndLook() {
  if (state_ == State::kLooking) state_ = State::kKnown;
}

void MemberRanking::Put(Rank rank, ChannelRecord& channel, size_t capacity) {
  // Of the members that are not kept nothing is known but that they come after
  // the last one that is. A member that does not come before that one may come
  // after them too.
  if (!keeps_all_ && (kept_.empty() || rank <= kept_.back().rank)) return;
  Keep(rank, channel, capacity);
}

void MemberRanking::Keep(Rank rank, ChannelRecord& channel, size_t capacity) {
  const auto place =
      std::upper_bound(kept_.begin(), kept_.end(), rank,
                       [](const Rank& its_rank, const Kept& kept) {
                         return kept.rank < its_rank;
                       });
  kept_.insert(place, {rank, &channel});
  if (kept_.size() <= capacity) return;
  kept_.pop_back();
  keeps_all_ = false;
}

}  // namespace rmq
