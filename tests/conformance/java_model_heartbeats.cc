// JavaModel: what heartbeats do.
#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "tests/conformance/edge_rules.h"
#include "tests/conformance/java_model.h"
#include "tests/conformance/member_statement.h"

namespace rmq::conformance {
namespace {

constexpr char kNullPointer[] = "java.lang.NullPointerException";

constexpr char kSystemGroupPrefix[] = "CID_RMQ_SYS_";

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

}  // namespace

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
  if (On(Switch::kARestatedProgramCounts)) {
    RestateProgram(operation.channel(), *record);
  }
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

void JavaModel::RestateProgram(const std::string& channel,
                               const Record& program) {
  const auto restate = [&](Members& members) {
    const auto member = members.find(channel);
    if (member == members.end()) return;
    member->second.record->language = program.language;
    member->second.record->version = program.version;
  };
  for (auto& [name, group] : consumers_) restate(group.members);
  for (auto& [name, members] : producers_) restate(members);
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

}  // namespace rmq::conformance
