// JavaModel: what can be asked.
#include <cstdint>
#include <string>

#include "tests/conformance/edge_rules.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/member_statement.h"

namespace rmq::conformance {

void JavaModel::CheckClientConfig(const Operation& operation) {
  const std::string& type = operation.subscription().expression_type();
  if (!operation.has_subscription() || type.empty() || type == "TAG") {
    Answer(0);
  } else if (!config_.enable_property_filter()) {
    Answer(1,
           "The broker does not support consumer to filter message by " + type);
  } else if (type == "SQL92" && operation.expect().code() == 0) {
    Answer(0);
  } else {
    Answer(23);
  }
}

void JavaModel::FindConsumerChannel(const Operation& operation) {
  const auto group = consumers_.find(operation.group());
  if (group == consumers_.end()) return;
  for (const auto& [channel, member] : group->second.members) {
    if (member.record->client_id == operation.client_id()) {
      outcome_.add_any_of(channel);
    }
  }
}

void JavaModel::FindProducerChannel(const Operation& operation) {
  if (!On(Switch::kProducerLookupIsKept)) {
    const auto found = producer_lookup_.find(operation.client_id());
    if (found != producer_lookup_.end()) outcome_.set_channel(found->second);
    return;
  }
  int64_t newest = 0;
  for (const auto& [name, members] : producers_) {
    for (const auto& [channel, member] : members) {
      if (member.record->client_id != operation.client_id()) continue;
      const int64_t joined = last_joins_.at({operation.client_id(), channel});
      if (joined > newest) {
        newest = joined;
        outcome_.set_channel(channel);
      }
    }
  }
}

void JavaModel::QueryTopicConsumeByWho(const std::string& topic) {
  if (!On(Switch::kTopicIndexIsLive)) {
    for (const std::string& group : topic_index_[topic]) {
      outcome_.add_groups(group);
    }
    return;
  }
  for (const auto& [name, group] : consumers_) {
    if (group.statement.subscriptions.count(topic) != 0)
      outcome_.add_groups(name);
  }
}

void JavaModel::ListConsumers(const std::string& group) {
  const auto found = consumers_.find(group);
  if (found == consumers_.end() || found->second.members.empty()) {
    Answer(1, "no consumer for this group, " + group);
    return;
  }
  Answer(0);
  for (const auto& [channel, member] : found->second.members) {
    // The recordings' null is none to protobuf's mapping.
    const ClientId& client_id = member.record->client_id;
    if (client_id.has_value()) outcome_.add_client_ids(*client_id);
  }
}

void JavaModel::Snapshot() {
  const auto add_all = [&](const Members& members, auto* connections) {
    for (const auto& [channel, member] : members) {
      Connection& connection = *connections->Add();
      connection.set_channel(channel);
      if (member.record->client_id.has_value()) {
        connection.set_client_id(*member.record->client_id);
      }
      connection.set_language(member.record->language);
      connection.set_version(member.record->version);
      connection.set_idle_ms(now_ - member.record->refreshed_at);
    }
  };
  for (const auto& [name, group] : consumers_) {
    ConsumerGroup& shown = *outcome_.add_consumer_groups();
    shown.set_group(name);
    const Modes& modes = group.statement.modes;
    if (modes.consume_type) shown.set_consume_type(*modes.consume_type);
    if (modes.message_model) shown.set_message_model(*modes.message_model);
    if (modes.consume_from_where) {
      shown.set_consume_from_where(*modes.consume_from_where);
    }
    add_all(group.members, shown.mutable_connections());
    for (const auto& [topic, subscription] : group.statement.subscriptions) {
      *shown.add_subscriptions() = On(Switch::kTagSetsAreDerived)
                                       ? AsOnTheWire(subscription)
                                       : subscription;
    }
  }
  for (const auto& [name, members] : producers_) {
    ProducerGroup& shown = *outcome_.add_producer_groups();
    shown.set_group(name);
    add_all(members, shown.mutable_connections());
  }
  for (const auto& [name, topic] : topics_) {
    if (initial_topics_.count(name) == 0) *outcome_.add_topics() = topic;
  }
  for (const auto& [name, config] : configs_) {
    if (built_in_groups_.count(name) == 0)
      outcome_.add_subscription_groups(name);
  }
}

}  // namespace rmq::conformance
