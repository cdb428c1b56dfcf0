// JavaModel: how channels leave their groups: unregister, close, kick, expiry.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/edge_rules.h"
#include "tests/conformance/java_model.h"

namespace rmq::conformance {
namespace {

constexpr char kNullPointer[] = "java.lang.NullPointerException";

// Between ticks.
constexpr int64_t kPeriodMs = 10000;
// How late a tick may be before it shows that the broker was away.
constexpr int64_t kMostLatenessMs = 10000;

// The names in the order of a small ConcurrentHashMap. It counts only where an
// exception ends a walk half way.
template <typename Map>
std::vector<std::string> InOrderOfHashes(const Map& map) {
  constexpr uint32_t kBuckets = 16;
  const auto bucket = [](const std::string& name) {
    const auto hash = static_cast<uint32_t>(JavaHash(name));
    return (hash ^ (hash >> 16)) % kBuckets;
  };
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  std::stable_sort(names.begin(), names.end(),
                   [&](const std::string& a, const std::string& b) {
                     return bucket(a) < bucket(b);
                   });
  return names;
}

}  // namespace

void JavaModel::DoUnregister(const Operation& operation) {
  const std::string& channel = operation.channel();
  if (On(Switch::kEdgeRefusesBadForm) && IsRefusedByTheEdge(operation)) {
    outcome_.set_refused("form");
    return;
  }
  if (operation.unary() && On(Switch::kUnaryCallsHaveAStandIn)) {
    const auto known = channels_.find(channel);
    if (known == channels_.end() || !known->second.open) {
      Answer(0);
      return;
    }
  }
  reason_ = "UNREGISTERED";
  // A missing client id does not keep Java from going on.
  ClientId client_id;
  if (operation.has_client_id()) client_id = operation.client_id();
  const auto producers = producers_.find(operation.producer_group());
  if (operation.has_producer_group() && producers != producers_.end() &&
      !producers->second.empty()) {
    if (!client_id.has_value()) {
      producers->second.erase(channel);
      Throw(kNullPointer);
      return;
    }
    producer_lookup_.erase(*client_id);
    RemoveProducer(producers->first, channel, client_id);
    RemoveProducerGroupIfEmpty(operation.producer_group());
  }
  if (operation.has_consumer_group()) {
    const std::string& name = operation.consumer_group();
    const GroupConfig* const config = FindConfig(name);
    const bool is_notified =
        config == nullptr || config->notify_consumer_ids_changed_enable();
    const auto found = consumers_.find(name);
    if (found != consumers_.end()) {
      Group& group = found->second;
      const auto member = group.members.find(channel);
      const bool is_removed = member != group.members.end();
      Group before = group;
      if (is_removed) {
        if (member->second.statement.is_current) {
          channels_[channel].statement_holds = false;
        }
        before = RemoveConsumer(name, channel, client_id);
      }
      if (group.members.empty()) {
        Tell(kConsumer, "UNREGISTER", name);
        ClearTopicIndex(name, before);
      }
      if (is_notified && MayNotify(before, group) &&
          (is_removed || !On(Switch::kStrangerUnregisterIsSilent))) {
        TellChange(name, group);
      }
      if (group.members.empty()) consumers_.erase(found);
    }
  }
  Answer(0);
}

void JavaModel::CloseChannel(const std::string& name) {
  Channel& channel = channels_[name];
  if (!std::exchange(channel.open, false)) return;  // Has had its event.
  reason_ = "DISCONNECTED";
  OnClose(name);
}

void JavaModel::Kick(const std::string& name) {
  const auto known = channels_.find(name);
  if (known == channels_.end() || !known->second.open) return;
  reason_ = "KICKED";
  CloseByBroker(name);
  OnClose(name);
}

void JavaModel::OnClose(const std::string& channel) {
  for (const std::string& name : InOrderOfHashes(producers_)) {
    const auto member = producers_[name].find(channel);
    if (member == producers_[name].end()) continue;
    const ClientId client_id = member->second.record->client_id;
    if (!client_id.has_value()) {
      // A NullPointerException, which is logged.
      producers_[name].erase(member);
      return;
    }
    producer_lookup_.erase(*client_id);
    RemoveProducer(name, channel, client_id);
    RemoveProducerGroupIfEmpty(name);
  }

  std::vector<std::string> groups;
  const bool only_noted = config_.enable_fast_channel_event_process() &&
                          !On(Switch::kEveryCloseIsComplete);
  if (only_noted) {
    std::string name;
    for (char c : channels_[channel].noted_groups) {
      if (c != '|') {
        name += c;
      } else if (!name.empty()) {
        groups.push_back(std::exchange(name, {}));
      }
    }
  } else {
    for (const auto& [name, group] : consumers_) groups.push_back(name);
  }
  for (const std::string& name : groups) {
    OnCloseOfConsumer(channel, name, /*also_broadcasting=*/only_noted);
  }
}

void JavaModel::OnCloseOfConsumer(const std::string& channel,
                                  const std::string& name,
                                  bool also_broadcasting) {
  const auto found = consumers_.find(name);
  if (found == consumers_.end()) return;
  Group& group = found->second;
  const auto member = group.members.find(channel);
  if (member == group.members.end()) return;
  const Group before =
      RemoveConsumer(name, channel, member->second.record->client_id);
  if (group.members.empty()) {
    Tell(kConsumer, "UNREGISTER", name);
    ClearTopicIndex(name, before);
  }
  if ((MayNotify(before, group) && HonoursNotification(name)) ||
      (also_broadcasting && IsBroadcasting(group))) {
    TellChange(name, group);
  }
  if (group.members.empty()) consumers_.erase(found);
}

void JavaModel::Tick(const Outcome& leaving) {
  const int64_t since_last = now_ - std::exchange(last_tick_, now_);
  outcome_.set_overdue_us(leaving.has_overdue_us()
                              ? leaving.overdue_us()
                              : 1000 * (since_last - kPeriodMs));
  const int64_t bound_us =
      1000 *
      std::min(kMostLatenessMs, config_.channel_expired_timeout_ms() / 4);
  if (On(Switch::kAPauseExpiresNobody) && outcome_.overdue_us() > bound_us) {
    heard_floor_ = now_;
  }
  Scan(leaving);
}

void JavaModel::Scan(const Outcome& leaving) {
  reason_ = "EXPIRED";
  if (On(Switch::kOnlySilenceClosesAChannel)) {
    ScanByChannel(leaving);
  } else {
    ScanByGroup();
  }
}

// ProducerManager#scanNotActiveChannel, ConsumerManager#scanNotActiveChannel,
// and then the close events that they led to.
void JavaModel::ScanByGroup() {
  std::set<std::string, ByNumber> closing;
  const auto close = [&](const std::string& channel) {
    if (channels_[channel].open) closing.insert(channel);
    CloseByBroker(channel);
  };
  if (ScanProducers(close)) ScanConsumers(close);
  for (const std::string& channel : closing) OnClose(channel);
}

bool JavaModel::ScanProducers(const CloseFunction& close) {
  for (const std::string& name : InOrderOfHashes(producers_)) {
    const Members members = producers_[name];
    for (const auto& [channel, member] : members) {
      if (!IsStale(*member.record, true)) continue;
      if (!member.record->client_id.has_value()) {
        producers_[name].erase(channel);
        return false;
      }
      ExpireProducer(name, channel);
      close(channel);
    }
    const auto group = producers_.find(name);
    if (group != producers_.end()) RemoveProducerGroupIfEmpty(name);
  }
  return true;
}

void JavaModel::ScanConsumers(const CloseFunction& close) {
  std::vector<std::pair<std::string, std::string>> stale;
  std::vector<std::string> empty;
  for (const auto& [name, group] : consumers_) {
    if (group.members.empty()) empty.push_back(name);
    for (const auto& [channel, member] : group.members) {
      if (IsStale(*member.record, false)) stale.emplace_back(name, channel);
    }
  }
  for (const std::string& name : empty) consumers_.erase(name);
  for (const auto& [name, channel] : stale) {
    close(channel);
    ExpireConsumer(name, channel);
  }
}

void JavaModel::ScanByChannel(const Outcome& leaving) {
  struct Leave {
    bool is_producer;
    std::string group;
    std::string channel;
  };
  std::vector<Leave> leaves;
  for (auto& [channel, state] : channels_) {
    const bool is_silent =
        state.open && now_ - std::max(state.heard_at, heard_floor_) >
                          config_.channel_expired_timeout_ms();
    if (is_silent) CloseByBroker(channel);
    const auto add = [&, &channel = channel](bool is_producer,
                                             const std::string& group,
                                             const Members& members) {
      const auto member = members.find(channel);
      if (member != members.end() &&
          (is_silent || IsStale(*member->second.record, is_producer))) {
        leaves.push_back({is_producer, group, channel});
      }
    };
    for (const auto& [name, members] : producers_) add(true, name, members);
    for (const auto& [name, group] : consumers_)
      add(false, name, group.members);
  }
  const auto place = [&](const Leave& leave) {
    const auto told = std::find_if(
        leaving.events().begin(), leaving.events().end(), [&](const Event& e) {
          return e.type() == "CLIENT_UNREGISTER" &&
                 (e.kind() == kProducer) == leave.is_producer &&
                 e.group() == leave.group && e.channel() == leave.channel;
        });
    return told - leaving.events().begin();
  };
  std::stable_sort(
      leaves.begin(), leaves.end(),
      [&](const Leave& a, const Leave& b) { return place(a) < place(b); });
  for (const Leave& leave : leaves) {
    if (leave.is_producer) {
      ExpireProducer(leave.group, leave.channel);
    } else {
      ExpireConsumer(leave.group, leave.channel);
    }
  }
}

void JavaModel::ExpireProducer(const std::string& group,
                               const std::string& channel) {
  const ClientId client_id = producers_[group][channel].record->client_id;
  const auto lookup = producer_lookup_.find(client_id.value_or(""));
  if (lookup != producer_lookup_.end() && lookup->second == channel) {
    producer_lookup_.erase(lookup);
  }
  RemoveProducer(group, channel, client_id);
  RemoveProducerGroupIfEmpty(group);
}

void JavaModel::ExpireConsumer(const std::string& name,
                               const std::string& channel) {
  Group& group = consumers_[name];
  const Group before =
      RemoveConsumer(name, channel, group.members[channel].record->client_id);
  if (group.members.empty() && On(Switch::kExpiryUnregistersEmptiedGroup)) {
    Tell(kConsumer, "UNREGISTER", name);
  }
  if (On(Switch::kExpiryNotifiesSurvivors) && MayNotify(before, group) &&
      HonoursNotification(name)) {
    TellChange(name, group);
  }
  if (group.members.empty()) consumers_.erase(name);
}

JavaModel::Group JavaModel::RemoveConsumer(const std::string& name,
                                           const std::string& channel,
                                           ClientId told) {
  Group& group = consumers_[name];
  Group before = group;
  group.members.erase(channel);
  Recompute(group);
  TellMember(kConsumer, "CLIENT_UNREGISTER", name, channel, told,
             TopicsOf(before));
  return before;
}

void JavaModel::CloseByBroker(const std::string& name) {
  Channel& channel = channels_[name];
  if (!std::exchange(channel.open, false)) return;
  if (!channel.is_stand_in) outcome_.add_closed(name);
}

void JavaModel::CloseIdleStandIns() {
  for (auto& [name, channel] : channels_) {
    if (!channel.is_stand_in || !channel.open) continue;
    const auto has = [&name = name](const Members& members) {
      return members.count(name) != 0;
    };
    channel.open =
        std::any_of(consumers_.begin(), consumers_.end(),
                    [&](const auto& g) { return has(g.second.members); }) ||
        std::any_of(producers_.begin(), producers_.end(),
                    [&](const auto& g) { return has(g.second); });
  }
}

void JavaModel::RemoveProducer(const std::string& group,
                               const std::string& channel,
                               const ClientId& told) {
  const auto member = producers_[group].find(channel);
  if (member == producers_[group].end()) return;
  if (member->second.statement.is_current) {
    channels_[channel].statement_holds = false;
  }
  producers_[group].erase(member);
  TellMember(kProducer, "CLIENT_UNREGISTER", group, channel, told, {});
}

void JavaModel::RemoveProducerGroupIfEmpty(const std::string& group) {
  if (!producers_[group].empty()) return;
  producers_.erase(group);
  Tell(kProducer, "GROUP_UNREGISTER", group);
}

bool JavaModel::IsStale(const Record& record, bool is_producer) const {
  const int64_t timeout = is_producer && !On(Switch::kOneChannelExpiry)
                              ? config_.producer_channel_expired_timeout_ms()
                              : config_.channel_expired_timeout_ms();
  return now_ - std::max(record.refreshed_at, heard_floor_) > timeout;
}

}  // namespace rmq::conformance
