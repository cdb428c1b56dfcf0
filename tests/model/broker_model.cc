#include "tests/model/broker_model.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace rmq::model {

BrokerModel::BrokerModel(BrokerOptions options)
    : options_(std::move(options)), policy_(options_.policy) {}

Millis BrokerModel::ExpiryFor(Millis requested) const {
  if (requested == 0) return options_.channel_expiry;
  return std::clamp(requested, options_.min_channel_expiry,
                    options_.max_channel_expiry);
}

Millis BrokerModel::ShortestExpiry() const {
  Millis shortest = options_.channel_expiry;
  for (const int number : open_) {
    shortest = std::min(shortest, channels_[number].expiry);
  }
  return shortest;
}

int BrokerModel::Open(Channel channel) {
  channel.expiry = options_.channel_expiry;
  const int number = static_cast<int>(channels_.size());
  channels_.push_back(std::move(channel));
  open_.push_back(number);
  return number;
}

int BrokerModel::OpenStream(Millis now) {
  Channel channel;
  channel.heard = now;
  return Open(std::move(channel));
}

int BrokerModel::OpenSdkChannel(const std::string& client_id, Millis now) {
  Channel channel;
  channel.is_stand_in = true;
  channel.is_sdk = true;
  channel.bound = true;
  channel.client_id = client_id;
  channel.heard = now;
  return Open(std::move(channel));
}

int BrokerModel::OpenStandIn(const std::string& client_id, Millis now) {
  const int number = OpenSdkChannel(client_id, now);
  channels_[number].is_sdk = false;
  return stand_ins_[client_id] = number;
}

void BrokerModel::Unregister(int number, const std::string& client_id,
                             const std::string& producer_group,
                             const std::string& consumer_group) {
  const auto leave = [&](GroupKind kind, const std::string& group) {
    const Membership* const membership = Find(number, kind, group);
    if (membership == nullptr) return;
    // The client's statement no longer holds.
    if (membership->current) channels_[number].token = false;
    Leave(number, kind, group, client_id, RemovalReason::kUnregistered);
  };
  leave(GroupKind::kProducer, producer_group);
  policy_.EnsureConfig(consumer_group);
  leave(GroupKind::kConsumer, consumer_group);
  CloseIfIdleStandIn(number);
}

bool BrokerModel::Close(int number, RemovalReason reason) {
  if (!channels_[number].open) return false;
  CloseOpen(number, reason);
  return true;
}

// --- What operators do ---

bool BrokerModel::Meets(const Channel& channel, const KickCriteria& criteria) {
  if (!criteria.client_id.empty() && channel.client_id != criteria.client_id) {
    return false;
  }
  bool is_in_group = criteria.group.empty();
  bool has_version = !criteria.version.has_value();
  for (const Membership& membership : channel.memberships) {
    is_in_group |= membership.group == criteria.group;
    has_version |= membership.version == criteria.version;
  }
  return is_in_group && has_version;
}

int64_t BrokerModel::Release(const std::string& client_id, Millis now) {
  int64_t released = 0;
  for (auto held = held_.begin(); held != held_.end();) {
    if (std::get<std::string>(held->first) != client_id) {
      ++held;
      continue;
    }
    if (held->second > now) ++released;
    held = held_.erase(held);
  }
  return released;
}

int64_t BrokerModel::Kick(const KickCriteria& criteria, Millis hold, Millis now,
                          const std::vector<Departure>& order) {
  std::vector<int> ending;
  std::vector<Departure> departures;
  for (const int number : open_) {
    const Channel& channel = channels_[number];
    if (!channel.bound || !Meets(channel, criteria)) continue;
    ending.push_back(number);
    held_[HeldAs(channel.client_id, channel.is_stand_in, channel.incarnation)] =
        now + hold;
    for (const Membership& membership : channel.memberships) {
      departures.push_back({number, membership.kind, membership.group});
    }
  }
  LeaveInOrder(std::move(departures), order, RemovalReason::kKicked);
  for (const int number : ending) End(number, RemovalReason::kKicked);
  return static_cast<int64_t>(ending.size());
}

// --- What the broker does by itself ---

void BrokerModel::Tick(Millis now, int64_t overdue_us,
                       const std::vector<Departure>& order) {
  constexpr int64_t kMostUs = 10'000'000;
  if (overdue_us > std::min(kMostUs, ShortestExpiry() * 1000 / 4)) {
    heard_floor_ = now;
  }
  Scan(now, order);
}

