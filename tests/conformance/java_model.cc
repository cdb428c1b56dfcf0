#include "tests/conformance/java_model.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/conformance/edge_rules.h"

namespace rmq::conformance {
namespace {

constexpr char kConsumer[] = "consumer";
constexpr char kProducer[] = "producer";

constexpr char kNullPointer[] = "java.lang.NullPointerException";

// Between ticks.
constexpr int64_t kPeriodMs = 10000;

constexpr char kSystemGroupPrefix[] = "CID_RMQ_SYS_";
// SubscriptionGroupManager#init.
constexpr const char* kBuiltInGroups[] = {
    "TOOLS_CONSUMER",     "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP",
    "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",   "CID_RMQ_SYS_TRANS"};

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// TopicValidator#validateGroup.
bool IsLegalGroup(const std::string& group) {
  return !group.empty() && group.size() <= 120 &&
         std::all_of(group.begin(), group.end(), [](unsigned char c) {
           return c < 128 && (std::isalnum(c) || c == '%' || c == '|' ||
                              c == '_' || c == '-');
         });
}

// As Java's JSON reader has it: names in any case, unknown ones are null.
std::optional<std::string> EnumName(const std::string& text,
                                    std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (absl::EqualsIgnoreCase(text, name)) return name;
  }
  return std::nullopt;
}

std::optional<std::string> ConsumeTypeOf(const Consumer& consumer) {
  return EnumName(consumer.consume_type(),
                  {"CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"});
}

Modes ModesOf(const Consumer& consumer) {
  return {ConsumeTypeOf(consumer),
          EnumName(consumer.message_model(), {"BROADCASTING", "CLUSTERING"}),
          EnumName(consumer.consume_from_where(),
                   {"CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET",
                    "CONSUME_FROM_TIMESTAMP", "CONSUME_FROM_MIN_OFFSET",
                    "CONSUME_FROM_MAX_OFFSET",
                    "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"})};
}

// As groups hold them: an absent type is TAG.
std::vector<Subscription> SubscriptionsOf(const Consumer& consumer) {
  std::vector<Subscription> subscriptions;
  for (const Subscription& stated : consumer.subscription_data_set()) {
    Subscription& subscription = subscriptions.emplace_back(stated);
    if (!stated.has_expression_type() && !stated.null_expression_type()) {
      subscription.set_expression_type("TAG");
    }
    subscription.clear_null_expression_type();
  }
  return subscriptions;
}

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

const char* Name(Switch which) {
  static constexpr const char* kNames[] = {
      "expiry notifies survivors",
      "expiry unregisters an emptied group",
      "topic index is live",
      "close honours notification off",
      "stranger's unregister is silent",
      "producer look-up is kept",
      "each group has its clock",
      "each group has its clock in V2",
      "light heartbeat",
      "only silence closes a channel",
      "one channel expiry",
      "producers are told too",
      "producer switch is honoured",
      "every close is complete",
      "closed channel registers nothing",
      "pushes coalesce",
      "edge refuses bad form",
      "tag sets are derived",
      "no built-in groups",
      "reconnect replaces",
      "unary calls have a stand-in",
      "a pause expires nobody",
      "a group is what its members state",
      "an older stream never wins",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(Switch::kCount), "");
  return kNames[static_cast<size_t>(which)];
}

absl::StatusOr<Switches> SwitchesOf(absl::string_view release) {
  Switches switches;
  if (release == "5.4.0" || release == "5.5.0") return switches;
  if (release == "5.5.1") {
    return switches.set(static_cast<size_t>(Switch::kEachGroupHasItsClock));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "rocketmq must be 5.4.0, 5.5.0 or 5.5.1, got \"", release, "\""));
}

JavaModel::JavaModel(const Config& config, Switches switches)
    : config_(config), switches_(switches) {
  if (!On(Switch::kNoBuiltInGroups)) {
    for (const char* name : kBuiltInGroups) {
      GroupConfig& built_in = configs_[name];
      built_in.set_group_name(name);
      built_in.set_notify_consumer_ids_changed_enable(true);
      built_in.set_retry_queue_nums(1);
      built_in_groups_.insert(name);
    }
  }
  for (const GroupConfig& group : config_.subscription_groups()) {
    configs_[group.group_name()] = group;
  }
  for (const Topic& topic : config_.topics()) {
    topics_[topic.topic()] = topic;
    initial_topics_.insert(topic.topic());
  }
}

