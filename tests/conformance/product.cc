#include "tests/conformance/product.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/core/broker_core.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "tests/conformance/edge_rules.h"
#include "tests/conformance/modes_of.h"
#include "tests/conformance/product_epochs.h"

namespace rmq::conformance {
namespace {

const char* NameOf(ResponseCode code) {
  switch (code) {
    case ResponseCode::kSuccess: return "SUCCESS";
    case ResponseCode::kSystemError: return "SYSTEM_ERROR";
    case ResponseCode::kSystemBusy: return "SYSTEM_BUSY";
    case ResponseCode::kRequestCodeNotSupported:
      return "REQUEST_CODE_NOT_SUPPORTED";
    case ResponseCode::kSubscriptionParseFailed:
      return "SUBSCRIPTION_PARSE_FAILED";
  }
  return "";
}

void Answer(const CallStatus& status, Outcome* outcome) {
  outcome->set_code(static_cast<int32_t>(status.response_code));
  outcome->set_code_name(NameOf(status.response_code));
  if (!status.message.empty()) outcome->set_remark(status.message);
}

// Notes what it is told into the outcome of the operation at hand. A stand-in
// has nobody to tell.
class NotingChannel final : public ClientChannel,
                            public std::enable_shared_from_this<NotingChannel> {
 public:
  NotingChannel(Kind kind, std::string name, Outcome* outcome)
      : ClientChannel(kind), name_(std::move(name)), outcome_(*outcome) {}

  const std::string& name() const { return name_; }

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush> push) override {
    if (kind() == Kind::kStandIn) return;
    auto& noted = *outcome_.add_pushes();
    noted.set_channel(name_);
    noted.set_group(push->group);
  }
  void End(const ChannelEnd&) override {
    if (kind() == Kind::kStream) outcome_.add_closed(name_);
  }
  bool writable() const override { return true; }
  absl::string_view remote_address() const override { return ""; }

 private:
  const std::string name_;
  Outcome& outcome_;
};

const std::string& NameOf(const ClientChannelPtr& channel) {
  return static_cast<const NotingChannel&>(*channel).name();
}

// Notes the events; CHANGE with the members that those before it tell of.
class NotingListener final : public ClientEventListener {
 public:
  explicit NotingListener(Outcome* outcome) : outcome_(*outcome) {}

  bool WantsUnchangedRegister() const override { return true; }

  void OnClientEvent(const ClientEvent& event) override {
    if (IsWarning(event.type)) return;  // Java has none.
    const bool is_producer = event.kind == GroupKind::kProducer;
    Event& noted = *outcome_.add_events();
    noted.set_kind(is_producer ? "producer" : "consumer");
    noted.set_group(event.group);
    noted.set_type(is_producer && event.type == EventType::kUnregister
                       ? "GROUP_UNREGISTER"
                       : std::string(Name(event.type)));
    if (event.channel != nullptr) {
      noted.set_client_id(event.client_id);
      noted.set_channel(NameOf(event.channel));
    }
    if (event.type == EventType::kClientUnregister) {
      noted.set_reason(std::string(Name(event.reason)));
    }
    if (event.subscriptions != nullptr) {
      for (const auto& [topic, subscription] : *event.subscriptions) {
        noted.add_topics(topic);
      }
    }
    if (is_producer) return;
    std::set<std::string>& members = members_[event.group];
    if (event.type == EventType::kClientRegister) {
      members.insert(NameOf(event.channel));
    } else if (event.type == EventType::kClientUnregister) {
      members.erase(NameOf(event.channel));
    } else if (event.type == EventType::kChange) {
      for (const std::string& member : members) noted.add_channels(member);
    }
  }

 private:
  Outcome& outcome_;
  std::map<std::string, std::set<std::string>> members_;
};

GroupPolicy::Options PolicyOptions(const Config& config) {
  GroupPolicy::Options options;
  options.auto_create_subscription_group =
      config.auto_create_subscription_group();
  options.reject_pull_consumer_enable = config.reject_pull_consumer_enable();
  options.enable_property_filter = config.enable_property_filter();
  options.enable_register_producer = !config.has_enable_register_producer() ||
                                     config.enable_register_producer();
  for (const GroupConfig& group : config.subscription_groups()) {
    options.subscription_groups.push_back(
        {group.group_name(), group.notify_consumer_ids_changed_enable(),
         group.retry_queue_nums()});
  }
  for (const Topic& topic : config.topics()) {
    options.topics.push_back({topic.topic(), topic.read_queue_nums(),
                              topic.write_queue_nums(), topic.perm(),
                              topic.topic_sys_flag(), topic.order()});
  }
  return options;
}

BrokerCore::Options CoreOptions(const Config& config) {
  BrokerCore::Options options;
  options.table.channel_expiry =
      absl::Milliseconds(config.channel_expired_timeout_ms());
  options.policy = PolicyOptions(config);
  options.notifier.enabled = config.notify_consumer_ids_changed_enable();
  return options;
}

}  // namespace

