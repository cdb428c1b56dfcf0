// One change of the table: when it happens, its number, and the events that it
// makes.
#ifndef BROKER_REGISTRY_TABLE_CHANGE_H_
#define BROKER_REGISTRY_TABLE_CHANGE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_event.h"
#include "broker/registry/registered_group.h"

namespace rmq {

// What is done to the table under one lock: a whole call, or one piece of a
// scan. The registries add the events in Java's order (see ClientEvent); the
// table hands them to the EventQueue.
//
// The methods that add an event return it, for the fields that only a consumer
// group has. The reference is valid until the next event is added.
//
// Not thread-safe: lives on the stack of the call that makes the change.
class TableChange {
 public:
  // `revision` numbers the change if takes_revision(). `heard_floor`: no
  // channel counts as heard before it. `usual_expiry` is that of channels whose
  // clients asked for none.
  TableChange(uint64_t revision, absl::Time now, absl::Time heard_floor,
              absl::Duration usual_expiry)
      : revision_(revision),
        now_(now),
        heard_floor_(heard_floor),
        usual_expiry_(usual_expiry) {}

  // kClientRegister: `who.channel` is a new member of `group`.
  ClientEvent& AddJoined(const RegisteredGroup& group, const Registrant& who);

  // kClientUnregister: the channel of `membership` leaves the group. Called
  // while the membership still exists. `client_id` is what the event says.
  ClientEvent& AddLeft(const ChannelRecord& channel,
                       const Membership& membership, RemovalReason reason,
                       absl::string_view client_id);

  // kRegister: a statement of the group has been applied.
  ClientEvent& AddStatement(const RegisteredGroup& group,
                            const Registrant& who);

  // kChange: members of `group` should read its consumer ids again.
  ClientEvent& AddConsumerIdsChanged(const RegisteredGroup& group);

  // kUnregister: the last member of `group` has left.
  ClientEvent& AddGroupGone(const RegisteredGroup& group, RemovalReason reason);

  // kDuplicateClientId: `channel` began to use the id of `client`, or tried to,
  // which the stream at `other_address` uses. The event is of no group.
  void AddDuplicateClientId(const ChannelRecord& channel,
                            absl::string_view client_id,
                            absl::string_view other_address);

  // kSubscriptionsInconsistent, with what differs in words.
  void AddInconsistent(const RegisteredGroup& group, std::string difference);
  // kSubscriptionsConsistent.
  void AddConsistent(const RegisteredGroup& group);

  // A part of this change that has no events yet. Append() adds the events of
  // `part` after those that are there: for events that have to be made early,
  // while the group is as it was, and come late in the order.
  TableChange NewPart() const {
    return {revision_, now_, heard_floor_, usual_expiry_};
  }
  void Append(TableChange part);

  // A full heartbeat that repeats its stream's last one may have an effect
  // after this change: the change set what every full heartbeat sets anew.
  void set_repeats_matter() { repeats_matter_ = true; }
  bool repeats_matter() const { return repeats_matter_; }

  // The change has moved the epoch of a group to its revision, so that the
  // revision is used up, whether or not there are events.
  void set_moves_epoch() { moves_epoch_ = true; }
  bool takes_revision() const { return moves_epoch_ || has_events(); }

  uint64_t revision() const { return revision_; }
  absl::Time now() const { return now_; }
  bool has_events() const { return !events_.empty(); }
  std::vector<ClientEvent> TakeEvents() && { return std::move(events_); }

 private:
  ClientEvent& Add(EventType type, const RegisteredGroup& group);
  ClientEvent& AddOf(EventType type, const RegisteredGroup& group,
                     const Registrant& who);

  const uint64_t revision_;
  const absl::Time now_;
  const absl::Time heard_floor_;
  const absl::Duration usual_expiry_;
  std::vector<ClientEvent> events_;
  bool repeats_matter_ = false;
  bool moves_epoch_ = false;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_TABLE_CHANGE_H_
