#include "broker/registry/consumer_registry.h"

#include <utility>

namespace rmq {

bool ConsumerRegistry::Register(const ConsumerStatement& statement, bool notify,
                                const Registrant& who, size_t* hint,
                                std::vector<ClientEvent>* events) {
  ConsumerGroup& group = groups_.FindOrCreate(statement.group);
  const bool is_new_group = group.members.empty();
  // First: the model of this very statement decides whether it notifies.
  const bool modes_changed =
      std::exchange(group.modes, statement.modes) != statement.modes;
  const bool notify_changed =
      std::exchange(group.notify_consumer_ids_changed, notify) != notify;

  Membership* const known = GroupMembers::Find(who.channel, group, hint);
  const bool is_new = known == nullptr;
  if (is_new) {
    GroupMembers::Join(group, who);
  } else {
    known->stated = true;
    if (known->client != &who.client) {
      ClientEntry& before = *std::exchange(known->client, &who.client);
      known->language = who.language;
      known->version = who.version;
      clients_.Release(before, who.channel);
    }
  }

  const SubscriptionUpdate update =
      UpdateSubscriptions(group, statement.subscriptions);

  const auto add = [&](EventType type) -> ClientEvent& {
    ClientEvent& event = events->emplace_back();
    event.type = type;
    event.kind = GroupKind::kConsumer;
    event.revision = who.revision;
    event.group = group.name;
    return event;
  };
  const auto add_of_channel = [&](EventType type) {
    ClientEvent& event = add(type);
    event.client_id = std::string(who.client.client_id());
    event.channel = who.channel.self_;
    event.language = who.language;
    event.version = who.version;
    event.consume_type = group.modes.consume_type;
    event.subscriptions = group.subscriptions;
  };
  if (is_new) add_of_channel(EventType::kClientRegister);
  if ((is_new || update.topics_changed) && group.IsNotified()) {
    add(EventType::kChange);
  }
  if (is_new || update.topics_changed || update.replaced || modes_changed ||
      unchanged_register_) {
    add_of_channel(EventType::kRegister);
  }
  return unchanged_register_ ||
         (!is_new_group && (modes_changed || notify_changed ||
                            update.topics_changed || update.replaced));
}

void ConsumerRegistry::Remove(ClientChannel& channel, Membership& membership,
                              RemovalReason reason, absl::string_view client_id,
                              uint64_t revision,
                              std::vector<ClientEvent>* events) {
  ConsumerGroup& group = static_cast<ConsumerGroup&>(*membership.group);
  const auto add = [&](EventType type) -> ClientEvent& {
    ClientEvent& event = events->emplace_back();
    event.type = type;
    event.kind = GroupKind::kConsumer;
    event.reason = reason;
    event.revision = revision;
    event.group = group.name;
    return event;
  };
  ClientEvent& left = add(EventType::kClientUnregister);
  left.client_id = std::string(client_id);
  left.channel = channel.self_;
  left.language = membership.language;
  left.version = membership.version;
  left.consume_type = group.modes.consume_type;
  left.subscriptions = group.subscriptions;

  GroupMembers::Leave(channel, membership, clients_);
  const bool emptied = group.members.empty();
  if (emptied) add(EventType::kUnregister);
  // Of a group that has just become empty too, as Java.
  if (group.IsNotified()) add(EventType::kChange);
  if (emptied) {
    for (const auto& [topic, subscription] : *group.subscriptions) {
      Unindex(group, topic);
    }
    groups_.Erase(group);
  }
}

const absl::btree_set<absl::string_view>& ConsumerRegistry::GroupsOfTopic(
    absl::string_view topic) const {
  static const auto* const none = new absl::btree_set<absl::string_view>;
  const auto found = groups_by_topic_.find(topic);
  return found == groups_by_topic_.end() ? *none : found->second;
}

ConsumerRegistry::SubscriptionUpdate ConsumerRegistry::UpdateSubscriptions(
    ConsumerGroup& group, absl::Span<const SubscriptionStatement> stated) {
  const SubscriptionTable& before = *group.subscriptions;
  SubscriptionUpdate update;
  size_t known = 0;
  for (const SubscriptionStatement& statement : stated) {
    const auto found = before.find(statement.topic);
    if (found == before.end()) {
      update.topics_changed = true;
    } else {
      ++known;
      if (statement.sub_version > found->second.sub_version) {
        update.replaced = true;
      }
    }
  }
  // No topic is stated twice, so fewer known ones mean that some were dropped.
  if (known < before.size()) update.topics_changed = true;
  if (!update.topics_changed && !update.replaced) return update;

  auto after = std::make_shared<SubscriptionTable>();
  for (const SubscriptionStatement& statement : stated) {
    const auto found = before.find(statement.topic);
    if (found != before.end() &&
        statement.sub_version <= found->second.sub_version) {
      after->insert(*found);
      continue;
    }
    after->insert_or_assign(
        std::string(statement.topic),
        SubscriptionData{std::string(statement.expression),
                         std::string(statement.expression_type),
                         statement.sub_version});
    groups_by_topic_[statement.topic].insert(group.name);
  }
  for (const auto& [topic, subscription] : before) {
    if (!after->contains(topic)) Unindex(group, topic);
  }
  group.subscriptions = std::move(after);
  return update;
}

void ConsumerRegistry::Unindex(const ConsumerGroup& group,
                               const std::string& topic) {
  const auto found = groups_by_topic_.find(topic);
  if (found == groups_by_topic_.end()) return;
  found->second.erase(group.name);
  if (found->second.empty()) groups_by_topic_.erase(found);
}

}  // namespace rmq