void BrokerModel::Scan(Millis now, const std::vector<Departure>& order) {
  std::vector<int> ending;
  std::vector<Departure> departures;
  const auto silence = [&](Millis last_heard) {
    return now - std::max(last_heard, heard_floor_);
  };
  for (const int number : open_) {
    const Channel& channel = channels_[number];
    const bool is_silent = silence(channel.heard) > channel.expiry;
    if (is_silent) {
      longest_silence_ = std::max(longest_silence_, silence(channel.heard));
    }
    if (!is_silent && !channel.leaves_out) continue;
    bool stays_in_a_group = false;
    for (const Membership& membership : channel.memberships) {
      if (silence(LastHeard(number, membership)) > channel.expiry) {
        departures.push_back({number, membership.kind, membership.group});
      } else {
        stays_in_a_group = true;
      }
    }
    if (is_silent || (channel.is_stand_in && !stays_in_a_group)) {
      ending.push_back(number);
    }
  }
  LeaveInOrder(std::move(departures), order, RemovalReason::kExpired);
  for (const int number : ending) End(number, RemovalReason::kExpired);
}

void BrokerModel::CloseFirst(size_t count, RemovalReason reason,
                             const std::vector<Departure>& order) {
  const std::vector<int> ending(open_.begin(),
                                open_.begin() + std::min(count, open_.size()));
  std::vector<Departure> departures;
  for (const int number : ending) {
    for (const Membership& membership : channels_[number].memberships) {
      departures.push_back({number, membership.kind, membership.group});
    }
  }
  LeaveInOrder(std::move(departures), order, reason);
  for (const int number : ending) End(number, reason);
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

// --- Departures ---

void BrokerModel::Leave(int number, GroupKind kind, const std::string& group,
                        const std::string& client_id, RemovalReason reason) {
  const Before before =
      kind == GroupKind::kConsumer ? Observe(group) : Before();
  const Membership gone = TakeOut(number, kind, group);
  AddMemberEvent(EventType::kClientUnregister, number, gone, client_id,
                 before.statement.Topics(), reason);
  const auto found = mutable_groups(kind).find(group);
  if (found->second.members.empty()) {
    mutable_groups(kind).erase(found);
    AddEvent(EventType::kUnregister, kind, group);
  } else if (kind == GroupKind::kConsumer) {
    Recompute(group);
  }
  if (kind == GroupKind::kConsumer) NoteChange(group, before);
}

void BrokerModel::LeaveInOrder(std::vector<Departure> departures,
                               const std::vector<Departure>& order,
                               RemovalReason reason) {
  const auto key = [](const Departure& departure) {
    return std::tie(departure.channel, departure.kind, departure.group);
  };
  std::map<std::tuple<int, GroupKind, std::string>, size_t> places;
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
  for (const auto& [channel, kind, group] : departures) {
    const std::string client_id = Find(channel, kind, group)->client_id;
    Leave(channel, kind, group, client_id, reason);
  }
}

Membership BrokerModel::TakeOut(int number, GroupKind kind,
                                const std::string& group) {
  std::vector<Membership>& memberships = channels_[number].memberships;
  const auto found =
      memberships.begin() + (Find(number, kind, group) - memberships.data());
  Membership gone = std::move(*found);
  memberships.erase(found);
  mutable_groups(kind)[group].members.erase(number);
  return gone;
}

void BrokerModel::CloseOpen(int number, RemovalReason reason) {
  while (!channels_[number].memberships.empty()) {
    const Membership first = channels_[number].memberships.front();
    Leave(number, first.kind, first.group, first.client_id, reason);
  }
  Channel& channel = channels_[number];
  channel.open = false;
  if (channel.is_sdk) {
    // Its client is known elsewhere.
  } else if (channel.is_stand_in) {
    stand_ins_.erase(channel.client_id);
  } else if (channel.bound) {
    streams_[channel.client_id].erase(number);
  }
  open_.erase(std::find(open_.begin(), open_.end(), number));
  ++closed_[static_cast<int>(reason)];
}

void BrokerModel::End(int number, RemovalReason reason) {
  CloseOpen(number, reason);
  effects_.ended.emplace_back(number, reason);
}

void BrokerModel::CloseIfIdleStandIn(int number) {
  const Channel& channel = channels_[number];
  if (channel.open && channel.is_stand_in && channel.memberships.empty()) {
    CloseOpen(number, RemovalReason::kUnregistered);
  }
}

// --- Consumer groups and events ---

BrokerModel::Before BrokerModel::Observe(const std::string& group) const {
  const auto found = groups(GroupKind::kConsumer).find(group);
  if (found == groups(GroupKind::kConsumer).end()) return {};
  return {true, StreamsOf(group), found->second.statement, ClientIdsOf(group)};
}

void BrokerModel::Recompute(const std::string& name) {
  Group& group = mutable_groups(GroupKind::kConsumer).at(name);
  std::vector<const Membership*> members;
  for (const int member : group.members) {
    members.push_back(Find(member, GroupKind::kConsumer, name));
  }
  group.statement = Combine(members);
}

std::set<std::string> BrokerModel::ClientIdsOf(const std::string& group) const {
  std::set<std::string> client_ids;
  for (const int member : groups(GroupKind::kConsumer).at(group).members) {
    client_ids.insert(
        FindMembership(member, GroupKind::kConsumer, group)->client_id);
  }
  return client_ids;
}

int64_t BrokerModel::StreamsOf(const std::string& group) const {
  const auto found = groups(GroupKind::kConsumer).find(group);
  if (found == groups(GroupKind::kConsumer).end()) return 0;
  return std::count_if(
      found->second.members.begin(), found->second.members.end(),
      [&](int member) { return !channels_[member].is_stand_in; });
}

// A change counts if the group is a clustering one before or after it.
void BrokerModel::NoteChange(const std::string& group, const Before& before) {
  const bool was_clustering =
      before.existed && !before.statement.IsBroadcasting();
  if (!policy_.IsNotified(group) || !(was_clustering || IsNotified(group))) {
    return;
  }
  Event& event = AddEvent(EventType::kChange, GroupKind::kConsumer, group);
  const auto found = groups(GroupKind::kConsumer).find(group);
  if (found != groups(GroupKind::kConsumer).end()) {
    event.members = found->second.members;
  }
  changed_.insert(group);
  effects_.most_pushes += std::max(before.streams, StreamsOf(group));
}

Event& BrokerModel::AddEvent(EventType type, GroupKind kind,
                             const std::string& group) {
  Event& event = effects_.events.emplace_back();
  event.type = type;
  event.kind = kind;
  event.group = group;
  return event;
}

void BrokerModel::AddMemberEvent(EventType type, int channel,
                                 const Membership& membership,
                                 const std::string& client_id,
                                 std::set<std::string> topics,
                                 RemovalReason reason) {
  Event& event = AddEvent(type, membership.kind, membership.group);
  event.channel = channel;
  event.client_id = client_id;
  event.topics = std::move(topics);
  event.reason = reason;
}

// Stand-ins get no push.
Effects BrokerModel::TakeEffects() {
  for (const std::string& group : std::exchange(changed_, {})) {
    const auto found = groups(GroupKind::kConsumer).find(group);
    if (found == groups(GroupKind::kConsumer).end() || !options_.pushes) {
      continue;
    }
    for (const int member : found->second.members) {
      if (!channels_[member].is_stand_in) {
        effects_.pushes.push_back({member, group});
      }
    }
  }
  return std::exchange(effects_, {});
}

// --- What the broker knows ---

const Membership* BrokerModel::FindMembership(int channel, GroupKind kind,
                                              const std::string& group) const {
  for (const Membership& membership : channels_[channel].memberships) {
    if (membership.kind == kind && membership.group == group) {
      return &membership;
    }
  }
  return nullptr;
}

Millis BrokerModel::LastHeard(int channel, const Membership& membership) const {
  return membership.current ? channels_[channel].heard : membership.left_out_at;
}

int BrokerModel::FindStandIn(const std::string& client_id) const {
  const auto found = stand_ins_.find(client_id);
  return found == stand_ins_.end() ? -1 : found->second;
}

int BrokerModel::FindProducerChannel(const std::string& client_id) const {
  int newest = -1;
  int64_t last_joined = 0;
  for (const int number : open_) {
    const Channel& channel = channels_[number];
    for (const Membership& membership : channel.memberships) {
      if (membership.kind != GroupKind::kProducer ||
          membership.client_id != client_id ||
          channel.last_joined.at(client_id) <= last_joined) {
        continue;
      }
      last_joined = channel.last_joined.at(client_id);
      newest = number;
    }
  }
  return newest;
}

std::set<std::string> BrokerModel::GroupsOfTopic(
    const std::string& topic) const {
  std::set<std::string> names;
  for (const auto& [name, group] : groups(GroupKind::kConsumer)) {
    if (group.statement.subscriptions.count(topic) != 0) names.insert(name);
  }
  return names;
}

bool BrokerModel::IsNotified(const std::string& group) const {
  const auto found = groups(GroupKind::kConsumer).find(group);
  return policy_.IsNotified(group) &&
         found != groups(GroupKind::kConsumer).end() &&
         !found->second.statement.IsBroadcasting();
}

}  // namespace rmq::model