const Outcome& JavaModel::Apply(const Operation& operation,
                                const Outcome& leaving) {
  outcome_.Clear();
  const std::string& op = operation.op();
  if (op == "open_channel") {
    channels_[operation.channel()].heard_at = now_;
  } else if (op == "heartbeat") {
    DoHeartbeat(operation);
  } else if (op == "unregister") {
    DoUnregister(operation);
  } else if (op == "check_client_config") {
    CheckClientConfig(operation);
  } else if (op == "close_channel") {
    CloseChannel(operation.channel());
  } else if (op == "kick") {
    Kick(operation.channel());
  } else if (op == "advance") {
    now_ += operation.ms();
  } else if (op == "scan") {
    Scan(leaving);
  } else if (op == "tick") {
    Tick(leaving);
  } else if (op == "find_consumer_channel") {
    FindConsumerChannel(operation);
  } else if (op == "find_producer_channel") {
    FindProducerChannel(operation);
  } else if (op == "query_topic_consume_by_who") {
    QueryTopicConsumeByWho(operation.topic());
  } else if (op == "group_online") {
    const auto producers = producers_.find(operation.group());
    outcome_.set_producer(producers != producers_.end() &&
                          !producers->second.empty());
    outcome_.set_consumer(consumers_.count(operation.group()) != 0);
  } else if (op == "consumer_list") {
    ListConsumers(operation.group());
  } else if (op == "snapshot") {
    Snapshot();
  }
  CloseIdleStandIns();
  for (const std::string& name : std::exchange(changed_groups_, {})) {
    const auto group = consumers_.find(name);
    if (group != consumers_.end()) PushTo(group->second.members, name);
  }
  return outcome_;
}

// --- Heartbeats ---

void JavaModel::DoHeartbeat(const Operation& operation) {
  const Heartbeat& body = operation.body();
  if (On(Switch::kEdgeRefusesBadForm) && IsRefusedByTheEdge(operation)) {
    outcome_.set_refused("form");
    return;
  }
  const bool is_light = On(Switch::kLightHeartbeat) && IsLight(body);
  if (operation.unary()) {
    const auto known = channels_.find(operation.channel());
    const bool is_known = known != channels_.end() && known->second.open;
    if (!is_known && is_light && On(Switch::kUnaryCallsHaveAStandIn)) {
      Answer(0);
      outcome_.set_renewal("FULL_STATEMENT_NEEDED");
      return;
    }
    if (!is_known) {
      Channel& opened = channels_[operation.channel()] = Channel();
      opened.heard_at = now_;
      opened.is_stand_in = On(Switch::kUnaryCallsHaveAStandIn);
    }
  }
  Channel& channel = channels_[operation.channel()];
  if (On(Switch::kClosedChannelRegistersNothing) && !channel.open) {
    for (const Consumer& consumer : body.consumer_data_set()) {
      if (!is_light) Admit(consumer);  // Comes first, and makes its configs.
    }
    outcome_.clear_skipped();
    outcome_.set_refused("closed");
    return;
  }
  if (is_light) {
    LightHeartbeat(body, channel);
    return;
  }
  std::vector<std::string> replaced;
  if (On(Switch::kReconnectReplaces) &&
      !IsNewestOfItsIncarnation(operation.channel(), body, &replaced)) {
    for (const Consumer& consumer : body.consumer_data_set()) Admit(consumer);
    outcome_.clear_skipped();
    outcome_.set_refused("closed");
    CloseByBroker(operation.channel());
    return;
  }
  if (!operation.has_body() || body.null_consumers()) {
    Throw(kNullPointer);
    return;
  }

  ++full_heartbeats_;
  reason_ = "REPLACED";
  channel.heard_at = now_;
  channel.statement_holds = false;
  const std::vector<std::string> left_out = LeaveAllOut(operation.channel());
  const auto record = std::make_shared<Record>();
  if (body.has_client_id()) record->client_id = body.client_id();
  record->language = operation.language();
  record->version = operation.version();
  record->refreshed_at = now_;
  const bool is_v1 = body.heartbeat_fingerprint() == 0;
  const bool has_its_clock = On(is_v1 ? Switch::kEachGroupHasItsClock
                                      : Switch::kEachGroupHasItsClockInV2);
  const auto record_of_a_group = [&] {
    return has_its_clock ? std::make_shared<Record>(*record) : record;
  };
  bool is_sub_change = is_v1;
  for (const Consumer& consumer : body.consumer_data_set()) {
    if (!HeartbeatOfConsumer(operation, consumer, record_of_a_group(), replaced,
                             &is_sub_change)) {
      Throw(kNullPointer);
      return;
    }
  }
  if (body.null_producers()) {
    Throw(kNullPointer);
    return;
  }
  for (const Producer& producer : body.producer_data_set()) {
    if (!HeartbeatOfProducer(operation, producer, record_of_a_group())) {
      Throw(kNullPointer);
      return;
    }
  }
  channel.statement = StatementKey(body);
  channel.statement_holds = outcome_.skipped().empty();
  for (const std::string& older : replaced) {
    CloseByBroker(older);
    OnClose(older);
  }
  ForgetModesOfTheLeftOut(left_out);
  Answer(0);
  (*outcome_.mutable_ext())["IS_SUPPORT_HEART_BEAT_V2"] = "true";
  (*outcome_.mutable_ext())["IS_SUB_CHANGE"] = is_sub_change ? "true" : "false";
}

