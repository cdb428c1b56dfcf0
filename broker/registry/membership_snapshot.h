// Who is in a consumer group at one of its epochs, and who came and went
// before.
#ifndef BROKER_REGISTRY_MEMBERSHIP_SNAPSHOT_H_
#define BROKER_REGISTRY_MEMBERSHIP_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/member_change.h"

namespace rmq {

// A value: what the table knew of a group's client ids at `epoch`.
struct MembershipSnapshot {
  // A client id joined or left; from this epoch on it is there, or is not.
  struct Change {
    uint64_t epoch = 0;
    MemberChange change;
  };

  // At most so many changes and client ids are read.
  static constexpr size_t kMostChanges = 1024;
  static constexpr size_t kMostClientIds = 100;

  uint64_t epoch = 0;
  // The list at an epoch from `oldest_base` to `epoch`, and `changes` after it,
  // make the list at `epoch`.
  uint64_t oldest_base = 0;
  // Of members that are there the last time that they joined, and all leaves
  // that are known, in the order of their epochs, all after `oldest_base`. If
  // there are more than kMostChanges, the last ones.
  std::vector<Change> changes;
  // All client ids, each once. None if there are more than kMostClientIds.
  std::vector<std::string> client_ids;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBERSHIP_SNAPSHOT_H_
