#include "tests/simulation/broker_model.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace rmq {

std::string Told::ToString() const {
  std::string text;
  for (const GroupKind kind : {GroupKind::kConsumer, GroupKind::kProducer}) {
    const int at = static_cast<int>(kind);
    absl::StrAppend(&text, Name(kind), "s: joined ", joins[at]);
    for (size_t reason = 0; reason < kRemovalReasons; ++reason) {
      absl::StrAppend(&text, ", ", Name(static_cast<RemovalReason>(reason)),
                      " ", leaves[at][reason]);
    }
    absl::StrAppend(&text, ", groups emptied ", emptied[at], "\n");
  }
  absl::StrAppend(&text, "consumers: CHANGE ", changes, ", REGISTER ",
                  registers, "\n");
  return text;
}

int BrokerModel::Open(bool stand_in, int client, Millis now) {
  const int number = static_cast<int>(channels_.size());
  Channel& channel = channels_.emplace_back();
  channel.stand_in = stand_in;
  channel.heard = now;
  channel.client = client;
  if (stand_in) {
    channel.bound = true;
    stand_ins_[client] = number;
  }
  open_.push_back(number);
  return number;
}

bool BrokerModel::Heartbeat(int number, const Statement& statement, Millis now,
                            std::vector<int>* ended) {
  Channel& channel = channels_[number];
  if (!channel.open) return false;
  const Millis heard_before = std::exchange(channel.heard, now);

  std::vector<int> replaced;
  if (!channel.bound) {
    for (const int other : streams_of_[statement.client]) {
      if (statement.incarnation != 0 &&
          channels_[other].incarnation == statement.incarnation) {
        replaced.push_back(other);
      }
    }
    for (const int other : replaced) {
      if (!IsNewer(other, number, statement)) continue;
      CloseOpen(number, RemovalReason::kReplaced);
      ended->push_back(number);
      return false;
    }
    channel.bound = true;
    channel.client = statement.client;
    channel.incarnation = statement.incarnation;
    channel.stream_number = statement.stream_number;
    streams_of_[statement.client].insert(number);
  }

  ++full_heartbeats_;
  std::vector<int> left_out;
  for (Membership& membership : channel.memberships) {
    if (!membership.current) continue;
    membership.current = false;
    membership.left_out_at = heard_before;
    ++channel.left_out;
    if (membership.kind == GroupKind::kConsumer) {
      left_out.push_back(membership.group);
    }
  }
  for (const StatedGroup& stated : statement.consumers) {
    StateConsumer(number, stated, replaced);
  }
  for (const int group : statement.producers) {
    Join(number, GroupKind::kProducer, group);
  }
  for (const int other : replaced) {
    CloseOpen(other, RemovalReason::kReplaced);
    ended->push_back(other);
  }
  for (const int group : left_out) {
    if (Find(number, GroupKind::kConsumer, group)->current) continue;
    const Before before = Observe(group);
    Recompute(group);
    if (before.statement.broadcasting &&
        !consumer_group(group).statement.broadcasting) {
      NoteChange(group, before);
    }
  }
  channel.token = true;
  return true;
}

bool BrokerModel::IsNewer(int other, int channel,
                          const Statement& statement) const {
  const uint64_t its = channels_[other].stream_number;
  const uint64_t ours = statement.stream_number;
  return its != 0 && ours != 0 && its != ours ? its > ours : other > channel;
}

void BrokerModel::StateConsumer(int channel, const StatedGroup& stated,
                                const std::vector<int>& replaced) {
  const int group = stated.group;
  const Before before = Observe(group);
  const bool joins = Find(channel, GroupKind::kConsumer, group) == nullptr;
  Join(channel, GroupKind::kConsumer, group);
  Restate(stated, full_heartbeats_,
          *Find(channel, GroupKind::kConsumer, group));
  bool is_replacement = false;
  for (const int other : replaced) {
    if (Find(other, GroupKind::kConsumer, group) == nullptr) continue;
    TakeOut(other, GroupKind::kConsumer, group, RemovalReason::kReplaced);
    is_replacement = true;
  }
  Recompute(group);

  const GroupStatement& after = consumer_group(group).statement;
  const auto topics_of = [](const Subscriptions& subscriptions) {
    std::set<int> topics;
    for (const auto& [topic, held] : subscriptions) topics.insert(topic);
    return topics;
  };
  const bool members_changed =
      is_replacement ? before.clients != ClientsOf(group) : joins;
  if (members_changed ||
      topics_of(before.statement.subscriptions) !=
          topics_of(after.subscriptions) ||
      (before.statement.broadcasting && !after.broadcasting)) {
    NoteChange(group, before);
  }
  if (joins || !(before.statement == after)) ++told_.registers;
}

