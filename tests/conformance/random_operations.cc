#include "tests/conformance/random_operations.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace rmq::conformance {
namespace {

constexpr const char* kConsumerGroups[] = {"cg_a",     "cg_b",
                                           "cg_bcast", "cg_quiet",
                                           "cg_pull",  "CID_RMQ_SYS_|ab",
                                           "no group", "TOOLS_CONSUMER"};
// One name is that of a consumer group too.
constexpr const char* kProducerGroups[] = {"pg_x", "pg_y", "cg_a", "any name!"};
constexpr const char* kClients[] = {"c1", "c2", "c3"};
constexpr const char* kTopics[] = {"t1",      "t2",          "t3",
                                   "t_order", "%RETRY%cg_a", "%RETRY%cg_b"};
constexpr const char* kTypes[] = {"CONSUME_ACTIVELY", "CONSUME_PASSIVELY",
                                  "CONSUME_POP"};
constexpr const char* kModels[] = {"BROADCASTING", "CLUSTERING"};
constexpr const char* kPlaces[] = {"CONSUME_FROM_LAST_OFFSET",
                                   "CONSUME_FROM_FIRST_OFFSET",
                                   "CONSUME_FROM_TIMESTAMP"};
constexpr const char* kLanguages[] = {"JAVA", "CPP", "GO", "RUST", "NODE_JS"};
constexpr int64_t kExpiries[] = {30000, 60000, 120000};
constexpr int64_t kVersions[] = {
    std::numeric_limits<int64_t>::min(), -1, 0, 1, 2, 3, 1700000000000,
    std::numeric_limits<int64_t>::max()};

struct Expression {
  const char* type;
  const char* text;
  // Java's answer with the filter on.
  int code;
};
constexpr Expression kExpressions[] = {
    {"TAG", "*", 0},        {"TAG", "", 0},
    {"TAG", "A", 0},        {"TAG", "A || B ||", 0},
    {"TAG", " B||\tA ", 0}, {"TAG", "\xC3\xA9 || \xF0\x9F\x98\x80", 0},
    {"SQL92", "a > 1", 0},  {"SQL92", "region = 'eu' OR vip", 0},
    {"SQL92", "a >", 23},   {"SQL92", "(a = 1", 23},
};

constexpr int64_t kIncarnations[] = {0, 7, 7, 8};
constexpr uint64_t kStreamNumbers[] = {0, 1, 2, 3, 4};
constexpr int64_t kPeriodMs = 10000;

constexpr size_t kMaxOpen = 8;
constexpr size_t kMaxClosed = 3;

}  // namespace

RandomOperations::RandomOperations(uint64_t seed, bool has_epochs)
    : random_(seed), has_epochs_(has_epochs) {
  DrawNames();
  MakeConfig();
  MakeLookUps();
  has_ticks_ = Chance(40);
  for (const char* client : kClients) {
    Channel& stand_in = stand_ins_.emplace_back();
    stand_in.name = absl::StrCat("unary:", client);
    stand_in.client_id = client;
    stand_in.is_stand_in = true;
  }
}

void RandomOperations::DrawNames() {
  is_narrow_ = Chance(60);
  is_calm_ = Chance(40);
  groups_.assign(std::begin(kConsumerGroups), std::end(kConsumerGroups));
  topics_.assign(std::begin(kTopics), std::end(kTopics));
  versions_.assign(std::begin(kVersions), std::end(kVersions));
  if (!is_narrow_) return;
  const auto keep = [&](auto* list, size_t count) {
    while (list->size() > count) list->erase(list->begin() + Any(list->size()));
  };
  keep(&groups_, 2 + Any(2));
  keep(&topics_, 3);
  keep(&versions_, 3);
}

void RandomOperations::MakeConfig() {
  config_.set_channel_expired_timeout_ms(OneOf(kExpiries));
  config_.set_producer_channel_expired_timeout_ms(120000);
  config_.set_enable_property_filter(Chance(75));
  config_.set_reject_pull_consumer_enable(Chance(30));
  config_.set_auto_create_subscription_group(Chance(75));
  config_.set_notify_consumer_ids_changed_enable(Chance(85));
  config_.set_enable_fast_channel_event_process(Chance(30));
  if (Chance(50)) config_.set_enable_register_producer(Chance(70));
  config_.set_reject_transaction_message(Chance(50));
  const auto add_group = [&](const char* name, bool is_notified, int queues) {
    GroupConfig& group = *config_.add_subscription_groups();
    group.set_group_name(name);
    group.set_notify_consumer_ids_changed_enable(is_notified);
    group.set_retry_queue_nums(queues);
  };
  add_group("cg_quiet", false, 1);
  add_group("cg_b", true, 3);
  if (Chance(50)) add_group("cg_a", Chance(80), 0);
  if (Chance(50)) add_group("cg_bcast", true, 2);
  const auto add_topic = [&](const char* name, bool is_ordered) {
    Topic& topic = *config_.add_topics();
    topic.set_topic(name);
    topic.set_read_queue_nums(4);
    topic.set_write_queue_nums(4);
    topic.set_perm(6);
    topic.set_order(is_ordered);
  };
  if (Chance(80)) add_topic("t_order", true);
  add_topic("t1", false);
}

