// Consumer groups: their members, modes and subscriptions.
//
// Reference: ConsumerManager.java, ConsumerGroupInfo.java.
#ifndef BROKER_REGISTRY_CONSUMER_REGISTRY_H_
#define BROKER_REGISTRY_CONSUMER_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/statement.h"
#include "broker/registry/subscription_table.h"

namespace rmq {

struct ConsumerGroup : RegisteredGroup {
  explicit ConsumerGroup(absl::string_view name)
      : RegisteredGroup(GroupKind::kConsumer, name) {}

  // Whether a change of membership is told: kChange is made at all.
  bool IsNotified() const {
    return notify_consumer_ids_changed &&
           modes.message_model != MessageModel::kBroadcasting;
  }

  // Those of the latest statement of any member.
  ConsumerModes modes;
  // The policy's switch, as of the latest statement.
  bool notify_consumer_ids_changed = true;
  // Never null.
  SubscriptionTablePtr subscriptions =
      std::make_shared<const SubscriptionTable>();
};

// Invariants: a group exists iff it has a member; the groups of a topic are
// those that subscribe to it now. (Differs: Java's topic index keeps topics
// that a heartbeat dropped, and groups that expired.) Not thread-safe: a part
// of ClientTable, guarded by its lock. `events` are appended in Java's order.
class ConsumerRegistry {
 public:
  // `unchanged_register`: make kRegister for statements that changed nothing.
  // `clients` is borrowed.
  ConsumerRegistry(ClientDirectory* clients, bool unchanged_register)
      : clients_(*clients), unchanged_register_(unchanged_register) {}

  // Applies one group of a statement. A channel that is new in the group joins
  // it; on a known one another client id replaces the record's, without event.
  // The statement's topics replace the group's; a known topic's subscription is
  // replaced only by a greater sub version, which is no change. `hint`: see
  // GroupMembers::Find(). Returns whether another member that now repeated its
  // own statement could change something, or be heard by a listener.
  // Reference: #registerConsumer.
  bool Register(const ConsumerStatement& statement, bool notify,
                const Registrant& who, size_t* hint,
                std::vector<ClientEvent>* events);

  // Takes a channel out of the group of `membership`. `client_id` is what the
  // event says. Reference: #unregisterConsumer, #doChannelCloseEvent. Differs:
  // the same for a scan, and the group's notification switch holds for all.
  void Remove(ClientChannel& channel, Membership& membership,
              RemovalReason reason, absl::string_view client_id,
              uint64_t revision, std::vector<ClientEvent>* events);

  const GroupTable<ConsumerGroup>& groups() const { return groups_; }

  // The names of the groups that subscribe to `topic`, in order.
  // Reference: #queryTopicConsumeByWho.
  const absl::btree_set<absl::string_view>& GroupsOfTopic(
      absl::string_view topic) const;

 private:
  struct SubscriptionUpdate {
    // A topic was added or removed: what Java calls an update.
    bool topics_changed = false;
    // A known topic's subscription was replaced by a newer one.
    bool replaced = false;
  };
  SubscriptionUpdate UpdateSubscriptions(
      ConsumerGroup& group, absl::Span<const SubscriptionStatement> stated);
  void Unindex(const ConsumerGroup& group, const std::string& topic);

  ClientDirectory& clients_;
  const bool unchanged_register_;
  GroupTable<ConsumerGroup> groups_;
  // Names are the groups' own; no set is empty.
  absl::flat_hash_map<std::string, absl::btree_set<absl::string_view>>
      groups_by_topic_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CONSUMER_REGISTRY_H_