bool JavaModel::IsNewestOfItsIncarnation(const std::string& name,
                                         const Heartbeat& body,
                                         std::vector<std::string>* replaced) {
  Channel& channel = channels_[name];
  if (channel.is_stand_in || channel.client_id.has_value()) return true;
  if (body.incarnation() != 0) {
    for (const auto& [other, state] : channels_) {
      if (!state.open || state.is_stand_in ||
          state.client_id != body.client_id() ||
          state.incarnation != body.incarnation()) {
        continue;
      }
      const bool are_numbered = On(Switch::kAnOlderStreamNeverWins) &&
                                state.stream_number != 0 &&
                                body.stream_number() != 0 &&
                                state.stream_number != body.stream_number();
      const bool is_newer = are_numbered
                                ? state.stream_number > body.stream_number()
                                : ByNumber()(name, other);
      if (is_newer) return false;
      replaced->push_back(other);
    }
  }
  channel.client_id = body.client_id();
  channel.incarnation = body.incarnation();
  channel.stream_number = body.stream_number();
  return true;
}

std::vector<std::string> JavaModel::LeaveAllOut(const std::string& channel) {
  std::vector<std::string> left_out;
  for (auto& [name, group] : consumers_) {
    const auto member = group.members.find(channel);
    if (member == group.members.end()) continue;
    if (std::exchange(member->second.statement.is_current, false)) {
      left_out.push_back(name);
    }
  }
  for (auto& [name, members] : producers_) {
    const auto member = members.find(channel);
    if (member != members.end()) member->second.statement.is_current = false;
  }
  return left_out;
}

// Those that the heartbeat stated after all have been recomputed before.
void JavaModel::ForgetModesOfTheLeftOut(
    const std::vector<std::string>& left_out) {
  for (const std::string& name : left_out) {
    Group& group = consumers_[name];
    const Group before = group;
    Recompute(group);
    if (IsBroadcasting(before) && !IsBroadcasting(group) &&
        configs_[name].notify_consumer_ids_changed_enable()) {
      TellChange(name, group);
    }
  }
}

void JavaModel::LightHeartbeat(const Heartbeat& body, Channel& channel) {
  channel.heard_at = now_;
  const auto renew = [&](Members& members) {
    for (auto& [name, member] : members) {
      if (&channels_[name] == &channel && member.statement.is_current) {
        member.record->refreshed_at = now_;
      }
    }
  };
  for (auto& [name, group] : consumers_) renew(group.members);
  for (auto& [name, members] : producers_) renew(members);
  Answer(0);
  outcome_.set_renewal(channel.statement_holds &&
                               channel.statement == StatementKey(body)
                           ? "RENEWED"
                           : "FULL_STATEMENT_NEEDED");
}