// Topics that are not stated are forgotten.
void BrokerModel::Restate(const StatedGroup& stated, int64_t number,
                          Membership& membership) {
  membership.number = number;
  membership.broadcasting = stated.broadcasting;
  const std::map<int, Holding> before = std::exchange(membership.holdings, {});
  for (const auto& [topic, subscription] : stated.subscriptions) {
    const auto held = before.find(topic);
    const bool is_kept =
        held != before.end() &&
        subscription.version <= held->second.subscription.version;
    membership.holdings[topic] =
        is_kept ? held->second : Holding{subscription, number};
  }
}

void BrokerModel::Recompute(int group) {
  GroupStatement statement;
  const Membership* latest = nullptr;
  std::map<int, const Holding*> winners;
  for (const int member : consumer_group(group).members) {
    const Membership& membership = *Find(member, GroupKind::kConsumer, group);
    const auto rank = [](const Membership& m) {
      return std::pair(m.current, m.number);
    };
    if (latest == nullptr || rank(membership) > rank(*latest)) {
      latest = &membership;
    }
    for (const auto& [topic, holding] : membership.holdings) {
      // Of equal versions the first stated.
      const auto rank_of = [](const Holding& h) {
        return std::pair(h.subscription.version, -h.number);
      };
      const Holding*& winner = winners[topic];
      if (winner == nullptr || rank_of(holding) > rank_of(*winner)) {
        winner = &holding;
      }
    }
  }
  statement.broadcasting = latest != nullptr && latest->broadcasting;
  for (const auto& [topic, winner] : winners) {
    statement.subscriptions[topic] = winner->subscription;
  }
  consumer_group(group).statement = std::move(statement);
}

BrokerModel::Light BrokerModel::RenewLight(int number, Millis now) {
  Channel& channel = channels_[number];
  if (!channel.open) return Light::kClosed;
  channel.heard = now;
  return channel.token ? Light::kRenewed : Light::kFullNeeded;
}

void BrokerModel::Unregister(int number, int producer_group,
                             int consumer_group) {
  Channel& channel = channels_[number];
  for (const auto& [kind, group] :
       {std::pair(GroupKind::kProducer, producer_group),
        std::pair(GroupKind::kConsumer, consumer_group)}) {
    if (group < 0) continue;
    const Membership* const membership = Find(number, kind, group);
    if (membership == nullptr) continue;
    if (membership->current) channel.token = false;
    Leave(number, kind, group, RemovalReason::kUnregistered);
  }
  if (channel.open && channel.stand_in && channel.memberships.empty()) {
    CloseOpen(number, RemovalReason::kUnregistered);
  }
}

bool BrokerModel::Close(int number, RemovalReason reason) {
  if (!channels_[number].open) return false;
  CloseOpen(number, reason);
  return true;
}

std::vector<int> BrokerModel::Tick(Millis now,
                                   const std::vector<Departure>& order) {
  if (now - std::exchange(last_tick_, now) > 2 * period_) floor_ = now;
  std::vector<int> silent;
  std::vector<Departure> departures;
  for (const int number : open_) {
    const Channel& channel = channels_[number];
    const Millis silence = now - std::max(channel.heard, floor_);
    const bool is_silent = silence > channel_expiry_;
    if (is_silent) {
      longest_silence_ = std::max(longest_silence_, silence);
      silent.push_back(number);
    } else if (channel.left_out == 0) {
      continue;
    }
    bool stays = false;
    for (const Membership& membership : channel.memberships) {
      const bool is_stale =
          !membership.current &&
          now - std::max(membership.left_out_at, floor_) > channel_expiry_;
      if (is_silent || is_stale) {
        departures.push_back({number, membership.kind, membership.group});
      } else {
        stays = true;
      }
    }
    if (!is_silent && channel.stand_in && !stays) silent.push_back(number);
  }
  LeaveInOrder(std::move(departures), order, RemovalReason::kExpired);
  for (const int number : silent) CloseOpen(number, RemovalReason::kExpired);
  return silent;
}

void BrokerModel::CloseAll(RemovalReason reason,
                           const std::vector<Departure>& order) {
  std::vector<Departure> departures;
  for (const int number : open_) {
    for (const Membership& membership : channels_[number].memberships) {
      departures.push_back({number, membership.kind, membership.group});
    }
  }
  LeaveInOrder(std::move(departures), order, reason);
  while (!open_.empty()) CloseOpen(open_.back(), reason);
}

void BrokerModel::LeaveInOrder(std::vector<Departure> departures,
                               const std::vector<Departure>& order,
                               RemovalReason reason) {
  const auto key = [](const Departure& departure) {
    return std::tuple(departure.channel, departure.kind, departure.group);
  };
  std::map<std::tuple<int, GroupKind, int>, size_t> places;
  for (const Departure& departure : order) {
    places.emplace(key(departure), places.size());
  }
  const auto place = [&](const Departure& departure) {
    const auto found = places.find(key(departure));
    return found == places.end() ? places.size() : found->second;
  };
  std::stable_sort(departures.begin(), departures.end(),
                   [&](const Departure& a, const Departure& b) {
                     return place(a) < place(b);
                   });
  for (const Departure& departure : departures) {
    Leave(departure.channel, departure.kind, departure.group, reason);
  }
}

