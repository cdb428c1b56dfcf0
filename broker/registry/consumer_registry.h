// Consumer groups: their members, modes and subscriptions.
//
// Reference: ConsumerManager.java, ConsumerGroupInfo.java.
#ifndef BROKER_REGISTRY_CONSUMER_REGISTRY_H_
#define BROKER_REGISTRY_CONSUMER_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/effective_statement.h"
#include "broker/registry/ended_groups.h"
#include "broker/registry/group_acknowledgments.h"
#include "broker/registry/group_consistency.h"
#include "broker/registry/group_history.h"
#include "broker/registry/inconsistent_groups.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/statement.h"
#include "broker/registry/subscription_table.h"
#include "broker/registry/table_change.h"
#include "common/client_types.h"

namespace rmq {

struct ConsumerGroup : RegisteredGroup {
  explicit ConsumerGroup(absl::string_view name)
      : RegisteredGroup(GroupKind::kConsumer, name) {}

  EffectiveStatement statement;
  // The revision of the last change of the set of the members' client ids. A
  // second channel of an id, and a channel that replaces another one, change
  // nothing.
  uint64_t epoch = 0;
  // Who left. Taken up again if the group ends and begins again.
  GroupHistory history;
  // What the members have acknowledged.
  GroupAcknowledgments acknowledgments;
  // Whether the members state the same.
  GroupConsistency consistency;
  // The notification switch of the group's config, as of the latest full
  // heartbeat of any member.
  bool notify_consumer_ids_changed = true;

  // Whether members share the messages and are pushed who is there.
  bool is_notified() const {
    return notify_consumer_ids_changed &&
           statement.modes().message_model != MessageModel::kBroadcasting;
  }
};

// Invariants: a group exists iff it has a member; the groups of a topic are
// those that subscribe to it now. (Differs: Java's topic index keeps topics
// that a heartbeat dropped, and groups that expired.) A group's statement is
// what its members state: see EffectiveStatement. In a very large group that
// holds once Settle() has looked at enough members.
//
// CHANGE is made if the group's notification switch is on and its message model
// before or after the change is not BROADCASTING.
//
// Not thread-safe: a part of ClientTable, guarded by its lock.
class ConsumerRegistry {
 public:
  // How many departures all histories keep together. Beyond that a group keeps
  // no more than it has, or one.
  static constexpr size_t kMostDepartures = 256 * 1024;

  // `unchanged_register`: make kRegister for statements that changed nothing.
  // `clients` is borrowed.
  ConsumerRegistry(ClientDirectory* clients, bool unchanged_register,
                   size_t most_departures = kMostDepartures)
      : clients_(*clients),
        unchanged_register_(unchanged_register),
        most_departures_(most_departures) {}

  // How many members the following calls may look at, all together, until this
  // is called again: see EffectiveStatement::Look().
  void AllowLooks(size_t budget) { looks_left_ = budget; }

  // Applies one group of a statement. A channel that is new in the group joins
  // it. If the channel is a member under another client id, `who`'s client id
  // replaces it, without event. Streams that the channel replaces leave the
  // group in the same change, which makes no CHANGE if the client ids and the
  // topics stay the same. `grace`: how long the group, if it becomes
  // inconsistent by this, may be so unreported. `hint`: see
  // GroupMembers::Find(). Returns the group's epoch afterwards.
  // Reference: #registerConsumer. Differs: see EffectiveStatement.
  uint64_t Register(const ConsumerStatement& statement, bool notify,
                    absl::Duration grace, const Registrant& who, size_t* hint,
                    TableChange* change);

  // The channel's latest full heartbeat left the group of `membership` out.
  void NoteLeftOut(ChannelRecord& channel, Membership& membership,
                   TableChange* change);

  // Removes a channel from the group of `membership`. The event has
  // `client_id`. Reference: #unregisterConsumer, #doChannelCloseEvent. Differs:
  // a scan does the same, the group's notification switch holds for all
  // removals, and what only this member stated goes with it.
  void Remove(ChannelRecord& channel, Membership& membership,
              RemovalReason reason, absl::string_view client_id,
              TableChange* change);

  // Whether members of some group still have to be looked at.
  bool HasUnsettled() const {
    return !unsettled_.empty() || inconsistent_.HasUntold();
  }
  // Looks at members of such groups, as many as AllowLooks() allows.
  void Settle(TableChange* change);