void RandomOperations::MakeLookUps() {
  const auto add = [&](const char* op) -> Operation& {
    Operation& look_up = look_ups_.emplace_back();
    look_up.set_op(op);
    return look_up;
  };
  add("snapshot");
  if (has_epochs_) add("epochs");
  for (const std::string& topic : topics_) {
    add("query_topic_consume_by_who").set_topic(topic);
  }
  for (const char* client : kClients) {
    add("find_producer_channel").set_client_id(client);
  }
  for (const std::string& group : groups_) {
    add("group_online").set_group(group);
    add("consumer_list").set_group(group);
    for (const char* client : kClients) {
      Operation& find = add("find_consumer_channel");
      find.set_group(group);
      find.set_client_id(client);
    }
  }
  for (const char* group : kProducerGroups) {
    add("group_online").set_group(group);
  }
}

Operation RandomOperations::Next() {
  if (to_pass_ms_ > 0) return Tick();
  if (open_.size() < 2) return Open();
  if (has_epochs_ && Chance(15)) return AboutEpochs();
  if (has_epochs_ && Chance(3)) return ByAnOperator();
  Operation operation;
  const size_t kind = Any(100);
  if (kind < 56) return MakeHeartbeat();
  if (kind < 68) {
    return Advance();
  } else if (kind < 79) {
    operation.set_op(has_ticks_ && Chance(30) ? "tick" : "scan");
  } else if (kind < 87) {
    return MakeUnregister();
  } else if (kind < 88) {
    operation.set_op("kick");
    const Channel& kicked = AnyChannel();
    operation.set_channel(kicked.name);
    operation.set_unary(kicked.is_stand_in);
    if (kicked.is_stand_in) operation.set_client_id(kicked.client_id);
  } else if (kind < 92) {
    operation.set_op("close_channel");
    const size_t which = Any(open_.size());
    operation.set_channel(open_[which].name);
    closed_.push_back(open_[which]);
    open_.erase(open_.begin() + which);
    if (closed_.size() > kMaxClosed) closed_.erase(closed_.begin());
  } else if (kind < 98 && open_.size() < kMaxOpen) {
    return Open();
  } else {
    return MakeCheck();
  }
  return operation;
}

Operation RandomOperations::Open() {
  Channel& channel = open_.emplace_back();
  channel.name = absl::StrCat("ch", ++opened_);
  channel.client_id = OneOf(kClients);
  channel.incarnation = OneOf(kIncarnations);
  channel.stream_number = OneOf(kStreamNumbers);
  Operation operation;
  operation.set_op("open_channel");
  operation.set_channel(channel.name);
  return operation;
}

// A living broker ticks each period while time passes; one that was away does
// not.
Operation RandomOperations::Advance() {
  const int64_t expiry = config_.channel_expired_timeout_ms();
  const int64_t steps[] = {
      0,          1,      1000,       10000,      expiry / 3,
      expiry / 2, expiry, expiry + 1, expiry - 1, expiry / 2 + 1};
  const int64_t ms = is_calm_ && Chance(95) ? steps[Any(3)] : OneOf(steps);
  if (has_ticks_ && Chance(85)) to_pass_ms_ = ms;
  Operation operation;
  operation.set_op("advance");
  operation.set_ms(to_pass_ms_ > 0 ? std::min(ms, kPeriodMs) : ms);
  to_pass_ms_ -= std::min(to_pass_ms_, operation.ms());
  return operation;
}

Operation RandomOperations::Tick() {
  Operation operation;
  ticked_ = !ticked_;
  if (ticked_) {
    operation.set_op("tick");
  } else {
    operation.set_op("advance");
    operation.set_ms(std::min(to_pass_ms_, kPeriodMs));
    to_pass_ms_ -= operation.ms();
  }
  return operation;
}

RandomOperations::Channel& RandomOperations::AnyChannel() {
  return Chance(is_narrow_ ? 18 : 12) ? stand_ins_[Any(stand_ins_.size())]
                                      : AnyStream();
}

RandomOperations::Channel& RandomOperations::AnyStream() {
  auto& channels = !closed_.empty() && Chance(4) ? closed_ : open_;
  return channels[Any(channels.size())];
}