std::pair<int64_t, int64_t> BrokerModel::TakePushes() {
  int64_t least = 0;
  for (const int group : dirty_) least += Streams(group);
  dirty_.clear();
  return {least, std::exchange(most_pushes_, 0)};
}

int BrokerModel::FindStandIn(int client) const {
  const auto found = stand_ins_.find(client);
  return found == stand_ins_.end() ? -1 : found->second;
}

bool BrokerModel::notified(int group) const {
  const auto& consumers = groups(GroupKind::kConsumer);
  const auto found = consumers.find(group);
  return switched_on_[group] && found != consumers.end() &&
         !found->second.statement.broadcasting;
}

BrokerModel::Before BrokerModel::Observe(int group) {
  const auto& consumers = groups(GroupKind::kConsumer);
  const auto found = consumers.find(group);
  if (found == consumers.end()) return {false, 0, {}, {}};
  return {true, Streams(group), found->second.statement, ClientsOf(group)};
}

std::set<int> BrokerModel::ClientsOf(int group) const {
  std::set<int> clients;
  for (const int member : groups(GroupKind::kConsumer).at(group).members) {
    clients.insert(channels_[member].client);
  }
  return clients;
}

BrokerModel::Membership* BrokerModel::Find(int channel, GroupKind kind,
                                           int group) {
  for (Membership& membership : channels_[channel].memberships) {
    if (membership.kind == kind && membership.group == group) {
      return &membership;
    }
  }
  return nullptr;
}

// Or states it again.
void BrokerModel::Join(int number, GroupKind kind, int group) {
  Channel& channel = channels_[number];
  if (Membership* const known = Find(number, kind, group)) {
    if (!std::exchange(known->current, true)) --channel.left_out;
    return;
  }
  Membership& membership = channel.memberships.emplace_back();
  membership.kind = kind;
  membership.group = group;
  groups_[static_cast<int>(kind)][group].members.insert(number);
  if (kind == GroupKind::kProducer) channel.last_joined = ++last_joined_;
  if (kind == GroupKind::kConsumer && !channel.stand_in) ++streams_[group];
  ++told_.joins[static_cast<int>(kind)];
}

void BrokerModel::Leave(int number, GroupKind kind, int group,
                        RemovalReason reason) {
  const bool is_consumer = kind == GroupKind::kConsumer;
  const Before before = is_consumer ? Observe(group) : Before();
  TakeOut(number, kind, group, reason);
  auto& groups = groups_[static_cast<int>(kind)];
  if (groups[group].members.empty()) {
    groups.erase(group);
    ++told_.emptied[static_cast<int>(kind)];
  } else if (is_consumer) {
    Recompute(group);
  }
  if (is_consumer) NoteChange(group, before);
}

void BrokerModel::TakeOut(int number, GroupKind kind, int group,
                          RemovalReason reason) {
  Channel& channel = channels_[number];
  const auto membership =
      channel.memberships.begin() +
      (Find(number, kind, group) - channel.memberships.data());
  if (!membership->current) --channel.left_out;
  channel.memberships.erase(membership);
  groups_[static_cast<int>(kind)][group].members.erase(number);
  if (kind == GroupKind::kConsumer && !channel.stand_in) --streams_[group];
  ++told_.leaves[static_cast<int>(kind)][static_cast<int>(reason)];
}

void BrokerModel::CloseOpen(int number, RemovalReason reason) {
  while (!channels_[number].memberships.empty()) {
    const Membership& first = channels_[number].memberships.front();
    const GroupKind kind = first.kind;
    const int group = first.group;
    Leave(number, kind, group, reason);
  }
  Channel& channel = channels_[number];
  channel.open = false;
  if (channel.stand_in) {
    stand_ins_.erase(channel.client);
  } else if (channel.bound) {
    streams_of_[channel.client].erase(number);
  }
  open_.erase(std::find(open_.begin(), open_.end(), number));
  ++closed_[static_cast<int>(reason)];
}

// Clustering before or after it; a group that is not there counts for nothing.
void BrokerModel::NoteChange(int group, const Before& before) {
  const bool was_clustering = before.existed && !before.statement.broadcasting;
  const bool is_told =
      switched_on_[group] && (was_clustering || notified(group));
  if (!is_told) return;
  ++told_.changes;
  dirty_.insert(group);
  most_pushes_ += std::max(before.streams, Streams(group));
}

int64_t BrokerModel::Streams(int consumer_group) const {
  const auto found = streams_.find(consumer_group);
  return found == streams_.end() ? 0 : found->second;
}

}  // namespace rmq