class Product::Broker {
 public:
  explicit Broker(const Config& config)
      : listener_(&outcome_), core_(CoreOptions(config), {&listener_}, now_) {
    for (const Topic& topic : config.topics()) {
      initial_topics_.insert(topic.topic());
    }
  }

  const Outcome& Apply(const Operation& operation) {
    outcome_.Clear();
    const std::string& op = operation.op();
    if (op == "open_channel") {
      const auto channel = std::make_shared<NotingChannel>(
          ClientChannel::Kind::kStream, operation.channel(), &outcome_);
      channels_[operation.channel()] = channel;
      if (!table_.Open(channel, now_).ok()) outcome_.set_refused("limit");
    } else if (op == "advance") {
      now_ += absl::Milliseconds(operation.ms());
    } else if (op == "scan") {
      housekeeping_.Scan(now_);
    } else if (op == "tick") {
      outcome_.set_overdue_us(
          absl::ToInt64Microseconds(now_ - housekeeping_.NextTick()));
      housekeeping_.Tick(now_);
    } else if (op == "find_consumer_channel") {
      const ClientChannelPtr channel =
          table_.FindConsumerChannel(operation.group(), operation.client_id());
      if (channel != nullptr) outcome_.add_any_of(NameOf(channel));
    } else if (op == "find_producer_channel") {
      const ClientChannelPtr channel =
          table_.FindProducerChannel(operation.client_id());
      if (channel != nullptr) outcome_.set_channel(NameOf(channel));
    } else if (op == "query_topic_consume_by_who") {
      for (std::string& group : table_.GroupsOfTopic(operation.topic(), "",
                                                     ClientTable::kMaxPiece)) {
        outcome_.add_groups(std::move(group));
      }
    } else if (op == "group_online") {
      outcome_.set_producer(
          table_.FindProducerGroup(operation.group()).has_value());
      outcome_.set_consumer(
          table_.FindConsumerGroup(operation.group()).has_value());
    } else if (op == "consumer_list") {
      ListConsumers(operation.group());
    } else if (op == "epochs") {
      epochs_.Count(&outcome_);
    } else if (op == "list_at") {
      epochs_.ListAt(operation, &outcome_);
    } else if (op == "begin_list") {
      epochs_.BeginList(operation);
    } else if (op == "end_list") {
      epochs_.EndList(operation, &outcome_);
    } else if (op == "kick_clients") {
      KickClients(operation);
    } else if (op == "release_client") {
      outcome_.set_code(static_cast<int32_t>(
          core_.kicker().Release(operation.client_id(), now_)));
    } else if (op == "snapshot") {
      Snapshot();
    } else if (IsRefusedByTheEdge(operation)) {
      outcome_.set_refused("form");
    } else {
      OnChannel(operation);
    }
    // As the edge's timer does it, where there are more than one flush makes.
    while (notifier_.NextDeadline() != absl::InfiniteFuture()) {
      notifier_.Flush(table_, notifier_.NextDeadline());
    }
    return outcome_;
  }

 private:
  // What a client remembers of its last full heartbeat.
  struct ClientSide {
    std::string statement;
    uint64_t token = 0;
  };

  // Null if it is a stand-in that is not there.
  ClientChannelPtr ChannelOf(const Operation& operation) {
    if (!operation.unary()) return channels_.at(operation.channel());
    const std::string& client_id = operation.has_body()
                                       ? operation.body().client_id()
                                       : operation.client_id();
    if (operation.op() != "heartbeat" || IsLight(operation.body())) {
      return table_.FindStandIn(client_id);
    }
    return *table_.FindOrOpenStandIn(
        client_id,
        std::make_shared<NotingChannel>(ClientChannel::Kind::kStandIn,
                                        operation.channel(), &outcome_),
        now_);
  }

