// Consumer groups: their members, modes and subscriptions.
//
// Reference: ConsumerManager.java, ConsumerGroupInfo.java.
#ifndef BROKER_REGISTRY_CONSUMER_REGISTRY_H_
#define BROKER_REGISTRY_CONSUMER_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/effective_statement.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/statement.h"
#include "broker/registry/subscription_table.h"
#include "broker/registry/table_change.h"

namespace rmq {

struct ConsumerGroup : RegisteredGroup {
  explicit ConsumerGroup(absl::string_view name)
      : RegisteredGroup(GroupKind::kConsumer, name) {}

  EffectiveStatement statement;
  // The policy's switch, as of the latest full heartbeat of any member.
  bool notify_consumer_ids_changed = true;
};

// Invariants: a group exists iff it has a member; the groups of a topic are
// those that subscribe to it now. (Differs: Java's topic index keeps topics
// that a heartbeat dropped, and groups that expired.) A group's statement is
// what its members state (EffectiveStatement), in very large groups once
// Settle() has looked at enough of them.
//
// CHANGE is made if the group's switch is on and its message model is or was
// not BROADCASTING.
//
// Not thread-safe: a part of ClientTable, guarded by its lock.
class ConsumerRegistry {
 public:
  // `unchanged_register`: make kRegister for statements that changed nothing.
  // `clients` is borrowed.
  ConsumerRegistry(ClientDirectory* clients, bool unchanged_register)
      : clients_(*clients), unchanged_register_(unchanged_register) {}

  // How many members the calls from here on may look at together, under one
  // lock: see EffectiveStatement::Look().
  void AllowLooks(size_t budget) { looks_left_ = budget; }

  // Applies one group of a statement. A channel that is new in the group joins
  // it; on a known one another client id replaces the record's, without event.
  // Streams that the channel replaces leave the group in the same change, which
  // is no CHANGE if the client ids and the topics are what they were. `hint`:
  // see GroupMembers::Find().
  // Reference: #registerConsumer. Differs: see EffectiveStatement.
  void Register(const ConsumerStatement& statement, bool notify,
                const Registrant& who, size_t* hint, TableChange* change);

  // The channel's latest full heartbeat left the group of `membership` out.
  void NoteLeftOut(ChannelRecord& channel, Membership& membership,
                   TableChange* change);

  // Takes a channel out of the group of `membership`. `client_id` is what the
  // event says. Reference: #unregisterConsumer,
  // #doChannelCloseEvent. Differs: the same for a scan, and the group's
  // notification switch holds for all; what only the member stated goes with
  // it.
  void Remove(ChannelRecord& channel, Membership& membership,
              RemovalReason reason, absl::string_view client_id,
              TableChange* change);

  // Whether a group waits for members to be looked at.
  bool HasUnsettled() const { return !unsettled_.empty(); }
  // Looks at members of groups that wait, as many as it may.
  void Settle(TableChange* change);

  // How many times a member of a group has stated something else than before.
  uint64_t restatements() const { return restatements_; }

  const GroupTable<ConsumerGroup>& groups() const { return groups_; }

  // The names of the groups that subscribe to `topic`, in order.
  // Reference: #queryTopicConsumeByWho.
  const absl::btree_set<absl::string_view>& GroupsOfTopic(
      absl::string_view topic) const;

 private:
  // What of a group decides whether a change of it is told.
  struct Before {
    ConsumerModes modes;
    // The group had a member.
    bool existed;
  };

  // Looks for what the change of `group` needs, if it may, and ends the change.
  EffectiveStatement::Change TakeChange(ConsumerGroup& group);
  // The same where nothing but the modes can concern anybody.
  void TakeChangeOfModes(ConsumerGroup& group, const Before& before,
                         TableChange* change);
  // Takes the streams that `who` replaces out of the group. `left` gets their
  // events. Returns whether the group's client ids are others than before;
  // `joins`: whether the channel was no member.
  bool RemoveReplaced(ConsumerGroup& group, const Registrant& who, bool joins,
                      TableChange* left);
  // Whether a channel other than `but` is in the group under the client id.
  bool HasMember(const ConsumerGroup& group, absl::string_view client_id,
                 const ChannelRecord* but) const;
  // Whether a change of `group` is told.
  static bool IsTold(const ConsumerGroup& group, const Before& before);
  // Whether the members have to be told of each other, and had not before.
  static bool BeginsToBalance(const ConsumerGroup& group, const Before& before);
  void Unindex(const ConsumerGroup& group, const std::string& topic);

  ClientDirectory& clients_;
  const bool unchanged_register_;
  size_t looks_left_ = 0;
  uint64_t restatements_ = 0;
  MemberStatementPool member_statements_;
  GroupTable<ConsumerGroup> groups_;
  // By name, so that it is the same at each run.
  absl::btree_map<absl::string_view, ConsumerGroup*> unsettled_;
  // Names are the groups' own; no set is empty.
  absl::flat_hash_map<std::string, absl::btree_set<absl::string_view>>
      groups_by_topic_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CONSUMER_REGISTRY_H_
