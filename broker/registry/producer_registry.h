// Producer groups and their members.
//
// Reference: ProducerManager.java.
#ifndef BROKER_REGISTRY_PRODUCER_REGISTRY_H_
#define BROKER_REGISTRY_PRODUCER_REGISTRY_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/table_change.h"

namespace rmq {

struct ProducerGroup : RegisteredGroup {
  explicit ProducerGroup(absl::string_view name)
      : RegisteredGroup(GroupKind::kProducer, name) {}

  // The member that NextAvailable() returned last.
  ChannelId last_chosen = 0;
};

// Invariant: a group exists iff it has a member.
// Not thread-safe: a part of ClientTable, guarded by its lock.
class ProducerRegistry {
 public:
  // `clients` is borrowed.
  explicit ProducerRegistry(ClientDirectory* clients) : clients_(*clients) {}

  // Adds the channel to the group, or renews its membership; a channel that is
  // a member already keeps its first client id. If `take_new` is false, a
  // channel that is not a member does not join. Returns whether the channel is
  // a member now. `hint`: see GroupMembers::Find(). Reference:
  // #registerProducer.
  bool Register(absl::string_view group, bool take_new, const Registrant& who,
                size_t* hint, TableChange* change);

  // Removes a channel from the group of `membership`. The event has
  // `client_id`. Reference: #unregisterProducer, #doChannelCloseEvent.
  void Remove(ChannelRecord& channel, Membership& membership,
              RemovalReason reason, absl::string_view client_id,
              TableChange* change);

  // Whether `channel` is in a producer group under `client`. Of several such
  // channels the one that joined a producer group last is the last one of the
  // client.
  // Reference: #findChannel. Differs: leaving one group does not hide a client
  // that is in another.
  static bool IsProducer(const ChannelRecord& channel,
                         const ClientEntry& client);

  // The next channel of the group in turn that is writable; if none of the next
  // `kMaxTries` is, the last one looked at. Null if there is no such group.
  // Reference: #getAvailableChannel.
  ChannelRecord* NextAvailable(absl::string_view group);

  const GroupTable<ProducerGroup>& groups() const { return groups_; }

 private:
  static constexpr int kMaxTries = 3;

  ClientDirectory& clients_;
  GroupTable<ProducerGroup> groups_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_PRODUCER_REGISTRY_H_
