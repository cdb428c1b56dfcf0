#include "tests/simulation/broker_model.h"

#include <algorithm>

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
      if (other < number) continue;
      CloseOpen(number, RemovalReason::kReplaced);
      ended->push_back(number);
      return false;
    }
    channel.bound = true;
    channel.client = statement.client;
    channel.incarnation = statement.incarnation;
    streams_of_[statement.client].insert(number);
  }

  for (Membership& membership : channel.memberships) {
    if (!membership.current) continue;
    membership.current = false;
    membership.left_out_at = heard_before;
    ++channel.left_out;
  }
  const auto state = [&](GroupKind kind, int group) {
    Membership& membership = *Find(channel, kind, group);
    if (!std::exchange(membership.current, true)) --channel.left_out;
  };
  for (const StatedGroup& stated : statement.consumers) {
    const bool is_new =
        Find(channel, GroupKind::kConsumer, stated.group) == nullptr;
    const int64_t streams_before = Streams(stated.group);
    if (is_new) Join(number, GroupKind::kConsumer, stated.group);
    state(GroupKind::kConsumer, stated.group);

    std::map<int, int64_t>& before =
        groups_[static_cast<int>(GroupKind::kConsumer)][stated.group]
            .subscriptions;
    std::map<int, int64_t> after;
    bool replaced_one = false;
    bool added = false;
    for (const auto& [topic, version] : stated.subscriptions) {
      const auto known = before.find(topic);
      if (known == before.end()) {
        added = true;
        after[topic] = version;
      } else {
        replaced_one |= version > known->second;
        after[topic] = std::max(version, known->second);
      }
    }
    bool dropped = false;
    for (const auto& [topic, version] : before) {
      dropped |= after.count(topic) == 0;
    }
    before = after;
    if ((is_new || added || dropped) && notified_[stated.group]) {
      NoteChange(stated.group, streams_before);
    }
    if (is_new || added || dropped || replaced_one) ++told_.registers;
  }
  for (const int group : statement.producers) {
    if (Find(channel, GroupKind::kProducer, group) == nullptr) {
      Join(number, GroupKind::kProducer, group);
    }
    state(GroupKind::kProducer, group);
  }
  for (const int other : replaced) {
    CloseOpen(other, RemovalReason::kReplaced);
    ended->push_back(other);
  }
  channel.token = true;
  return true;
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
    const Membership* const membership = Find(channel, kind, group);
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

std::vector<int> BrokerModel::Tick(Millis now) {
  if (now - std::exchange(last_tick_, now) > 2 * period_) floor_ = now;
  std::vector<int> expired;
  const std::vector<int> open = open_;
  for (const int number : open) {
    Channel& channel = channels_[number];
    const Millis silence = now - std::max(channel.heard, floor_);
    if (silence > channel_expiry_) {
      longest_silence_ = std::max(longest_silence_, silence);
      CloseOpen(number, RemovalReason::kExpired);
      expired.push_back(number);
      continue;
    }
    if (channel.left_out == 0) continue;
    std::vector<Membership> stale;
    for (const Membership& membership : channel.memberships) {
      if (!membership.current &&
          now - std::max(membership.left_out_at, floor_) > channel_expiry_) {
        stale.push_back(membership);
      }
    }
    for (const Membership& membership : stale) {
      Leave(number, membership.kind, membership.group, RemovalReason::kExpired);
    }
    if (!stale.empty() && channel.stand_in && channel.memberships.empty()) {
      CloseOpen(number, RemovalReason::kExpired);
      expired.push_back(number);
    }
  }
  return expired;
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

BrokerModel::Membership* BrokerModel::Find(Channel& channel, GroupKind kind,
                                           int group) {
  for (Membership& membership : channel.memberships) {
    if (membership.kind == kind && membership.group == group) {
      return &membership;
    }
  }
  return nullptr;
}

void BrokerModel::Join(int number, GroupKind kind, int group) {
  Channel& channel = channels_[number];
  channel.memberships.push_back({kind, group, true, 0});
  groups_[static_cast<int>(kind)][group].members.insert(number);
  if (kind == GroupKind::kProducer) channel.last_joined = ++last_joined_;
  if (kind == GroupKind::kConsumer && !channel.stand_in) ++streams_[group];
  ++told_.joins[static_cast<int>(kind)];
}

void BrokerModel::Leave(int number, GroupKind kind, int group,
                        RemovalReason reason) {
  Channel& channel = channels_[number];
  const int64_t streams_before = Streams(group);
  const auto membership =
      channel.memberships.begin() +
      (Find(channel, kind, group) - channel.memberships.data());
  if (!membership->current) --channel.left_out;
  auto& groups = groups_[static_cast<int>(kind)];
  groups[group].members.erase(number);
  channel.memberships.erase(membership);
  ++told_.leaves[static_cast<int>(kind)][static_cast<int>(reason)];
  if (groups[group].members.empty()) {
    groups.erase(group);
    ++told_.emptied[static_cast<int>(kind)];
  }
  if (kind != GroupKind::kConsumer) return;
  if (!channel.stand_in) --streams_[group];
  if (notified_[group]) NoteChange(group, streams_before);
}

void BrokerModel::CloseOpen(int number, RemovalReason reason) {
  while (!channels_[number].memberships.empty()) {
    const Membership membership = channels_[number].memberships.front();
    Leave(number, membership.kind, membership.group, reason);
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

void BrokerModel::NoteChange(int consumer_group, int64_t streams_before) {
  ++told_.changes;
  dirty_.insert(consumer_group);
  most_pushes_ += std::max(streams_before, Streams(consumer_group));
}

int64_t BrokerModel::Streams(int consumer_group) const {
  const auto found = streams_.find(consumer_group);
  return found == streams_.end() ? 0 : found->second;
}

}  // namespace rmq