Operation RandomOperations::MakeHeartbeat() {
  Channel& channel = AnyChannel();
  Operation operation;
  operation.set_op("heartbeat");
  operation.set_channel(channel.name);
  operation.set_unary(channel.is_stand_in);
  operation.set_language(OneOf(kLanguages));
  operation.set_version(AnyVersion());
  Heartbeat& body = *operation.mutable_body();
  const bool is_first = channel.last.client_id().empty();
  const Heartbeat* const last =
      is_first ? LastOfItsProcess(channel) : &channel.last;
  if (last != nullptr && Chance(70)) {
    body = *last;
    body.set_stream_number(channel.stream_number);
    if (Chance(50)) Alter(&body);
  } else {
    body = FullBody(channel);
  }
  if (Chance(40)) {
    body.set_heartbeat_fingerprint(static_cast<int32_t>(1 + Any(3)));
    body.set_without_sub(Chance(70));
    if (body.without_sub()) {
      for (Consumer& consumer : *body.mutable_consumer_data_set()) {
        consumer.clear_subscription_data_set();
      }
    }
  } else {
    body.set_heartbeat_fingerprint(0);
    body.set_without_sub(Chance(5));  // Counts in V2 only.
  }
  const bool is_light = body.heartbeat_fingerprint() != 0 && body.without_sub();
  if (Chance(2)) {
    SpoilForm(&body);
  } else if (!is_light) {
    channel.last = body;
  }
  return operation;
}

Heartbeat RandomOperations::FullBody(const Channel& channel) {
  Heartbeat body;
  body.set_client_id(channel.is_stand_in || Chance(95)
                         ? channel.client_id
                         : std::string(OneOf(kClients)));
  body.set_incarnation(channel.incarnation);
  body.set_stream_number(channel.stream_number);
  for (const std::string& group : groups_) {
    if (Chance(is_narrow_ ? 65 : 22))
      *body.add_consumer_data_set() = MakeConsumer(group);
  }
  for (const char* group : kProducerGroups) {
    if (Chance(25)) body.add_producer_data_set()->set_group_name(group);
  }
  return body;
}

const Heartbeat* RandomOperations::LastOfItsProcess(
    const Channel& channel) const {
  for (const Channel& other : open_) {
    if (other.last.client_id() == channel.client_id &&
        other.incarnation == channel.incarnation && other.incarnation != 0) {
      return &other.last;
    }
  }
  return nullptr;
}

void RandomOperations::Alter(Heartbeat* body) {
  auto& consumers = *body->mutable_consumer_data_set();
  if (body->producer_data_set_size() > 0 && Chance(10)) {
    body->mutable_producer_data_set()->RemoveLast();
  }
  const std::string& group = OneOf(groups_);
  const auto known = std::find_if(
      consumers.begin(), consumers.end(),
      [&](const Consumer& other) { return other.group_name() == group; });
  if (known == consumers.end()) {
    *consumers.Add() = MakeConsumer(group);
    return;
  }
  auto& subscriptions = *known->mutable_subscription_data_set();
  const std::string& topic = OneOf(topics_);
  const auto held = std::find_if(
      subscriptions.begin(), subscriptions.end(),
      [&](const Subscription& other) { return other.topic() == topic; });
  switch (Any(6)) {
    case 0: consumers.erase(known); break;
    case 1: *known = MakeConsumer(group); break;
    case 2: known->set_message_model(OneOf(kModels)); break;
    case 3: subscriptions.Clear(); break;
    case 4:
      if (held != subscriptions.end()) subscriptions.erase(held);
      break;
    case 5:
      *(held != subscriptions.end() ? &*held : subscriptions.Add()) =
          MakeSubscription(topic);
      break;
  }
}

Consumer RandomOperations::MakeConsumer(const std::string& group) {
  Consumer consumer;
  consumer.set_group_name(group);
  const bool is_usual = Chance(is_narrow_ ? 65 : 85);
  if (is_usual || Chance(80)) {
    consumer.set_consume_type(is_usual ? kTypes[group == "cg_pull" ? 0 : 1]
                                       : OneOf(kTypes));
  }
  if (is_usual || Chance(80)) {
    consumer.set_message_model(is_usual ? kModels[group == "cg_bcast" ? 0 : 1]
                                        : OneOf(kModels));
  }
  if (is_usual || Chance(80)) {
    consumer.set_consume_from_where(is_usual ? kPlaces[0] : OneOf(kPlaces));
  }
  consumer.set_unit_mode(Chance(20));
  if (Chance(10)) return consumer;
  for (const std::string& topic : topics_) {
    if (Chance(is_narrow_ ? 55 : 35)) {
      *consumer.add_subscription_data_set() = MakeSubscription(topic);
    }
  }
  return consumer;
}

