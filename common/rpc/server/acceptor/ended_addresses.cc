#include "common/rpc/server/acceptor/ended_addresses.h"

#include <algorithm>

namespace rmq {

void EndedAddresses::Note(ClientNetwork address, absl::Time now) {
  if (ends_.size() >= kMost && !ends_.contains(address)) {
    ends_.erase(std::min_element(
        ends_.begin(), ends_.end(), [](const auto& a, const auto& b) {
          return a.second.at.back() < b.second.at.back();
        }));
  }
  const auto [found, is_new] = ends_.try_emplace(address);
  Ends& ends = found->second;
  if (is_new) ends.at.fill(absl::InfinitePast());
  std::rotate(ends.at.begin(), ends.at.begin() + 1, ends.at.end());
  ends.at.back() = now;
  if (now - ends.at.front() < kPeriod) ends.held_until = now + kHold;
}

bool EndedAddresses::IsHeld(ClientNetwork address, absl::Time now) const {
  const auto found = ends_.find(address);
  return found != ends_.end() && found->second.held_until > now;
}

bool EndedAddresses::IsSuspect(ClientNetwork address, absl::Time now) const {
  const auto found = ends_.find(address);
  return found != ends_.end() && now - found->second.at.back() < kPeriod;
}

}  // namespace rmq