  // How many times a member of a group has stated something else than before.
  uint64_t restatements() const { return restatements_; }

  const GroupTable<ConsumerGroup>& groups() const { return groups_; }
  // Groups that have no member now and had one.
  const EndedGroups& ended() const { return ended_; }

  // In words, why the rule of a statement's group rejects what `channel`, which
  // replaces `replaced`, states there: it differs from the reference of the
  // other members. Empty if the rule does not.
  std::string DescribeRejection(const AdmittedConsumer& admitted,
                                ChannelRecord& channel,
                                absl::Span<ChannelRecord* const> replaced,
                                size_t* hint);
  InconsistentGroups& inconsistent() { return inconsistent_; }
  const InconsistentGroups& inconsistent() const { return inconsistent_; }
  // Whether TakeWarnings() has one that `channel` has not been told.
  bool HasNews(const ChannelRecord& channel) const;
  // The warnings about what `channel` states of its groups. It counts as told.
  // `only_news`: those that it has not been told.
  void TakeWarnings(ChannelRecord& channel, bool only_news,
                    std::vector<ClientWarning>* warnings);

  // The names of the groups that subscribe to `topic`, in order.
  // Reference: #queryTopicConsumeByWho.
  const absl::btree_set<absl::string_view>& GroupsOfTopic(
      absl::string_view topic) const;

 private:
  // What decides, of a group before a change, whether the change makes CHANGE.
  struct Before {
    ConsumerModes modes;
    // The group had a member.
    bool existed;
  };

  // Looks at members of `group` as far as needed and allowed, and ends its
  // change.
  EffectiveStatement::Change TakeChange(ConsumerGroup& group);
  // The same for a change that can make an event by the modes alone.
  void TakeChangeOfModes(ConsumerGroup& group, const Before& before,
                         TableChange* change);
  // The group with that name, which may have no member yet.
  ConsumerGroup& FindOrBegin(absl::string_view name, uint64_t revision);
  // Counts `channel`, which is in the group by `membership`, as there under
  // `client`, and the counterpart. They move the group's epoch if that is the
  // first, or was the last, channel of the client there.
  void Enter(ConsumerGroup& group, const ChannelRecord& channel,
             Membership& membership, ClientEntry& client, TableChange* change);
  void Exit(ConsumerGroup& group, const ChannelRecord& channel,
            const Membership& membership, ClientEntry& client,
            RemovalReason reason, TableChange* change);
  static void MoveEpoch(ConsumerGroup& group, TableChange* change);
  void AddDeparture(ConsumerGroup& group, Departure departure);
  // Takes `channel` out of the group. Returns what it stated.
  MemberStatement Leave(ConsumerGroup& group, ChannelRecord& channel,
                        Membership& membership, RemovalReason reason,
                        TableChange* change);
  // Deletes a group that has no member.
  void End(ConsumerGroup& group);
  // Removes the streams that `who` replaces from the group. `left` gets their
  // events.
  void RemoveReplaced(ConsumerGroup& group, const Registrant& who,
                      TableChange* left);
  // kChange. `topics_changed`: see ClientEvent.
  static ClientEvent& AddChange(const ConsumerGroup& group, bool topics_changed,
                                TableChange* change);
  // Whether members of `group` are to read its consumer ids after a change.
  static bool MakesChange(const ConsumerGroup& group, const Before& before);
  // Whether the members share messages now and did not before the change.
  static bool BeginsToBalance(const ConsumerGroup& group, const Before& before);
  void Unindex(const ConsumerGroup& group, const std::string& topic);

  ClientDirectory& clients_;
  const bool unchanged_register_;
  const size_t most_departures_;
  size_t looks_left_ = 0;
  uint64_t restatements_ = 0;
  MemberStatementPool member_statements_;
  GroupTable<ConsumerGroup> groups_;
  EndedGroups ended_;
  // Of the histories of all groups.
  size_t departures_ = 0;
  InconsistentGroups inconsistent_;
  // By name, so that the order is the same in each run.
  absl::btree_map<absl::string_view, ConsumerGroup*> unsettled_;
  // Names are the groups' own; no set is empty.
  absl::flat_hash_map<std::string, absl::btree_set<absl::string_view>>
      groups_by_topic_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CONSUMER_REGISTRY_H_