  void OnChannel(const Operation& operation) {
    const std::string& op = operation.op();
    const ClientChannelPtr found = ChannelOf(operation);
    if (found == nullptr) {
      if (op == "heartbeat") outcome_.set_renewal("FULL_STATEMENT_NEEDED");
      if (op != "kick" && op != "acknowledge") Answer(CallStatus(), &outcome_);
      return;
    }
    ClientChannel& channel = *found;
    if (op == "heartbeat") {
      if (IsLight(operation.body())) {
        LightHeartbeat(operation, channel);
      } else {
        FullHeartbeat(operation, channel);
      }
    } else if (op == "unregister") {
      processor_.UnregisterClient(channel, operation.client_id(),
                                  {operation.producer_group()},
                                  {operation.consumer_group()}, now_);
      Answer(CallStatus(), &outcome_);
    } else if (op == "check_client_config") {
      const Subscription& subscription = operation.subscription();
      Answer(processor_.CheckClientConfig(subscription.expression_type(),
                                          subscription.sub_string()),
             &outcome_);
    } else if (op == "acknowledge") {
      epochs_.Acknowledge(operation, channel, now_, &outcome_);
    } else if (op == "close_channel") {
      housekeeping_.OnChannelClose(channel, RemovalReason::kDisconnected, now_);
    } else if (op == "kick" && !channel.closed()) {
      housekeeping_.OnChannelClose(channel, RemovalReason::kKicked, now_);
      channel.End(RemovalReason::kKicked);
    }
  }

  void KickClients(const Operation& operation) {
    ChannelFilter filter;
    filter.client_id = operation.client_id();
    filter.group = operation.group();
    if (operation.has_kicked_version()) {
      filter.version = operation.kicked_version();
    }
    const absl::StatusOr<size_t> kicked = core_.kicker().Kick(
        filter, absl::Milliseconds(operation.ms()), "", now_);
    if (kicked.ok()) outcome_.set_code(static_cast<int32_t>(*kicked));
  }

  void LightHeartbeat(const Operation& operation, ClientChannel& channel) {
    const ClientSide& client = clients_[operation.channel()];
    const uint64_t token =
        client.statement == StatementKey(operation.body()) ? client.token : 0;
    switch (channel.RenewLight(token, now_)) {
      case Renewal::kRenewed: outcome_.set_renewal("RENEWED"); break;
      case Renewal::kFullStatementNeeded:
        outcome_.set_renewal("FULL_STATEMENT_NEEDED");
        break;
      case Renewal::kClosed: outcome_.set_refused("closed"); return;
    }
    Answer(CallStatus(), &outcome_);
  }

  void FullHeartbeat(const Operation& operation, ClientChannel& channel) {
    const Heartbeat& body = operation.body();
    std::vector<std::vector<SubscriptionStatement>> subscriptions;
    std::vector<ConsumerStatement> consumers;
    for (const Consumer& consumer : body.consumer_data_set()) {
      auto& stated = subscriptions.emplace_back();
      for (const Subscription& subscription :
           consumer.subscription_data_set()) {
        stated.push_back({subscription.topic(), subscription.sub_string(),
                          subscription.expression_type().empty()
                              ? absl::string_view("TAG")
                              : subscription.expression_type(),
                          subscription.sub_version()});
      }
    }
    for (int i = 0; i < body.consumer_data_set_size(); ++i) {
      const Consumer& consumer = body.consumer_data_set(i);
      consumers.push_back({consumer.group_name(), ModesOf(consumer),
                           consumer.unit_mode(), subscriptions[i]});
    }
    std::vector<absl::string_view> producers;
    for (const Producer& producer : body.producer_data_set()) {
      producers.push_back(producer.group_name());
    }
    HeartbeatStatement statement;
    statement.client_id = body.client_id();
    statement.language = ValueOf(operation.language(), LanguageCode::kNodeJs);
    statement.version = operation.version();
    statement.incarnation = static_cast<uint64_t>(body.incarnation());
    statement.stream_number = body.stream_number();
    statement.producer_groups = producers;
    statement.consumers = consumers;

    const HeartbeatResult result =
        processor_.Heartbeat(channel, statement, now_);
    if (!result.status.ok()) {
      outcome_.set_refused("closed");
      return;
    }
    clients_[operation.channel()] = {StatementKey(body),
                                     result.statement_token};
    for (const PassedOverGroup& skipped : result.skipped) {
      Skipped& noted = *outcome_.add_skipped();
      noted.set_group(std::string(skipped.group));
      noted.set_reason(std::string(Name(skipped.reason)));
    }
    Answer(result.status, &outcome_);
  }