bool JavaModel::HeartbeatOfConsumer(const Operation& operation,
                                    const Consumer& consumer,
                                    const std::shared_ptr<Record>& record,
                                    const std::vector<std::string>& replaced,
                                    bool* is_sub_change) {
  const Heartbeat& body = operation.body();
  const std::string& name = consumer.group_name();
  const bool is_rejected = config_.reject_pull_consumer_enable() &&
                           ConsumeTypeOf(consumer) == "CONSUME_ACTIVELY";
  if (!is_rejected) {
    if (!consumer.has_group_name()) return false;
    const auto known = fingerprints_.find(name);
    if (known != fingerprints_.end() && body.heartbeat_fingerprint() != 0 &&
        known->second != body.heartbeat_fingerprint()) {
      *is_sub_change = true;
    }
    fingerprints_[name] = body.heartbeat_fingerprint();
    if (consumer.null_subscriptions()) return false;
    for (const Subscription& subscription : consumer.subscription_data_set()) {
      if (!subscription.has_topic()) return false;
    }
  }
  if (!Admit(consumer)) return true;

  const bool without_sub = IsLight(body);
  Group& group = consumers_[name];
  const Group before = group;
  Topics topics;
  for (const Subscription& subscription : consumer.subscription_data_set()) {
    topics.insert(subscription.topic());
  }
  for (const std::string& topic : without_sub ? TopicsOf(group) : topics) {
    topic_index_[topic].insert(name);
  }
  bool is_new = false;
  if (!UpdateChannel(operation.channel(), consumer, record, group, &is_new)) {
    return false;
  }
  Members leaving;
  if (On(Switch::kAGroupIsWhatItsMembersState)) {
    MemberStatement& member = group.members[operation.channel()].statement;
    member.State(ModesOf(consumer), full_heartbeats_);
    if (!without_sub) member.Hold(SubscriptionsOf(consumer));
    for (const std::string& older : replaced) {
      const auto node = group.members.extract(older);
      if (!node.empty()) leaving[older] = node.mapped();
    }
    Recompute(group);
    topics = TopicsOf(group);
  } else if (!without_sub) {
    UpdateSubscriptions(consumer, group);
  }
  const auto tell = [&](const char* type) {
    TellMember(kConsumer, type, name, operation.channel(), record->client_id,
               topics);
  };
  if (is_new && !without_sub) tell("CLIENT_REGISTER");
  for (const auto& [older, member] : leaving) {
    TellMember(kConsumer, "CLIENT_UNREGISTER", name, older,
               member.record->client_id, TopicsOf(before));
  }
  if (IsChange(before, group, is_new, !leaving.empty()) &&
      MayNotify(before, group) &&
      configs_[name].notify_consumer_ids_changed_enable()) {
    TellChange(name, group);
  }
  if (without_sub) return true;
  if (is_new) {
    // ClientChannelAttributeHelper#addConsumerGroup.
    Channel& channel = channels_[operation.channel()];
    if (channel.open &&
        channel.noted_groups.find("|" + name + "|") == std::string::npos) {
      channel.noted_groups += name + "|";
    }
  }
  tell("REGISTER");
  return true;
}

bool JavaModel::IsChange(const Group& before, const Group& after, bool is_new,
                         bool is_replacement) const {
  if (TopicsOf(before) != TopicsOf(after)) return true;
  if (!On(Switch::kAGroupIsWhatItsMembersState)) return is_new;
  if (IsBroadcasting(before) && !IsBroadcasting(after)) return true;
  return is_replacement ? ClientIdsOf(before) != ClientIdsOf(after) : is_new;
}

