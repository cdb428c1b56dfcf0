#include "tests/conformance/java_model.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/member_statement.h"

namespace rmq::conformance {
namespace {

// SubscriptionGroupManager#init.
constexpr const char* kBuiltInGroups[] = {
    "TOOLS_CONSUMER",     "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP",
    "CID_ONS-HTTP-PROXY", "CID_ONSAPI_PULL",    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",   "CID_RMQ_SYS_TRANS"};

}  // namespace

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
