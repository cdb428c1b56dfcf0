// What the table and a round of pushes tell each other.
#ifndef BROKER_REGISTRY_PUSH_ROUND_H_
#define BROKER_REGISTRY_PUSH_ROUND_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"

namespace rmq {

// A round of pushes to members of a consumer group. A view, valid for the call.
struct PushRound {
  absl::string_view group;
  // Of the snapshot to which the pushes lead: see MembershipSnapshot.
  uint64_t epoch = 0;
  uint64_t oldest_base = 0;
  bool has_client_ids = false;
  // Whether a member that has never acknowledged is pushed who is there. If
  // not, it is pushed nothing, or that the group should be looked at.
  bool tells_all = false;
  // Only members that are marked are pushed.
  bool marked_only = false;
};

// A member of the group of a round.
struct PushTarget {
  ClientChannelPtr channel;
  // The epoch that it acknowledged last; 0: none.
  uint64_t acknowledged = 0;
  // The epoch at which its client id joined the group.
  uint64_t joined = 0;
  // Whether it was marked to be pushed again.
  bool wants_push = false;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_PUSH_ROUND_H_