bool JavaModel::Admit(const Consumer& consumer) {
  const std::string& name = consumer.group_name();
  const auto skip = [&](const char* reason) {
    Skipped& skipped = *outcome_.add_skipped();
    skipped.set_group(name);
    skipped.set_reason(reason);
    return false;
  };
  if (config_.reject_pull_consumer_enable() &&
      ConsumeTypeOf(consumer) == "CONSUME_ACTIVELY") {
    return skip("PULL_CONSUMER_REJECTED");
  }
  const GroupConfig* const config = FindConfig(name);
  if (config == nullptr) {
    return skip(IsLegalGroup(name) ? "NO_SUCH_GROUP" : "ILLEGAL_GROUP");
  }
  bool has_ordered_topic = false;
  for (const Subscription& subscription : consumer.subscription_data_set()) {
    const auto topic = topics_.find(subscription.topic());
    if (topic != topics_.end() && topic->second.order()) {
      has_ordered_topic = true;
    }
  }
  // TopicConfigManager#createTopicInSendMessageBackMethod.
  const std::string retry_name = "%RETRY%" + name;
  const bool is_new = topics_.count(retry_name) == 0;
  Topic& retry = topics_[retry_name];
  if (is_new) {
    retry.set_topic(retry_name);
    retry.set_read_queue_nums(config->retry_queue_nums());
    retry.set_write_queue_nums(config->retry_queue_nums());
    retry.set_perm(6);
    retry.set_topic_sys_flag(consumer.unit_mode() ? 2 : 0);
  }
  retry.set_order(has_ordered_topic);
  return true;
}

GroupConfig* JavaModel::FindConfig(const std::string& group) {
  const auto found = configs_.find(group);
  if (found != configs_.end()) return &found->second;
  if (!config_.auto_create_subscription_group() &&
      !StartsWith(group, kSystemGroupPrefix)) {
    return nullptr;
  }
  if (!IsLegalGroup(group)) return nullptr;
  GroupConfig& config = configs_[group];
  config.set_group_name(group);
  config.set_notify_consumer_ids_changed_enable(true);
  config.set_retry_queue_nums(1);
  return &config;
}

bool JavaModel::UpdateChannel(const std::string& channel,
                              const Consumer& consumer,
                              const std::shared_ptr<Record>& record,
                              Group& group, bool* is_new) {
  if (!On(Switch::kAGroupIsWhatItsMembersState)) {
    group.statement.modes = ModesOf(consumer);
  }

  auto [found, added] = group.members.try_emplace(channel);
  *is_new = added;
  Member& member = found->second;
  member.statement.is_current = true;
  if (added) {
    member.record = record;
    return true;
  }
  const std::shared_ptr<Record> old = member.record;
  if (!old->client_id.has_value()) return false;
  if (old->client_id != record->client_id) member.record = record;
  old->refreshed_at = now_;
  return true;
}

void JavaModel::UpdateSubscriptions(const Consumer& consumer, Group& group) {
  std::map<std::string, Subscription>& known = group.statement.subscriptions;
  Topics topics;
  for (const Subscription& stated : SubscriptionsOf(consumer)) {
    topics.insert(stated.topic());
    const auto [held, is_new] = known.try_emplace(stated.topic(), stated);
    if (!is_new && stated.sub_version() > held->second.sub_version()) {
      held->second = stated;
    }
  }
  for (auto held = known.begin(); held != known.end();) {
    held = topics.count(held->first) != 0 ? std::next(held) : known.erase(held);
  }
}

bool JavaModel::HeartbeatOfProducer(const Operation& operation,
                                    const Producer& producer,
                                    const std::shared_ptr<Record>& record) {
  const std::string& name = producer.group_name();
  const std::string& channel = operation.channel();
  if (!producer.has_group_name()) return false;
  const auto group = producers_.find(name);
  if (group != producers_.end()) {
    const auto known = group->second.find(channel);
    if (known != group->second.end()) {
      known->second.record->refreshed_at = now_;
      known->second.statement.is_current = true;
      return true;
    }
  }
  if (On(Switch::kProducerSwitchIsHonoured) &&
      config_.has_enable_register_producer() &&
      !config_.enable_register_producer()) {
    Skipped& skipped = *outcome_.add_skipped();
    skipped.set_group(name);
    skipped.set_reason("PRODUCER_REJECTED");
    return true;
  }
  Member& member = producers_[name][channel];
  member.record = record;
  if (!record->client_id.has_value()) return false;
  last_joins_[{*record->client_id, channel}] = ++joined_;
  producer_lookup_[*record->client_id] = channel;
  if (On(Switch::kProducersAreToldToo)) {
    TellMember(kProducer, "CLIENT_REGISTER", name, channel, record->client_id,
               {});
  }
  return true;
}

