// What is kept of consumer groups that have ended.
#ifndef BROKER_REGISTRY_ENDED_GROUPS_H_
#define BROKER_REGISTRY_ENDED_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/group_history.h"

namespace rmq {

// A group that has ended: its last epoch, and who left it.
struct EndedGroup {
  std::string name;
  uint64_t epoch = 0;
  GroupHistory history;
};

// The latest kMost groups that have ended and have not begun again.
// Not thread-safe: a part of ClientTable, guarded by its lock.
class EndedGroups {
 public:
  static constexpr size_t kMost = 1024;

  EndedGroups() = default;
  EndedGroups(const EndedGroups&) = delete;
  EndedGroups& operator=(const EndedGroups&) = delete;

  // Keeps a group that is not kept yet. Forgets the one that ended first if
  // there are too many; returns how many departures went with it.
  size_t Keep(EndedGroup group);

  // The group begins again. Nothing if it is not kept.
  absl::optional<EndedGroup> Take(absl::string_view name);

  // Null if it is not kept. Valid until the next change.
  const EndedGroup* Find(absl::string_view name) const;

  size_t size() const { return groups_.size(); }

 private:
  // In the order in which they ended.
  std::list<EndedGroup> groups_;
  // Names are the groups' own.
  absl::flat_hash_map<absl::string_view, std::list<EndedGroup>::iterator>
      by_name_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_ENDED_GROUPS_H_
