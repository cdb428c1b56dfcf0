// What happens in the table, as its listeners receive it.
#ifndef BROKER_REGISTRY_CLIENT_EVENT_H_
#define BROKER_REGISTRY_CLIENT_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/labels.h"
#include "broker/registry/principals.h"
#include "broker/registry/subscription_table.h"
#include "common/client_types.h"
#include "common/member_change.h"

namespace rmq {

class ClientChannel;

enum class GroupKind : uint8_t { kProducer, kConsumer };

// Reference: ConsumerGroupEvent.java, ProducerGroupEvent.java (GROUP_UNREGISTER
// is kUnregister here). Differs: producers have kClientRegister too, so that
// each event has its counter-event.
enum class EventType : uint8_t {
  kClientRegister,    // A channel joined the group.
  kClientUnregister,  // A channel left the group.
  kChange,      // Members of the group should read its consumer ids again.
  kRegister,    // A consumer group's statement was applied.
  kUnregister,  // The group's last channel left; the group is gone.

  // Not Java's; a listener that does not know these ignores them.

  // A stream began to use a client id that an open stream of another process
  // uses; or was refused or replaced others for that, as the policy is.
  kDuplicateClientId,
  // Members of the consumer group differ in what they state, for longer than
  // the group's grace; and differ no more. A group that ends was consistent
  // before.
  kSubscriptionsInconsistent,
  kSubscriptionsConsistent,
};

// Whether the type is not Java's: it tells operators what is wrong.
inline bool IsWarning(EventType type) {
  return type == EventType::kDuplicateClientId ||
         type == EventType::kSubscriptionsInconsistent ||
         type == EventType::kSubscriptionsConsistent;
}

absl::string_view Name(GroupKind kind);
absl::string_view Name(EventType type);

// A value. The events of one call and group come in Java's order:
// kClientRegister, kChange, kRegister; kClientUnregister, kUnregister, kChange.
struct ClientEvent {
  EventType type;
  GroupKind kind;
  // Of kClientUnregister.
  RemovalReason reason = RemovalReason::kUnregistered;
  // Number of the call, or of the piece of a scan, that made the event. Each
  // one that makes any event, or moves the epoch of a group, takes the next
  // number. Events are delivered in this order.
  uint64_t revision = 0;
  // The steady time of that call: the `now` that it was given.
  absl::Time at;
  std::string group;
  // Of kClientRegister, kClientUnregister and kRegister. The client id is that
  // of the membership; of an unregister it is that of the request. Of
  // kDuplicateClientId: the newer stream, which may be closed.
  std::string client_id;
  std::shared_ptr<ClientChannel> channel;
  // The channel's, of the types that have a client id.
  LabelsPtr labels;
  // The membership's, of kClientRegister and kClientUnregister.
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  // Who opened the channel, of the types that have a client id. When a
  // principal has no channel, its number may be another's.
  Principals::Number principal = Principals::kAnonymous;
  // Of kClientUnregister: when the channel last stated the group, or the time
  // since which it counts as heard because the broker itself was away.
  absl::Time last_heard;
  // Of kClientUnregister: how long the channel might be silent.
  absl::Duration channel_expiry = absl::ZeroDuration();
  // The consumer group's, of the types that have a client id.
  ConsumeType consume_type = ConsumeType::kUnspecified;
  // The group's subscriptions after a register, before an unregister. Null for
  // producers and other types.
  SubscriptionTablePtr subscriptions;
  // Of kDuplicateClientId: the address of a stream of another process. Of
  // kSubscriptionsInconsistent: what differs, in words.
  std::string detail;
  // The rest is kChange's. The group's epoch after the change; whether the
  // change moved it; and whether the group's topics changed, or its members
  // began to share messages.
  uint64_t epoch = 0;
  bool members_changed = false;
  bool topics_changed = false;
};

// Called by the thread that delivers (see EventQueue), one event at a time,
// with no lock held. A listener may call back into the table. It must not
// block. Reference: ConsumerIdsChangeListener.java,
// ProducerChangeListener.java.
class ClientEventListener {
 public:
  virtual ~ClientEventListener() = default;
  virtual void OnClientEvent(const ClientEvent& event) = 0;
  // Called after the last event of each delivery. A delivery contains all
  // events of each revision in it.
  virtual void OnEventsDelivered() {}
  // Whether the listener wants kRegister for statements that changed nothing
  // too, as Java makes them. That costs an event for each full heartbeat.
  virtual bool WantsUnchangedRegister() const { return false; }
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_EVENT_H_
