// The checks of a simulated day: all that can be looked up in the core, and
// what clients know, against the model.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/policy/group_policy.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "common/client_types.h"
#include "tests/model/broker_model.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {

void Day::Checkpoint() {
  ++checkpoints_;
  const ClientTable::Counts counts = core_.table.counts();
  Expect(model_.open_channels().size(), counts.channels, "open channels");
  Expect<size_t>(0, counts.queued_events, "queued events");
  Expect(changes_, core_.notifier.counts().changes, "changes heard");
  Expect(pushes_, core_.notifier.counts().pushes, "pushes counted");
  CompareGroups(GroupKind::kConsumer);
  CompareGroups(GroupKind::kProducer);
  CompareTopics();
  CompareLookUps();
  for (int client = 0; client < options_.clients; ++client) {
    CompareWhatClientsKnow(client);
  }
  ComparePolicy();
  const std::string watched = watchers_.Compare();
  if (!watched.empty()) Fail(watched);
}

void Day::ReadWatchers(absl::string_view what) {
  const std::string failure = watchers_.Read(Now());
  if (!failure.empty()) Fail(what, ": ", failure);
  // What was replayed is the model's state after each call: where the call
  // changed something.
  for (const auto& [type, kind, reason, group, channel, client_id] : events_) {
    if (type != EventType::kClientRegister &&
        type != EventType::kClientUnregister) {
      continue;
    }
    if (watchers_.Has(kind, group, channels_[channel]->id()) !=
        (model_.FindMembership(channel, kind, group) != nullptr)) {
      Fail(what, ": a watcher is wrong about ", client_id, " in ", group);
    }
  }
}

void Day::CompareGroups(GroupKind kind) {
  const auto& groups = model_.groups(kind);
  const ClientTable::Counts counts = core_.table.counts();
  Expect(groups.size(),
         kind == GroupKind::kConsumer ? counts.consumer_groups
                                      : counts.producer_groups,
         "groups");
  for (const auto& [name, expected] : groups) {
    CompareMembers(kind, name, expected);
    if (kind == GroupKind::kConsumer) {
      CompareStatement(name, expected);
      continue;
    }
    const ClientChannelPtr available = core_.table.NextAvailableProducer(name);
    const bool is_member =
        std::any_of(expected.members.begin(), expected.members.end(),
                    [&](int member) { return channels_[member] == available; });
    if (!is_member) Fail("no available producer of ", name);
  }
}

void Day::CompareMembers(GroupKind kind, const std::string& name,
                         const BrokerModel::Group& expected) {
  auto next = expected.members.begin();
  MemberCursor cursor = 0;
  do {
    for (const MemberInfo& member :
         core_.table.ListMembers(kind, name, 100, &cursor)) {
      if (next == expected.members.end()) {
        return Fail(name, " has more members than ", expected.members.size());
      }
      const int number = *next++;
      const model::Membership& membership =
          *model_.FindMembership(number, kind, name);
      if (member.channel != channels_[number] ||
          member.client_id != membership.client_id ||
          member.last_heard != TimeAt(model_.LastHeard(number, membership))) {
        return Fail("a member of ", name, " is ", member.client_id,
                    ", expected ", membership.client_id);
      }
    }
  } while (cursor != 0);
  if (next != expected.members.end()) {
    Fail(name, " has fewer members than ", expected.members.size());
  }
}

void Day::CompareStatement(const std::string& name,
                           const BrokerModel::Group& expected) {
  const auto info = core_.table.FindConsumerGroup(name);
  if (!info.has_value()) return Fail("no group ", name);
  const model::GroupStatement& statement = expected.statement;
  if (info->modes != statement.modes) {
    Fail(name, " has other modes, and the message model ",
         Name(info->modes.message_model));
  }
  Expect(statement.subscriptions.size(), info->subscriptions->size(), name);
  for (const auto& [topic, subscription] : statement.subscriptions) {
    const auto found = core_.table.FindSubscription(name, topic);
    if (!found.has_value() || found->sub_version != subscription.version ||
        found->expression != subscription.expression) {
      Fail(name, " has not version ", subscription.version, " of ", topic);
    }
  }
}

