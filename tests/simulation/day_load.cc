// The load of a simulated day: clients that heartbeat, join, leave and change
// their minds.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "common/client_types.h"
#include "tests/model/broker_model.h"
#include "tests/simulation/day.h"
#include "tests/simulation/day_client.h"

namespace rmq {

Millis Day::Interval(const DayClient& client) {
  if (client.requested_expiry == 0) return kHeartbeat;
  return std::min(kHeartbeat,
                  std::max(client.requested_expiry, 10 * kSecond) / 4);
}

void Day::Beat(int number) {
  DayClient& client = clients_[number];
  ClientAt(now_ + Interval(client), Kind::kHeartbeat, number);
  if (client.unary) {
    const int stand_in = model_.FindStandIn(ClientId(number));
    const ClientChannelPtr found = core_.table.FindStandIn(ClientId(number));
    if (found.get() != ChannelOf(stand_in)) Fail("another stand-in");
    if (found == nullptr) return Connect(number);
  }
  switch (LightHeartbeat(number)) {
    case Renewal::kRenewed: return;
    case Renewal::kFullStatementNeeded:
      return FullHeartbeat(number, client.channel);
    case Renewal::kClosed: return Connect(number);
  }
}

void Day::Act(int number) {
  DayClient& client = clients_[number];
  NextAct(number);
  if (client.state != DayClient::State::kLive) return;
  if (client.unary) return ActUnary(number);
  const int die = Below(100);
  if (die < 25) {
    Cut(number);
  } else if (die < 35) {
    LeaveGracefully(number);
  } else if (die < 55) {
    FallSilent(number);
  } else if (die < 65) {
    RestartUnnoticed(number);
  } else if (die < 75) {
    Reconnect(number);
  } else if (die < 85) {
    LayAside(number, /*unregister=*/false);
  } else if (die < 95) {
    LayAside(number, /*unregister=*/true);
  } else if (die < 97) {
    RaceOfTwoStreams(number);
  } else {
    Kick(number);
  }
}

void Day::ActUnary(int number) {
  const int die = Below(100);
  if (die < 30) {
    LeaveGracefully(number);
  } else if (die < 60) {
    FallSilent(number);
  } else if (die < 65) {
    Kick(number);
  } else {
    LayAside(number, /*unregister=*/die < 80);
  }
}

void Day::Return(int number) {
  DayClient& client = clients_[number];
  client.state = DayClient::State::kLive;
  // Some clients send no incarnation (0), and so replace nothing.
  client.incarnation = Percent(5) ? 0 : random_() | 1;
  client.numbers_streams = !Percent(20);
  client.streams = 0;
  client.known.clear();
  client.consumers.insert(client.consumers.end(), client.laid_aside.begin(),
                          client.laid_aside.end());
  client.laid_aside.clear();
  if (Percent(20)) {
    client.requested_expiry = kRequested[Below(std::size(kRequested))];
  }
  if (Percent(20)) DrawGroups(client);
  for (DayClient::Consumer& consumer : client.consumers) {
    consumer.definition = definitions_[consumer.group];
    if (Percent(50)) consumer.canary = Canary::kNone;
  }
  Connect(number);
  ClientAt(now_ + Interval(client), Kind::kHeartbeat, number);
}

void Day::Restate(int number) {
  DayClient& client = clients_[number];
  if (client.state != DayClient::State::kLive) return;
  client.consumers.insert(client.consumers.end(), client.laid_aside.begin(),
                          client.laid_aside.end());
  client.laid_aside.clear();
  for (DayClient::Consumer& consumer : client.consumers) {
    consumer.definition = definitions_[consumer.group];
  }
  if (Percent(5)) {
    client.requested_expiry = kRequested[Below(std::size(kRequested))];
  }
  ClientAt(now_ + Interval(client), Kind::kHeartbeat, number);
  if (client.unary && model_.FindStandIn(ClientId(number)) < 0)
    return Connect(number);
  if (!model_.channels()[client.channel].open) return Connect(number);
  FullHeartbeat(number, client.channel);
}

void Day::LeaveGracefully(int number) {
  DayClient& client = clients_[number];
  const size_t calls =
      std::max(client.consumers.size(), client.producers.size());
  for (size_t i = 0; i < calls; ++i) {
    Unregister(number, i < client.producers.size() ? client.producers[i] : -1,
               i < client.consumers.size() ? client.consumers[i].group : -1);
  }
  client.state = DayClient::State::kAway;
  if (!client.unary) {
    CloseChannel(client.channel, RemovalReason::kDisconnected);
  }
  ClientAt(now_ + Between(kMinute, kHour), Kind::kReturn, number);
}

void Day::LayAside(int number, bool unregister) {
  DayClient& client = clients_[number];
  if (client.consumers.empty() ||
      client.consumers.size() + client.producers.size() < 2) {
    return;
  }
  const auto which = client.consumers.begin() + Below(client.consumers.size());
  const DayClient::Consumer consumer = *which;
  client.consumers.erase(which);
  client.laid_aside.push_back(consumer);
  if (unregister) {
    Unregister(number, -1, consumer.group);
    // The next light heartbeat is answered "full statement needed".
  } else if (model_.channels()[client.channel].open) {
    FullHeartbeat(number, client.channel);
  }
  At(now_ + Between(kSecond, 6 * kMinute), Kind::kRestate, number);
}

void Day::Rollout() {
  At(now_ + std::max(kGrain, 6 * kHour / consumer_groups_), Kind::kRollout);
  const int group = Below(consumer_groups_);
  ++definitions_[group];
  const auto& groups = model_.groups(GroupKind::kConsumer);
  const auto found = groups.find(ConsumerName(group));
  if (found == groups.end()) return;
  for (const int channel : found->second.members) {
    const int client = channels_[channel]->client;
    if (clients_[client].channel == channel && Percent(95)) {
      At(now_ + Between(0, 5 * kMinute), Kind::kRestate, client);
    }
  }
}

// The first few groups have several canaries at a time.
void Day::SendCanary() {
  At(now_ + std::max(kGrain, 30 * kMinute / consumer_groups_), Kind::kCanary);
  const int group = Below(Percent(50) ? 5 : consumer_groups_);
  const auto& groups = model_.groups(GroupKind::kConsumer);
  const auto found = groups.find(ConsumerName(group));
  if (found == groups.end()) return;
  const std::set<int>& members = found->second.members;
  const int channel =
      *std::next(members.begin(), Below(static_cast<int64_t>(members.size())));
  const int number = channels_[channel]->client;
  DayClient& client = clients_[number];
  if (client.channel != channel) return;
  for (DayClient::Consumer& consumer : client.consumers) {
    if (consumer.group != group) continue;
    consumer.canary = static_cast<Canary>(1 + Below(kCanaries));
    ++canaries_;
  }
  At(now_ + Between(kSecond, 20 * kMinute), Kind::kTakeBack, number);
  Restate(number);
}

void Day::TakeBack(int number) {
  for (DayClient::Consumer& consumer : clients_[number].consumers) {
    consumer.canary = Canary::kNone;
  }
  Restate(number);
}

void Day::DrawGroups(DayClient& client) {
  client.consumers.clear();
  client.producers.clear();
  client.laid_aside.clear();
  const int consumers = Below(4);
  for (int i = 0; i < consumers; ++i) {
    // One is far more popular than the others.
    const int group = Percent(2) ? 0 : Below(consumer_groups_);
    const bool is_new = std::none_of(
        client.consumers.begin(), client.consumers.end(),
        [&](const DayClient::Consumer& other) { return other.group == group; });
    if (is_new) client.consumers.push_back({group, definitions_[group]});
  }
  const int producers = consumers == 0 ? 1 + Below(2) : Below(3);
  for (int i = 0; i < producers; ++i) {
    const int group = Below(producer_groups_);
    if (std::find(client.producers.begin(), client.producers.end(), group) ==
        client.producers.end()) {
      client.producers.push_back(group);
    }
  }
}

model::StatedConsumer Day::StatedBy(const DayClient::Consumer& consumer) const {
  const Canary canary = consumer.canary;
  model::StatedConsumer stated;
  stated.group = ConsumerName(consumer.group);
  const bool is_broadcasting =
      IsBroadcasting(consumer.group) != (canary == Canary::kOtherMessageModel);
  stated.modes = {
      ConsumeType::kConsumePassively,
      is_broadcasting ? MessageModel::kBroadcasting : MessageModel::kClustering,
      ConsumeFromWhere::kLastOffset};
  if (canary == Canary::kNothing) return stated;

  // Between one rollout's versions and the next one's there is room.
  model::Subscription subscription;
  subscription.version = int64_t{10} * consumer.definition;
  int expression = 10 * consumer.definition;
  switch (canary) {
    case Canary::kGreaterVersion: subscription.version += 1; break;
    case Canary::kSmallerVersion: subscription.version -= 15; break;
    case Canary::kVersionOfTheFuture: subscription.version += 25; break;
    default: break;
  }
  if (canary >= Canary::kGreaterVersion) {
    expression += static_cast<int>(canary);
  }
  subscription.expression = absl::StrCat("e", expression);
  const auto add = [&](const std::string& topic) {
    stated.subscriptions.emplace(topic, subscription);
  };
  add(RetryTopicName(consumer.group));
  if (canary == Canary::kRetryTopicOnly) return stated;
  for (int i = 0; i <= consumer.group % 3; ++i) {
    add(TopicName((consumer.group * 7 + i) % topics_));
  }
  // Each other definition exchanges a topic, the others only expressions.
  add(TopicName((consumer.group * 11 + consumer.definition / 2) % topics_));
  if (canary == Canary::kAnotherTopicToo) {
    add(TopicName((consumer.group * 13 + 5) % topics_));
  }
  return stated;
}

void Day::Connect(int number) {
  DayClient& client = clients_[number];
  const int stand_in = client.unary ? model_.FindStandIn(ClientId(number)) : -1;
  client.channel =
      stand_in >= 0
          ? stand_in
          : OpenChannel(number, client.unary ? ClientChannel::Kind::kStandIn
                                             : ClientChannel::Kind::kStream);
  FullHeartbeat(number, client.channel);
}

}  // namespace rmq
