#include "broker/registry/consumer_registry.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/optional.h"
#include "common/client_types.h"

namespace rmq {
namespace {

// Whether members share the messages, and so have to know of each other.
bool Balances(const ConsumerModes& modes) {
  return modes.message_model != MessageModel::kBroadcasting;
}

// Sets what only events of a consumer group have.
void SetGroup(const ConsumerGroup& group, ClientEvent& event) {
  event.consume_type = group.statement.modes().consume_type;
  event.subscriptions = group.statement.subscriptions();
}

}  // namespace

uint64_t ConsumerRegistry::Register(const ConsumerStatement& statement,
                                    bool notify, absl::Duration grace,
                                    const Registrant& who, size_t* hint,
                                    TableChange* change) {
  ConsumerGroup& group = FindOrBegin(statement.group, change->revision());
  const Before before{group.statement.modes(), !group.members.empty()};
  const bool notify_changed =
      std::exchange(group.notify_consumer_ids_changed, notify) != notify;

  Membership* membership = GroupMembers::Find(who.channel, group, hint);
  const bool joins = membership == nullptr;
  if (joins) {
    membership = &GroupMembers::Join(group, who);
    Enter(group, who.channel, *membership, who.client, change);
  } else {
    membership->stated = true;
    ClientEntry& client = who.channel.ClientOf(*membership);
    if (&client != &who.client) {
      Exit(group, who.channel, *membership, client,
           RemovalReason::kUnregistered, change);
      GroupMembers::SetClient(who.channel, *membership, who.client);
      Enter(group, who.channel, *membership, who.client, change);
      clients_.Release(client, who.channel);
    }
  }
  if (MemberStatementPool::ChangesNothing(membership->statement, statement)) {
    group.statement.Repeat(who.channel, who.number);
  } else {
    MemberStatement updated =
        member_statements_.Update(membership->statement, statement);
    group.statement.Restate(who.channel, membership->statement, updated,
                            who.number);
    group.consistency.Restate(membership->statement, updated, change->now());
    membership->statement = std::move(updated);
    if (!joins) ++restatements_;
  }

  TableChange left = change->NewPart();
  if (!who.replaced.empty()) RemoveReplaced(group, who, &left);
  // Otherwise a second channel of a present client id is told too, as Java.
  const bool replaces = left.has_events();
  const EffectiveStatement::Change outcome = TakeChange(group);

  if (joins) SetGroup(group, change->AddJoined(group, who));
  change->Append(std::move(left));
  const bool members_changed =
      replaces ? group.epoch == change->revision() : joins;
  const bool topics_changed =
      outcome.topics() || BeginsToBalance(group, before);
  if ((members_changed || topics_changed) && MakesChange(group, before)) {
    AddChange(group, topics_changed, change);
  }
  if (joins || outcome.topics() || outcome.subscriptions || outcome.modes ||
      unchanged_register_) {
    SetGroup(group, change->AddStatement(group, who));
  }
  if (unchanged_register_ ||
      (before.existed && (outcome.modes || notify_changed))) {
    change->set_repeats_matter();
  }
  inconsistent_.Update(group, group.consistency, grace, change);
  return group.epoch;
}

ConsumerGroup& ConsumerRegistry::FindOrBegin(absl::string_view name,
                                             uint64_t revision) {
  ConsumerGroup& group = groups_.FindOrCreate(name);
  if (!group.members.empty()) return group;
  if (absl::optional<EndedGroup> ended = ended_.Take(name)) {
    group.epoch = ended->epoch;
    group.history = std::move(ended->history);
  } else {
    group.history = GroupHistory(revision);
  }
  return group;
}

void ConsumerRegistry::Enter(ConsumerGroup& group, const ChannelRecord& channel,
                             Membership& membership, ClientEntry& client,
                             TableChange* change) {
  const ClientEntry::Presence presence =
      client.EnterGroup(group, channel, change->revision());
  membership.joined = presence.joined;
  if (presence.channels == 1) MoveEpoch(group, change);
}

void ConsumerRegistry::Exit(ConsumerGroup& group, const ChannelRecord& channel,
                            const Membership& membership, ClientEntry& client,
                            RemovalReason reason, TableChange* change) {
  const ClientEntry::Presence presence = client.LeaveGroup(group);
  const bool stays = presence.channels > 0;
  if (!stays) MoveEpoch(group, change);
  if (stays && !presence.out_of_order) return;
  AddDeparture(group, {change->revision(), membership.joined, channel.id,
                       std::string(client.client_id()), reason, stays});
}

void ConsumerRegistry::MoveEpoch(ConsumerGroup& group, TableChange* change) {
  group.epoch = change->revision();
  change->set_moves_epoch();
}

void ConsumerRegistry::AddDeparture(ConsumerGroup& group, Departure departure) {
  const size_t before = group.history.size();
  size_t bound = GroupHistory::Bound(group.members.size());
  if (departures_ >= most_departures_) {
    bound = std::min(bound, std::max<size_t>(before, 1));
  }
  group.history.Add(std::move(departure), group.epoch, bound);
  departures_ += group.history.size() - before;
}

MemberStatement ConsumerRegistry::Leave(ConsumerGroup& group,
                                        ChannelRecord& channel,
                                        Membership& membership,
                                        RemovalReason reason,
                                        TableChange* change) {
  Exit(group, channel, membership, channel.ClientOf(membership), reason,
       change);
  group.acknowledgments.Erase(channel);
  return GroupMembers::Leave(channel, membership, clients_);
}

void ConsumerRegistry::RemoveReplaced(ConsumerGroup& group,
                                      const Registrant& who,
                                      TableChange* left) {
  for (ChannelRecord* const old : who.replaced) {
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(*old, group, &hint);
    if (membership == nullptr) continue;
    // The group's subscriptions are still those before the change.
    SetGroup(group, left->AddLeft(*old, *membership, RemovalReason::kReplaced,
                                  old->ClientOf(*membership).client_id()));
    const MemberStatement statement =
        Leave(group, *old, *membership, RemovalReason::kReplaced, left);
    group.statement.Remove(*old, statement);
    group.consistency.Remove(statement);
  }
}

void ConsumerRegistry::NoteLeftOut(ChannelRecord& channel,
                                   Membership& membership,
                                   TableChange* change) {
  auto& group = static_cast<ConsumerGroup&>(*membership.group);
  const Before before{group.statement.modes(), /*existed=*/true};
  group.statement.NoteLeftOut(channel);
  TakeChangeOfModes(group, before, change);
}

void ConsumerRegistry::Remove(ChannelRecord& channel, Membership& membership,
                              RemovalReason reason, absl::string_view client_id,
                              TableChange* change) {
  auto& group = static_cast<ConsumerGroup&>(*membership.group);
  const Before before{group.statement.modes(), /*existed=*/true};
  SetGroup(group, change->AddLeft(channel, membership, reason, client_id));
  const MemberStatement statement =
      Leave(group, channel, membership, reason, change);
  group.consistency.Remove(statement);
  if (group.members.empty()) {
    change->AddGroupGone(group, reason);
    // Of a group that has just become empty too, as Java.
    if (MakesChange(group, before)) {
      AddChange(group, /*topics_changed=*/false, change).reason = reason;
    }
    End(group);
    return;
  }
  group.statement.Remove(channel, statement);
  const EffectiveStatement::Change outcome = TakeChange(group);
  if (MakesChange(group, before)) {
    AddChange(group, outcome.topics() || BeginsToBalance(group, before), change)
        .reason = reason;
  }
  if (outcome.modes) change->set_repeats_matter();
  inconsistent_.Update(group, group.consistency, absl::ZeroDuration(), change);
}

std::string ConsumerRegistry::DescribeRejection(
    const AdmittedConsumer& admitted, ChannelRecord& channel,
    absl::Span<ChannelRecord* const> replaced, size_t* hint) {
  if (admitted.consistency.policy != ConsistencyRule::Policy::kReject) {
    return "";
  }
  const ConsumerStatement& stated = *admitted.statement;
  const ConsumerGroup* const group = groups_.Find(stated.group);
  if (group == nullptr) return "";
  absl::InlinedVector<const MemberStatement*, 2> leaving;
  const auto leave = [&](ChannelRecord& member, size_t* member_hint) {
    const Membership* const membership =
        GroupMembers::Find(member, *group, member_hint);
    if (membership == nullptr) return;
    leaving.push_back(&membership->statement);
  };
  leave(channel, hint);
  static const MemberStatement& none = *new MemberStatement;
  const MemberStatement updated =
      member_statements_.Update(leaving.empty() ? none : *leaving[0], stated);
  for (ChannelRecord* const old : replaced) {
    size_t old_hint = 0;
    leave(*old, &old_hint);
  }
  return group->consistency.DescribeIfOddAmongOthers(group->name, updated,
                                                     leaving);
}

bool ConsumerRegistry::HasNews(const ChannelRecord& channel) const {
  if (inconsistent_.reported() == 0) return false;
  return absl::c_any_of(channel.memberships, [&](const Membership& membership) {
    return !membership.left_out &&
           membership.group->kind == GroupKind::kConsumer &&
           inconsistent_.HasNews(
               channel, membership,
               static_cast<const ConsumerGroup&>(*membership.group)
                   .consistency);
  });
}

void ConsumerRegistry::TakeWarnings(ChannelRecord& channel, bool only_news,
                                    std::vector<ClientWarning>* warnings) {
  const bool was_told =
      channel.exceptions != nullptr && !channel.exceptions->told.empty();
  if (inconsistent_.reported() == 0 && !was_told) return;
  for (const Membership& membership : channel.memberships) {
    if (membership.left_out || membership.group->kind != GroupKind::kConsumer) {
      continue;
    }
    const auto& group = static_cast<const ConsumerGroup&>(*membership.group);
    absl::optional<ClientWarning> warning = inconsistent_.TakeWarning(
        channel, membership, group.consistency, only_news);
    if (warning.has_value()) warnings->push_back(*std::move(warning));
  }
}

void ConsumerRegistry::End(ConsumerGroup& group) {
  for (const auto& [topic, subscription] : *group.statement.subscriptions()) {
    Unindex(group, topic);
  }
  unsettled_.erase(group.name);
  departures_ -=
      ended_.Keep({group.name, group.epoch, std::move(group.history)});
  groups_.Erase(group);
}

ClientEvent& ConsumerRegistry::AddChange(const ConsumerGroup& group,
                                         bool topics_changed,
                                         TableChange* change) {
  ClientEvent& event = change->AddConsumerIdsChanged(group);
  event.epoch = group.epoch;
  event.members_changed = group.epoch == change->revision();
  event.topics_changed = topics_changed;
  return event;
}

void ConsumerRegistry::Settle(TableChange* change) {
  while (!unsettled_.empty() && looks_left_ > 0) {
    ConsumerGroup& group = *unsettled_.begin()->second;
    const Before before{group.statement.modes(), /*existed=*/true};
    TakeChangeOfModes(group, before, change);
  }
  inconsistent_.Tell(&looks_left_);
}

void ConsumerRegistry::TakeChangeOfModes(ConsumerGroup& group,
                                         const Before& before,
                                         TableChange* change) {
  const EffectiveStatement::Change outcome = TakeChange(group);
  if (BeginsToBalance(group, before) && MakesChange(group, before)) {
    AddChange(group, /*topics_changed=*/true, change);
  }
  if (outcome.modes) change->set_repeats_matter();
}

EffectiveStatement::Change ConsumerRegistry::TakeChange(ConsumerGroup& group) {
  group.statement.Look(group, &looks_left_);
  EffectiveStatement::Change change = group.statement.TakeChange(group);
  for (const std::string& topic : change.added_topics) {
    groups_by_topic_[topic].insert(group.name);
  }
  for (const std::string& topic : change.removed_topics) Unindex(group, topic);
  if (group.statement.WantsLook()) {
    unsettled_.emplace(group.name, &group);
  } else if (!unsettled_.empty()) {
    unsettled_.erase(group.name);
  }
  return change;
}

bool ConsumerRegistry::MakesChange(const ConsumerGroup& group,
                                   const Before& before) {
  return group.notify_consumer_ids_changed &&
         ((before.existed && Balances(before.modes)) ||
          Balances(group.statement.modes()));
}

bool ConsumerRegistry::BeginsToBalance(const ConsumerGroup& group,
                                       const Before& before) {
  return before.existed && !Balances(before.modes) &&
         Balances(group.statement.modes());
}

const absl::btree_set<absl::string_view>& ConsumerRegistry::GroupsOfTopic(
    absl::string_view topic) const {
  static const auto* const none = new absl::btree_set<absl::string_view>;
  const auto found = groups_by_topic_.find(topic);
  return found == groups_by_topic_.end() ? *none : found->second;
}

void ConsumerRegistry::Unindex(const ConsumerGroup& group,
                               const std::string& topic) {
  const auto found = groups_by_topic_.find(topic);
  if (found == groups_by_topic_.end()) return;
  found->second.erase(group.name);
  if (found->second.empty()) groups_by_topic_.erase(found);
}

}  // namespace rmq
