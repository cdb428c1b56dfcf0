// A push to clients: the consumer ids of a group have changed.
#ifndef BROKER_REGISTRY_MEMBERSHIP_PUSH_H_
#define BROKER_REGISTRY_MEMBERSHIP_PUSH_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/call_once.h"
#include "common/member_change.h"

namespace rmq {

// Something that is made of a constant once, by whichever thread needs it
// first. Thread-safe.
class MadeOnce {
 public:
  // Returns what `make()` returned when it was first called. All callers of one
  // object have the same T.
  template <typename T, typename Make>
  const T& Get(Make make) const {
    absl::call_once(
        once_, [this, &make] { value_ = std::make_shared<const T>(make()); });
    return *static_cast<const T*>(value_.get());
  }

 private:
  mutable absl::once_flag once_;
  mutable std::shared_ptr<const void> value_;
};

// One push, shared by all channels that are told the same. Constant once it is
// shared. What the fields mean to a client stands at NotifyConsumerIdsChanged
// in client_manager.proto.
//
// Differs: RocketMQ's push is the group's name alone.
struct MembershipPush {
  std::string group;
  // The group's epoch whose list the push leads to.
  uint64_t epoch = 0;
  // The epoch that the channels acknowledged last; 0: none.
  uint64_t base_epoch = 0;
  // Each client id that joined or left after `base_epoch`, once. Empty if
  // `complete`.
  std::vector<MemberChange> changes;
  // If `complete`: all client ids, each once, or none if there are too many.
  std::vector<std::string> client_ids;
  bool complete = false;

  // Whether the push says only that the group should be looked at: no client id
  // has come or gone.
  bool is_bare() const {
    return !complete && changes.empty() && base_epoch == epoch;
  }

  // The message that the edge makes of the push. The registry does not know the
  // wire.
  MadeOnce message;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_MEMBERSHIP_PUSH_H_
