#include "broker/registry/ended_groups.h"

#include <utility>

namespace rmq {

size_t EndedGroups::Keep(EndedGroup group) {
  const auto kept = groups_.insert(groups_.end(), std::move(group));
  by_name_.emplace(kept->name, kept);
  if (groups_.size() <= kMost) return 0;
  const size_t departures = groups_.front().history.size();
  by_name_.erase(groups_.front().name);
  groups_.pop_front();
  return departures;
}

absl::optional<EndedGroup> EndedGroups::Take(absl::string_view name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return absl::nullopt;
  const auto kept = found->second;
  by_name_.erase(found);
  EndedGroup group = std::move(*kept);
  groups_.erase(kept);
  return group;
}

const EndedGroup* EndedGroups::Find(absl::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &*found->second;
}

}  // namespace rmq