  void ListConsumers(const std::string& group) {
    MemberCursor cursor = 0;
    do {
      ConsumerList list = processor_.GetConsumerListByGroup(
          group, ClientTable::kMaxPiece, cursor);
      Answer(list.status, &outcome_);
      for (std::string& client_id : list.client_ids) {
        outcome_.add_client_ids(std::move(client_id));
      }
      cursor = list.next;
    } while (cursor != 0);
  }

  template <typename Connections>
  void AddMembers(GroupKind kind, const std::string& group,
                  Connections* connections) {
    MemberCursor cursor = 0;
    do {
      for (MemberInfo& member :
           table_.ListMembers(kind, group, ClientTable::kMaxPiece, &cursor)) {
        Connection& connection = *connections->Add();
        connection.set_channel(NameOf(member.channel));
        connection.set_client_id(std::move(member.client_id));
        if (member.language != LanguageCode::kUnspecified) {
          connection.set_language(std::string(Name(member.language)));
        }
        connection.set_version(member.version);
        connection.set_idle_ms(
            absl::ToInt64Milliseconds(now_ - member.last_heard));
      }
    } while (cursor != 0);
  }

  void Snapshot() {
    for (const ConsumerGroupInfo& info :
         table_.ListConsumerGroups("", ClientTable::kMaxPiece)) {
      ConsumerGroup& group = *outcome_.add_consumer_groups();
      group.set_group(info.group);
      ShowModes(info.modes, &group);
      AddMembers(GroupKind::kConsumer, info.group, group.mutable_connections());
      for (const auto& [topic, held] : *info.subscriptions) {
        Subscription subscription;
        subscription.set_topic(topic);
        subscription.set_sub_string(held.expression);
        subscription.set_expression_type(held.expression_type);
        subscription.set_sub_version(held.sub_version);
        *group.add_subscriptions() = AsOnTheWire(subscription);
      }
    }
    for (const ProducerGroupInfo& info :
         table_.ListProducerGroups("", ClientTable::kMaxPiece)) {
      ProducerGroup& group = *outcome_.add_producer_groups();
      group.set_group(info.group);
      AddMembers(GroupKind::kProducer, info.group, group.mutable_connections());
    }
    for (const TopicConfig& config :
         policy_.ListTopics("", ClientTable::kMaxPiece)) {
      if (initial_topics_.count(config.topic) != 0) continue;
      Topic& topic = *outcome_.add_topics();
      topic.set_topic(config.topic);
      topic.set_read_queue_nums(config.read_queue_nums);
      topic.set_write_queue_nums(config.write_queue_nums);
      topic.set_perm(config.perm);
      topic.set_topic_sys_flag(config.topic_sys_flag);
      topic.set_order(config.order);
    }
    for (const SubscriptionGroupConfig& config :
         policy_.ListSubscriptionGroups("", ClientTable::kMaxPiece)) {
      outcome_.add_subscription_groups(config.group);
    }
  }

  // Time in a trace begins here.
  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  Outcome outcome_;
  std::set<std::string> initial_topics_;

  NotingListener listener_;
  BrokerCore core_;
  ClientTable& table_ = core_.table();
  GroupPolicy& policy_ = core_.policy();
  ConsumerIdsNotifier& notifier_ = core_.notifier();
  ClientManageProcessor& processor_ = core_.processor();
  Housekeeping& housekeeping_ = core_.housekeeping();
  ProductEpochs epochs_{&table_};
  std::map<std::string, std::shared_ptr<NotingChannel>> channels_;
  // By channel.
  std::map<std::string, ClientSide> clients_;
};

absl::StatusOr<std::unique_ptr<Product>> Product::Create(const Config& config) {
  const BrokerCore::Options options = CoreOptions(config);
  absl::Status status = options.table.Validate();
  if (status.ok()) status = options.policy.Validate();
  if (!status.ok()) return status;
  return std::unique_ptr<Product>(
      new Product(std::make_unique<Broker>(config)));
}

Product::Product(std::unique_ptr<Broker> broker) : broker_(std::move(broker)) {}
Product::~Product() = default;

const Outcome& Product::Apply(const Operation& operation) {
  return broker_->Apply(operation);
}

}  // namespace rmq::conformance