void Day::CompareTopics() {
  // Topics without subscribers are looked up too.
  std::map<std::string, std::vector<std::string>> groups_of;
  for (int topic = 0; topic < topics_; ++topic) groups_of[TopicName(topic)];
  for (int group = 0; group < consumer_groups_; ++group) {
    groups_of[RetryTopicName(group)];
  }
  for (const auto& [name, group] : model_.groups(GroupKind::kConsumer)) {
    for (const auto& [topic, subscription] : group.statement.subscriptions) {
      groups_of[topic].push_back(name);
    }
  }
  for (const auto& [topic, expected] : groups_of) {
    if (core_.table.GroupsOfTopic(topic, "", ClientTable::kMaxPiece) !=
        expected) {
      Fail("groups of ", topic);
    }
  }
}

void Day::CompareLookUps() {
  // By client: the channel that last joined a producer group, and when.
  std::vector<std::pair<int64_t, int>> producing(clients_.size(), {0, -1});
  for (const int number : model_.open_channels()) {
    const BrokerModel::Channel& channel = model_.channels()[number];
    const int owner = channels_[number]->client;
    for (const model::Membership& membership : channel.memberships) {
      if (membership.kind == GroupKind::kProducer) {
        auto& last = producing[owner];
        last =
            std::max(last, {channel.last_joined.at(channel.client_id), number});
        continue;
      }
      const ClientChannelPtr found =
          core_.table.FindConsumerChannel(membership.group, channel.client_id);
      if (found == nullptr) {
        Fail("no channel of ", channel.client_id, " in ", membership.group);
        continue;
      }
      const auto& other = static_cast<const DayChannel&>(*found);
      if (other.client != owner || !model_.channels()[other.number].open) {
        Fail("another's channel for ", channel.client_id);
      }
    }
  }
  for (int client = 0; client < options_.clients; ++client) {
    if (core_.table.FindProducerChannel(ClientId(client)).get() !=
        ChannelOf(producing[client].second)) {
      Fail("another channel for the producer ", ClientId(client));
    }
  }
}

void Day::CompareWhatClientsKnow(int number) {
  const DayClient& client = clients_[number];
  if (client.state != DayClient::State::kLive || client.channel < 0) return;
  const BrokerModel::Channel& channel = model_.channels()[client.channel];
  if (!channel.open) return;
  // A live client is in exactly what it stated, and in what it has left out and
  // has not expired yet.
  size_t current = 0;
  for (const model::Membership& membership : channel.memberships) {
    if (membership.current) ++current;
  }
  Expect(client.consumers.size() + client.producers.size(), current,
         "groups of a live client");
  if (client.unary) return;
  for (const DayClient::Consumer& consumer : client.consumers) {
    const std::string group = ConsumerName(consumer.group);
    if (!model_.IsNotified(group)) continue;
    // Members list client ids, however many channels a client has.
    std::set<std::string> truth;
    for (const int member :
         model_.groups(GroupKind::kConsumer).at(group).members) {
      truth.insert(model_.channels()[member].client_id);
    }
    const auto known = client.known.find(group);
    if (known == client.known.end() ||
        std::set<std::string>(known->second->begin(), known->second->end()) !=
            truth) {
      Fail(ClientId(number), " knows a wrong list of ", group);
    }
  }
}

void Day::ComparePolicy() {
  const size_t all = std::numeric_limits<size_t>::max();
  std::vector<std::string> configs, topics;
  for (const auto& config : core_.policy.ListSubscriptionGroups("", all)) {
    configs.push_back(config.group);
  }
  for (const auto& topic : core_.policy.ListTopics("", all)) {
    topics.push_back(topic.topic);
  }
  const auto are_names_of = [](const auto& expected, const auto& names) {
    return std::equal(expected.begin(), expected.end(), names.begin(),
                      names.end(), [](const auto& entry, const auto& name) {
                        return entry.first == name;
                      });
  };
  if (!are_names_of(model_.policy().groups(), configs)) {
    Fail("subscription group configs");
  }
  if (!are_names_of(model_.policy().topics(), topics)) Fail("retry topics");
}

}  // namespace rmq
