#include "broker/registry/consumer_registry.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/inlined_vector.h"
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

void ConsumerRegistry::Register(const ConsumerStatement& statement, bool notify,
                                const Registrant& who, size_t* hint,
                                TableChange* change) {
  ConsumerGroup& group = groups_.FindOrCreate(statement.group);
  const Before before{group.statement.modes(), !group.members.empty()};
  const bool notify_changed =
      std::exchange(group.notify_consumer_ids_changed, notify) != notify;

  Membership* membership = GroupMembers::Find(who.channel, group, hint);
  const bool joins = membership == nullptr;
  if (joins) {
    membership = &GroupMembers::Join(group, who);
  } else {
    membership->stated = true;
    ClientEntry& client = who.channel.ClientOf(*membership);
    if (&client != &who.client) {
      GroupMembers::SetClient(who.channel, *membership, who.client);
      membership->language = who.language;
      membership->version = who.version;
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
    membership->statement = std::move(updated);
    if (!joins) ++restatements_;
  }

  TableChange left = change->NewPart();
  bool members_changed = joins;
  if (!who.replaced.empty()) {
    members_changed = RemoveReplaced(group, who, joins, &left);
  }
  const EffectiveStatement::Change outcome = TakeChange(group);

  if (joins) SetGroup(group, change->AddJoined(group, who));
  change->Append(std::move(left));
  if ((members_changed || outcome.topics() || BeginsToBalance(group, before)) &&
      MakesChange(group, before)) {
    change->AddConsumerIdsChanged(group);
  }
  if (joins || outcome.topics() || outcome.subscriptions || outcome.modes ||
      unchanged_register_) {
    SetGroup(group, change->AddStatement(group, who));
  }
  if (unchanged_register_ ||
      (before.existed && (outcome.modes || notify_changed))) {
    change->set_repeats_matter();
  }
}

bool ConsumerRegistry::RemoveReplaced(ConsumerGroup& group,
                                      const Registrant& who, bool joins,
                                      TableChange* left) {
  bool had_client = false;
  absl::InlinedVector<std::string, 1> others;
  for (ChannelRecord* const old : who.replaced) {
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(*old, group, &hint);
    if (membership == nullptr) continue;
    ClientEntry& client = old->ClientOf(*membership);
    if (&client == &who.client) {
      had_client = true;
    } else {
      others.emplace_back(client.client_id());
    }
    // The group's subscriptions are still those before the change.
    SetGroup(group, left->AddLeft(*old, *membership, RemovalReason::kReplaced,
                                  client.client_id()));
    group.statement.Remove(*old,
                           GroupMembers::Leave(*old, *membership, clients_));
  }
  if (!left->has_events()) return joins;
  const bool has_come =
      !had_client && !HasMember(group, who.client.client_id(), &who.channel);
  return has_come || absl::c_any_of(others, [&](const std::string& other) {
           return !HasMember(group, other, /*but=*/nullptr);
         });
}

bool ConsumerRegistry::HasMember(const ConsumerGroup& group,
                                 absl::string_view client_id,
                                 const ChannelRecord* but) const {
  const ClientEntry* const client = clients_.Find(client_id);
  if (client == nullptr) return false;
  ClientEntry::Place place = ClientEntry::kBeforeAll;
  while (ChannelRecord* const channel = client->Next(&place)) {
    size_t hint = 0;
    const Membership* const membership =
        GroupMembers::Find(*channel, group, &hint);
    if (channel != but && membership != nullptr &&
        &channel->ClientOf(*membership) == client) {
      return true;
    }
  }
  return false;
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
      GroupMembers::Leave(channel, membership, clients_);
  if (group.members.empty()) {
    change->AddGroupGone(group, reason);
    // Of a group that has just become empty too, as Java.
    if (MakesChange(group, before)) {
      change->AddConsumerIdsChanged(group).reason = reason;
    }
    for (const auto& [topic, subscription] : *group.statement.subscriptions()) {
      Unindex(group, topic);
    }
    unsettled_.erase(group.name);
    groups_.Erase(group);
    return;
  }
  group.statement.Remove(channel, statement);
  const EffectiveStatement::Change outcome = TakeChange(group);
  if (MakesChange(group, before)) {
    change->AddConsumerIdsChanged(group).reason = reason;
  }
  if (outcome.modes) change->set_repeats_matter();
}

void ConsumerRegistry::Settle(TableChange* change) {
  while (!unsettled_.empty() && looks_left_ > 0) {
    ConsumerGroup& group = *unsettled_.begin()->second;
    const Before before{group.statement.modes(), /*existed=*/true};
    TakeChangeOfModes(group, before, change);
  }
}

void ConsumerRegistry::TakeChangeOfModes(ConsumerGroup& group,
                                         const Before& before,
                                         TableChange* change) {
  const EffectiveStatement::Change outcome = TakeChange(group);
  if (BeginsToBalance(group, before) && MakesChange(group, before)) {
    change->AddConsumerIdsChanged(group);
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