// --- Removals ---

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
  if (On(Switch::kAPauseExpiresNobody) && since_last > 2 * kPeriodMs) {
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

// --- Look-ups ---

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

// --- Events and the like ---

Event& JavaModel::Tell(const char* kind, const char* type,
                       const std::string& group) {
  Event& event = *outcome_.add_events();
  event.set_kind(kind);
  event.set_type(type);
  event.set_group(group);
  return event;
}

void JavaModel::TellMember(const char* kind, const char* type,
                           const std::string& group, const std::string& channel,
                           const ClientId& client_id, const Topics& topics) {
  Event& event = Tell(kind, type, group);
  if (client_id.has_value()) event.set_client_id(*client_id);
  event.set_channel(channel);
  for (const std::string& topic : topics) event.add_topics(topic);
  if (event.type() == "CLIENT_UNREGISTER") event.set_reason(reason_);
}

void JavaModel::TellChange(const std::string& name, const Group& group) {
  Event& event = Tell(kConsumer, "CHANGE", name);
  for (const auto& [channel, member] : group.members) {
    event.add_channels(channel);
  }
  if (On(Switch::kPushesCoalesce)) {
    changed_groups_.insert(name);
  } else {
    PushTo(group.members, name);
  }
}

void JavaModel::PushTo(const Members& members, const std::string& group) {
  if (!config_.notify_consumer_ids_changed_enable()) return;
  for (const auto& [channel, member] : members) {
    if (!channels_[channel].open || channels_[channel].is_stand_in) continue;
    Push& push = *outcome_.add_pushes();
    push.set_channel(channel);
    push.set_group(group);
  }
}

void JavaModel::Answer(int code, const std::string& remark) {
  outcome_.set_code(code);
  outcome_.set_code_name(code == 0   ? "SUCCESS"
                         : code == 1 ? "SYSTEM_ERROR"
                                     : "SUBSCRIPTION_PARSE_FAILED");
  if (!remark.empty()) outcome_.set_remark(remark);
}

void JavaModel::Throw(const char* exception) {
  Answer(1);
  outcome_.set_exception(exception);
}

JavaModel::Topics JavaModel::TopicsOf(const Group& group) {
  Topics topics;
  for (const auto& [topic, subscription] : group.statement.subscriptions) {
    topics.insert(topic);
  }
  return topics;
}

std::set<JavaModel::ClientId> JavaModel::ClientIdsOf(const Group& group) {
  std::set<ClientId> client_ids;
  for (const auto& [channel, member] : group.members) {
    client_ids.insert(member.record->client_id);
  }
  return client_ids;
}

void JavaModel::Recompute(Group& group) const {
  if (!On(Switch::kAGroupIsWhatItsMembersState)) return;
  std::vector<const MemberStatement*> statements;
  for (const auto& [channel, member] : group.members) {
    statements.push_back(&member.statement);
  }
  group.statement = Combine(statements);
}

bool JavaModel::MayNotify(const Group& before, const Group& after) const {
  if (!On(Switch::kAGroupIsWhatItsMembersState)) return !IsBroadcasting(after);
  const auto is_clustering = [](const Group& group) {
    return !group.members.empty() && !IsBroadcasting(group);
  };
  return is_clustering(before) || is_clustering(after);
}

bool JavaModel::HonoursNotification(const std::string& name) {
  return !On(Switch::kCloseHonoursNotificationOff) ||
         configs_[name].notify_consumer_ids_changed_enable();
}

void JavaModel::ClearTopicIndex(const std::string& name, const Group& group) {
  for (const auto& [topic, subscription] : group.statement.subscriptions) {
    topic_index_[topic].erase(name);
  }
}

}  // namespace rmq::conformance
