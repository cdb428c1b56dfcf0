#include "broker/registry/consumer_registry.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/inlined_vector.h"
#include "common/client_types.h"

namespace rmq {
namespace {

// Whether members share the messages, and so have to be told of each other.
bool Balances(const ConsumerModes& modes) {
  return modes.message_model != MessageModel::kBroadcasting;
}

}  // namespace

// Makes the events of one change of one group.
class ConsumerRegistry::EventMaker {
 public:
  EventMaker(const ConsumerGroup& group, uint64_t revision,
             std::vector<ClientEvent>* events)
      : group_(group), revision_(revision), events_(*events) {}

  ClientEvent& Add(EventType type) {
    ClientEvent& event = events_.emplace_back();
    event.type = type;
    event.kind = GroupKind::kConsumer;
    event.revision = revision_;
    event.group = group_.name;
    return event;
  }

  void AddOf(EventType type, const Registrant& who) {
    Fill(who.client.client_id(), who.channel.self_, who.language, who.version,
         &Add(type));
  }

  // Before the membership is gone.
  void AddLeft(absl::string_view client_id, const ClientChannelPtr& channel,
               const Membership& membership, RemovalReason reason,
               absl::Time heard_floor) {
    ClientEvent& event = Add(EventType::kClientUnregister);
    Fill(client_id, channel, membership.language, membership.version, &event);
    event.reason = reason;
    event.last_heard = std::max(channel->LastStated(membership), heard_floor);
  }

 private:
  void Fill(absl::string_view client_id, const ClientChannelPtr& channel,
            LanguageCode language, int32_t version, ClientEvent* event) const {
    event->client_id = std::string(client_id);
    event->channel = channel;
    event->language = language;
    event->version = version;
    event->consume_type = group_.statement.modes().consume_type;
    event->subscriptions = group_.statement.subscriptions();
  }

  const ConsumerGroup& group_;
  const uint64_t revision_;
  std::vector<ClientEvent>& events_;
};

bool ConsumerRegistry::Register(const ConsumerStatement& statement, bool notify,
                                const Registrant& who, absl::Time heard_floor,
                                size_t* hint,
                                std::vector<ClientEvent>* events) {
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
  if (HeldStatementPool::ChangesNothing(membership->held, statement)) {
    group.statement.Repeat(who.channel, who.number);
  } else {
    HeldStatement held = held_.State(membership->held, statement);
    group.statement.Restate(who.channel, membership->held, held, who.number);
    membership->held = std::move(held);
    if (!joins) ++restatements_;
  }

  std::vector<ClientEvent> left;
  bool members_changed = joins;
  if (!who.replaced.empty()) {
    members_changed = RemoveReplaced(group, who, joins, heard_floor, &left);
  }
  const EffectiveStatement::Change change = TakeChange(group);

  EventMaker make(group, who.revision, events);
  if (joins) make.AddOf(EventType::kClientRegister, who);
  absl::c_move(left, std::back_inserter(*events));
  if ((members_changed || change.topics() || BeginsToBalance(group, before)) &&
      IsTold(group, before)) {
    make.Add(EventType::kChange);
  }
  if (joins || change.topics() || change.subscriptions || change.modes ||
      unchanged_register_) {
    make.AddOf(EventType::kRegister, who);
  }
  return unchanged_register_ ||
         (before.existed && (change.modes || notify_changed));
}

bool ConsumerRegistry::RemoveReplaced(ConsumerGroup& group,
                                      const Registrant& who, bool joins,
                                      absl::Time heard_floor,
                                      std::vector<ClientEvent>* left) {
  // It tells of the group before the change, of which nothing is taken yet.
  EventMaker make(group, who.revision, left);
  bool had_client = false;
  absl::InlinedVector<std::string, 1> others;
  for (const ClientChannelPtr& old : who.replaced) {
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(*old, group, &hint);
    if (membership == nullptr) continue;
    ClientEntry& client = old->ClientOf(*membership);
    if (&client == &who.client) {
      had_client = true;
    } else {
      others.emplace_back(client.client_id());
    }
    make.AddLeft(client.client_id(), old, *membership, RemovalReason::kReplaced,
                 heard_floor);
    group.statement.Remove(*old,
                           GroupMembers::Leave(*old, *membership, clients_));
  }
  if (left->empty()) return joins;
  const bool has_come =
      !had_client && !HasMember(group, who.client.client_id(), &who.channel);
  return has_come || absl::c_any_of(others, [&](const std::string& other) {
           return !HasMember(group, other, /*but=*/nullptr);
         });
}

bool ConsumerRegistry::HasMember(const ConsumerGroup& group,
                                 absl::string_view client_id,
                                 const ClientChannel* but) const {
  const ClientEntry* const client = clients_.Find(client_id);
  if (client == nullptr) return false;
  ClientEntry::Place place = ClientEntry::kBeforeAll;
  while (ClientChannel* const channel = client->Next(&place)) {
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

bool ConsumerRegistry::NoteLeftOut(ClientChannel& channel,
                                   Membership& membership, uint64_t revision,
                                   std::vector<ClientEvent>* events) {
  auto& group = static_cast<ConsumerGroup&>(*membership.group);
  const Before before{group.statement.modes(), /*existed=*/true};
  group.statement.NoteLeftOut(channel);
  return TakeChangeOfModes(group, before, revision, events);
}

bool ConsumerRegistry::Remove(ClientChannel& channel, Membership& membership,
                              RemovalReason reason, absl::string_view client_id,
                              absl::Time heard_floor, uint64_t revision,
                              std::vector<ClientEvent>* events) {
  auto& group = static_cast<ConsumerGroup&>(*membership.group);
  const Before before{group.statement.modes(), /*existed=*/true};
  EventMaker make(group, revision, events);
  make.AddLeft(client_id, channel.self_, membership, reason, heard_floor);
  const HeldStatement held = GroupMembers::Leave(channel, membership, clients_);
  if (group.members.empty()) {
    make.Add(EventType::kUnregister).reason = reason;
    // Of a group that has just become empty too, as Java.
    if (IsTold(group, before)) make.Add(EventType::kChange).reason = reason;
    for (const auto& [topic, subscription] : *group.statement.subscriptions()) {
      Unindex(group, topic);
    }
    unsettled_.erase(group.name);
    groups_.Erase(group);
    return false;
  }
  group.statement.Remove(channel, held);
  const EffectiveStatement::Change change = TakeChange(group);
  if (IsTold(group, before)) make.Add(EventType::kChange).reason = reason;
  return change.modes;
}

bool ConsumerRegistry::Settle(uint64_t revision,
                              std::vector<ClientEvent>* events) {
  bool modes_changed = false;
  while (!unsettled_.empty() && looks_left_ > 0) {
    ConsumerGroup& group = *unsettled_.begin()->second;
    const Before before{group.statement.modes(), /*existed=*/true};
    modes_changed |= TakeChangeOfModes(group, before, revision, events);
  }
  return modes_changed;
}

bool ConsumerRegistry::TakeChangeOfModes(ConsumerGroup& group,
                                         const Before& before,
                                         uint64_t revision,
                                         std::vector<ClientEvent>* events) {
  const EffectiveStatement::Change change = TakeChange(group);
  if (BeginsToBalance(group, before) && IsTold(group, before)) {
    EventMaker(group, revision, events).Add(EventType::kChange);
  }
  return change.modes;
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

bool ConsumerRegistry::IsTold(const ConsumerGroup& group,
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
