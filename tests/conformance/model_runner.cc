#include "tests/conformance/model_runner.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/client_event.h"
#include "common/client_types.h"
#include "tests/conformance/edge_rules.h"
#include "tests/conformance/modes_of.h"

namespace rmq::conformance {
namespace {

using model::BrokerModel;

constexpr int64_t kPeriodMs = 10000;

model::BrokerOptions OptionsOf(const Config& config) {
  model::BrokerOptions options;
  options.channel_expiry = config.channel_expired_timeout_ms();
  options.pushes = config.notify_consumer_ids_changed_enable();
  model::PolicyOptions& policy = options.policy;
  policy.auto_create_groups = config.auto_create_subscription_group();
  policy.reject_pull_consumers = config.reject_pull_consumer_enable();
  policy.register_producers = !config.has_enable_register_producer() ||
                              config.enable_register_producer();
  for (const GroupConfig& group : config.subscription_groups()) {
    policy.groups[group.group_name()] = {
        group.notify_consumer_ids_changed_enable(), group.retry_queue_nums()};
  }
  for (const Topic& topic : config.topics()) {
    policy.topics[topic.topic()] = {topic.read_queue_nums(),
                                    topic.write_queue_nums(), topic.perm(),
                                    topic.topic_sys_flag(), topic.order()};
  }
  return options;
}

model::Statement StatementOf(const Operation& operation) {
  const Heartbeat& body = operation.body();
  model::Statement statement;
  statement.client_id = body.client_id();
  statement.language = ValueOf(operation.language(), LanguageCode::kNodeJs);
  statement.version = operation.version();
  statement.incarnation = static_cast<uint64_t>(body.incarnation());
  statement.stream_number = body.stream_number();
  for (const Consumer& consumer : body.consumer_data_set()) {
    model::StatedConsumer& stated = statement.consumers.emplace_back();
    stated.group = consumer.group_name();
    stated.modes = ModesOf(consumer);
    stated.unit_mode = consumer.unit_mode();
    for (const Subscription& subscription : consumer.subscription_data_set()) {
      const std::string& type = subscription.expression_type();
      stated.subscriptions[subscription.topic()] = {
          subscription.sub_version(), subscription.sub_string(),
          type.empty() ? "TAG" : type};
    }
  }
  for (const Producer& producer : body.producer_data_set()) {
    statement.producers.push_back(producer.group_name());
  }
  return statement;
}

const char* NameOf(GroupKind kind) {
  return kind == GroupKind::kProducer ? "producer" : "consumer";
}

}  // namespace

ModelRunner::ModelRunner(const Config& config)
    : config_(config), model_(OptionsOf(config)) {
  for (const Topic& topic : config.topics()) {
    initial_topics_.insert(topic.topic());
  }
}

const Outcome& ModelRunner::Apply(const Operation& operation,
                                  const Outcome& leaving) {
  outcome_.Clear();
  const std::string& op = operation.op();
  if (op == "open_channel") {
    channels_[operation.channel()] = model_.OpenStream(now_);
    names_.push_back(operation.channel());
  } else if (op == "advance") {
    now_ += operation.ms();
  } else if (op == "scan") {
    model_.Scan(now_, OrderOf(leaving));
  } else if (op == "tick") {
    const int64_t since_last = now_ - std::exchange(last_tick_, now_);
    outcome_.set_overdue_us(leaving.has_overdue_us()
                                ? leaving.overdue_us()
                                : 1000 * (since_last - kPeriodMs));
    model_.Tick(now_, outcome_.overdue_us(), OrderOf(leaving));
  } else if (op == "find_consumer_channel") {
    FindConsumerChannel(operation);
  } else if (op == "find_producer_channel") {
    const int found = model_.FindProducerChannel(operation.client_id());
    if (found >= 0) outcome_.set_channel(names_[found]);
  } else if (op == "query_topic_consume_by_who") {
    for (const std::string& group : model_.GroupsOfTopic(operation.topic())) {
      outcome_.add_groups(group);
    }
  } else if (op == "group_online") {
    const auto is_online = [&](GroupKind kind) {
      return model_.groups(kind).count(operation.group()) != 0;
    };
    outcome_.set_producer(is_online(GroupKind::kProducer));
    outcome_.set_consumer(is_online(GroupKind::kConsumer));
  } else if (op == "consumer_list") {
    ListConsumers(operation.group());
  } else if (op == "epochs") {
    for (const auto& [group, epochs] : epochs_.epochs()) {
      outcome_.add_groups(absl::StrCat(group, " ", epochs.size()));
    }
  } else if (op == "list_at") {
    ListAt(operation.group(), static_cast<size_t>(operation.ms()));
    Follow(leaving);
  } else if (op == "begin_list") {
    begun_lists_[operation.group()] = epochs_.At(operation.group(), 0);
  } else if (op == "end_list") {
    for (const std::string& id : begun_lists_[operation.group()]) {
      outcome_.add_client_ids(id);
    }
    begun_lists_.erase(operation.group());
    Follow(leaving);
  } else if (op == "kick_clients") {
    model::KickCriteria criteria = {
        operation.client_id(), operation.group(), {}};
    if (operation.has_kicked_version()) {
      criteria.version = operation.kicked_version();
    }
    outcome_.set_code(static_cast<int32_t>(
        model_.Kick(criteria, operation.ms(), now_, OrderOf(leaving))));
  } else if (op == "release_client") {
    outcome_.set_code(
        static_cast<int32_t>(model_.Release(operation.client_id(), now_)));
  } else if (op == "snapshot") {
    Snapshot();
  } else if (op == "check_client_config") {
    CheckClientConfig(operation);
  } else if (IsRefusedByTheEdge(operation)) {
    outcome_.set_refused("form");
  } else {
    OnChannel(operation);
  }
  NoteEffects();
  epochs_.Note(model_);
  return outcome_;
}

void ModelRunner::ListAt(const std::string& group, size_t back) {
  for (const std::string& client_id : epochs_.At(group, back)) {
    outcome_.add_client_ids(client_id);
  }
}

void ModelRunner::Follow(const Outcome& leaving) {
  if (leaving.refused() != "gone") return;
  outcome_.clear_client_ids();
  outcome_.set_refused("gone");
}

void ModelRunner::Acknowledge(const Operation& operation, int channel) {
  const bool is_known = epochs_.epochs().count(operation.group()) != 0;
  if (operation.ms() == -2 || !is_known) {
    outcome_.set_renewal("ZERO");
  } else if (!model_.channels()[channel].open ||
             model_.FindMembership(channel, GroupKind::kConsumer,
                                   operation.group()) == nullptr) {
    outcome_.set_renewal("NOT_MEMBER");
  } else {
    outcome_.set_renewal(operation.ms() == -1 ? "FUTURE" : "TAKEN");
  }
}

int ModelRunner::ChannelOf(const Operation& operation) {
  if (!operation.unary()) return channels_.at(operation.channel());
  const bool is_heartbeat = operation.op() == "heartbeat";
  const std::string& client_id =
      is_heartbeat ? operation.body().client_id() : operation.client_id();
  const int found = model_.FindStandIn(client_id);
  if (found >= 0 || !is_heartbeat || IsLight(operation.body())) return found;
  names_.push_back(operation.channel());
  return model_.OpenStandIn(client_id, now_);
}

void ModelRunner::OnChannel(const Operation& operation) {
  const std::string& op = operation.op();
  const int channel = ChannelOf(operation);
  if (channel < 0) {
    if (op == "heartbeat") outcome_.set_renewal("FULL_STATEMENT_NEEDED");
    if (op != "kick" && op != "acknowledge") Answer(0);
  } else if (op == "heartbeat") {
    if (IsLight(operation.body())) {
      LightHeartbeat(operation, channel);
    } else {
      FullHeartbeat(operation, channel);
    }
  } else if (op == "unregister") {
    model_.Unregister(channel, operation.client_id(),
                      operation.producer_group(), operation.consumer_group());
    Answer(0);
  } else if (op == "acknowledge") {
    Acknowledge(operation, channel);
  } else if (op == "close_channel") {
    model_.Close(channel, RemovalReason::kDisconnected);
  } else if (op == "kick") {
    const bool is_stand_in = model_.channels()[channel].is_stand_in;
    if (model_.Close(channel, RemovalReason::kKicked) && !is_stand_in) {
      outcome_.add_closed(names_[channel]);
    }
  }
}

void ModelRunner::LightHeartbeat(const Operation& operation, int channel) {
  const bool has_token =
      statements_[operation.channel()] == StatementKey(operation.body());
  switch (model_.RenewLight(channel, has_token, now_)) {
    case model::LightAnswer::kRenewed: outcome_.set_renewal("RENEWED"); break;
    case model::LightAnswer::kFullStatementNeeded:
      outcome_.set_renewal("FULL_STATEMENT_NEEDED");
      break;
    case model::LightAnswer::kClosed: outcome_.set_refused("closed"); return;
  }
  Answer(0);
}

void ModelRunner::FullHeartbeat(const Operation& operation, int channel) {
  const model::HeartbeatAnswer answer =
      model_.Heartbeat(channel, StatementOf(operation), now_);
  if (!answer.accepted) {
    outcome_.set_refused("closed");
    return;
  }
  statements_[operation.channel()] = StatementKey(operation.body());
  for (const model::SkippedGroup& skipped : answer.skipped) {
    Skipped& noted = *outcome_.add_skipped();
    noted.set_group(skipped.group);
    noted.set_reason(skipped.reason);
  }
  Answer(0);
}

void ModelRunner::CheckClientConfig(const Operation& operation) {
  const std::string& type = operation.subscription().expression_type();
  if (type.empty() || type == "TAG") {
    Answer(0);
  } else if (!config_.enable_property_filter()) {
    Answer(1, absl::StrCat("The broker does not support consumer to filter "
                           "message by ",
                           type));
  } else {
    Answer(type == "SQL92" ? operation.expect().code() : 23);
  }
}

std::vector<BrokerModel::Departure> ModelRunner::OrderOf(
    const Outcome& leaving) const {
  std::map<std::string, int> numbers;
  for (const int channel : model_.open_channels()) {
    numbers[names_[channel]] = channel;
  }
  std::vector<BrokerModel::Departure> order;
  for (const Event& event : leaving.events()) {
    const auto number = numbers.find(event.channel());
    if (event.type() != "CLIENT_UNREGISTER" || number == numbers.end()) {
      continue;
    }
    order.push_back({number->second,
                     event.kind() == "producer" ? GroupKind::kProducer
                                                : GroupKind::kConsumer,
                     event.group()});
  }
  return order;
}

// --- Look-ups ---

void ModelRunner::FindConsumerChannel(const Operation& operation) {
  const auto& groups = model_.groups(GroupKind::kConsumer);
  const auto group = groups.find(operation.group());
  if (group == groups.end()) return;
  for (const int member : group->second.members) {
    const model::Membership& membership =
        *model_.FindMembership(member, GroupKind::kConsumer, operation.group());
    if (membership.client_id == operation.client_id()) {
      outcome_.add_any_of(names_[member]);
    }
  }
}

void ModelRunner::ListConsumers(const std::string& name) {
  const auto& groups = model_.groups(GroupKind::kConsumer);
  const auto group = groups.find(name);
  if (group == groups.end()) {
    Answer(1, absl::StrCat("no consumer for this group, ", name));
    return;
  }
  Answer(0);
  for (const int member : group->second.members) {
    outcome_.add_client_ids(
        model_.FindMembership(member, GroupKind::kConsumer, name)->client_id);
  }
}

template <typename Connections>
void ModelRunner::ShowMembers(GroupKind kind, const std::string& group,
                              const BrokerModel::Group& shown,
                              Connections* connections) const {
  for (const int member : shown.members) {
    const model::Membership& membership =
        *model_.FindMembership(member, kind, group);
    Connection& connection = *connections->Add();
    connection.set_channel(names_[member]);
    connection.set_client_id(membership.client_id);
    if (membership.language != LanguageCode::kUnspecified) {
      connection.set_language(std::string(Name(membership.language)));
    }
    connection.set_version(membership.version);
    connection.set_idle_ms(now_ - model_.LastHeard(member, membership));
  }
}

void ModelRunner::Snapshot() {
  for (const auto& [name, group] : model_.groups(GroupKind::kConsumer)) {
    ConsumerGroup& shown = *outcome_.add_consumer_groups();
    shown.set_group(name);
    ShowModes(group.statement.modes, &shown);
    ShowMembers(GroupKind::kConsumer, name, group, shown.mutable_connections());
    for (const auto& [topic, held] : group.statement.subscriptions) {
      Subscription subscription;
      subscription.set_topic(topic);
      subscription.set_sub_string(held.expression);
      subscription.set_expression_type(held.expression_type);
      subscription.set_sub_version(held.version);
      *shown.add_subscriptions() = AsOnTheWire(subscription);
    }
  }
  for (const auto& [name, group] : model_.groups(GroupKind::kProducer)) {
    ProducerGroup& shown = *outcome_.add_producer_groups();
    shown.set_group(name);
    ShowMembers(GroupKind::kProducer, name, group, shown.mutable_connections());
  }
  for (const auto& [name, config] : model_.policy().topics()) {
    if (initial_topics_.count(name) != 0) continue;
    Topic& topic = *outcome_.add_topics();
    topic.set_topic(name);
    topic.set_read_queue_nums(config.read_queues);
    topic.set_write_queue_nums(config.write_queues);
    topic.set_perm(config.perm);
    topic.set_topic_sys_flag(config.sys_flag);
    topic.set_order(config.ordered);
  }
  for (const auto& [name, config] : model_.policy().groups()) {
    outcome_.add_subscription_groups(name);
  }
}

// --- Outcomes ---

void ModelRunner::NoteEffects() {
  const model::Effects effects = model_.TakeEffects();
  for (const model::Event& event : effects.events) {
    const bool is_producer = event.kind == GroupKind::kProducer;
    Event& noted = *outcome_.add_events();
    noted.set_kind(NameOf(event.kind));
    noted.set_group(event.group);
    noted.set_type(is_producer && event.type == EventType::kUnregister
                       ? "GROUP_UNREGISTER"
                       : std::string(Name(event.type)));
    if (event.channel >= 0) {
      noted.set_client_id(event.client_id);
      noted.set_channel(names_[event.channel]);
    }
    if (event.type == EventType::kClientUnregister) {
      noted.set_reason(std::string(Name(event.reason)));
    }
    for (const std::string& topic : event.topics) noted.add_topics(topic);
    for (const int member : event.members) noted.add_channels(names_[member]);
  }
  for (const model::Push& push : effects.pushes) {
    Push& noted = *outcome_.add_pushes();
    noted.set_channel(names_[push.channel]);
    noted.set_group(push.group);
  }
  for (const auto& [channel, reason] : effects.ended) {
    if (!model_.channels()[channel].is_stand_in) {
      outcome_.add_closed(names_[channel]);
    }
  }
}

void ModelRunner::Answer(int code, const std::string& remark) {
  outcome_.set_code(code);
  outcome_.set_code_name(code == 0   ? "SUCCESS"
                         : code == 1 ? "SYSTEM_ERROR"
                                     : "SUBSCRIPTION_PARSE_FAILED");
  if (!remark.empty()) outcome_.set_remark(remark);
}

}  // namespace rmq::conformance