Subscription RandomOperations::MakeSubscription(const std::string& topic) {
  const Expression& expression = OneOf(kExpressions);
  Subscription subscription;
  subscription.set_topic(topic);
  subscription.set_sub_string(expression.text);
  if (Chance(90)) subscription.set_expression_type(expression.type);
  subscription.set_sub_version(OneOf(versions_));
  if (Chance(10)) subscription.add_tags_set("stated");
  return subscription;
}

void RandomOperations::SpoilForm(Heartbeat* body) {
  auto& consumers = *body->mutable_consumer_data_set();
  switch (Any(7)) {
    case 0: body->set_null_consumers(true); break;
    case 1: body->set_null_producers(true); break;
    case 2: body->clear_client_id(); break;
    case 3: body->set_client_id(""); break;
    case 4:
      *consumers.Add() = MakeConsumer("cg_a");
      *consumers.Add() = MakeConsumer("cg_a");
      break;
    case 5:
      consumers.Add()->set_group_name("cg_b");
      consumers[consumers.size() - 1].set_null_subscriptions(true);
      break;
    case 6: body->add_producer_data_set(); break;
  }
}

Operation RandomOperations::MakeUnregister() {
  const Channel& channel = AnyChannel();
  Operation operation;
  operation.set_op("unregister");
  operation.set_channel(channel.name);
  operation.set_unary(channel.is_stand_in);
  if (Chance(98)) {
    operation.set_client_id(channel.is_stand_in || Chance(90)
                                ? channel.client_id
                                : std::string(OneOf(kClients)));
  }
  const Heartbeat& last = channel.last;
  if (Chance(60)) {
    const int consumers = last.consumer_data_set_size();
    operation.set_consumer_group(
        consumers > 0 && Chance(75)
            ? last.consumer_data_set(static_cast<int>(Any(consumers)))
                  .group_name()
            : OneOf(groups_));
  }
  if (Chance(50)) {
    const int producers = last.producer_data_set_size();
    operation.set_producer_group(
        producers > 0 && Chance(75)
            ? last.producer_data_set(static_cast<int>(Any(producers)))
                  .group_name()
            : std::string(OneOf(kProducerGroups)));
  }
  return operation;
}

Operation RandomOperations::AboutEpochs() {
  Operation operation;
  operation.set_group(OneOf(groups_));
  if (!begun_lists_.empty() && Chance(40)) {
    operation.set_op("end_list");
    operation.set_group(begun_lists_.back());
    begun_lists_.pop_back();
  } else if (begun_lists_.empty() && Chance(40)) {
    operation.set_op("begin_list");
    begun_lists_.push_back(operation.group());
  } else if (Chance(60)) {
    operation.set_op("list_at");
    operation.set_ms(static_cast<int64_t>(Any(4)));
  } else {
    const Channel& channel = AnyChannel();
    operation.set_op("acknowledge");
    operation.set_channel(channel.name);
    operation.set_unary(channel.is_stand_in);
    operation.set_client_id(channel.client_id);
    // A good one changes what is pushed.
    operation.set_ms(Chance(70) ? -1 : -2);
  }
  return operation;
}

Operation RandomOperations::ByAnOperator() {
  Operation operation;
  if (Chance(25)) {
    operation.set_op("release_client");
    operation.set_client_id(OneOf(kClients));
    return operation;
  }
  operation.set_op("kick_clients");
  if (Chance(60)) operation.set_client_id(OneOf(kClients));
  if (Chance(30)) operation.set_group(OneOf(groups_));
  if (Chance(30)) operation.set_kicked_version(AnyVersion());
  const int64_t expiry = config_.channel_expired_timeout_ms();
  const int64_t holds[] = {0, 1, expiry / 3, expiry, 3 * expiry};
  operation.set_ms(OneOf(holds));
  return operation;
}

Operation RandomOperations::MakeCheck() {
  const Channel& channel = AnyStream();
  const Expression& expression = OneOf(kExpressions);
  Operation operation;
  operation.set_op("check_client_config");
  operation.set_channel(channel.name);
  operation.set_client_id(channel.client_id);
  operation.set_group(OneOf(groups_));
  if (Chance(95)) {
    Subscription& subscription = *operation.mutable_subscription();
    subscription.set_topic("t1");
    subscription.set_sub_string(expression.text);
    subscription.set_expression_type(Chance(90) ? expression.type : "sql92");
  }
  operation.mutable_expect()->set_code(expression.code);
  return operation;
}

}  // namespace rmq::conformance
