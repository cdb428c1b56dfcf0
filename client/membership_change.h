// What an application hears of the membership of its consumer groups.
#ifndef CLIENT_MEMBERSHIP_CHANGE_H_
#define CLIENT_MEMBERSHIP_CHANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "common/member_change.h"

namespace rmq {

// A client id that is no longer in a group.
struct DepartedMember {
  std::string client_id;
  // Why it left; none if the broker did not say, or gave a reason that this
  // version does not know. Name(RemovalReason) is its text.
  absl::optional<RemovalReason> reason;

  friend bool operator==(const DepartedMember& a, const DepartedMember& b) {
    return a.client_id == b.client_id && a.reason == b.reason;
  }
  friend bool operator!=(const DepartedMember& a, const DepartedMember& b) {
    return !(a == b);
  }
};

// The members of a consumer group at one broker, and how they differ from those
// of the call before. A value.
struct MembershipChange {
  BrokerEntry broker;
  std::string group;
  // The group's epoch at this broker: greater than that of the call before,
  // unless nobody joined or left since, or the broker has restarted. 0: the
  // broker is of a version without epochs.
  uint64_t epoch = 0;
  // All client ids of the group at `epoch`, each once, in alphabetical order.
  // A client id whose stream was replaced, or that has several streams, has
  // neither joined nor left by that.
  std::vector<std::string> members;
  // Those of `members` that the call before did not have. In the first call for
  // a group: all.
  std::vector<std::string> joined;
  // Those that the call before had and `members` does not.
  std::vector<DepartedMember> left;
  // How much longer the broker is settling after its start. Until then members
  // that have not come back yet may be missing. One more call comes when the
  // time is over. Zero: the broker has settled, or did not say.
  absl::Duration settling = absl::ZeroDuration();
};

}  // namespace rmq

#endif  // CLIENT_MEMBERSHIP_CHANGE_H_
