#include "tools/cmctl/render.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/wrappers.pb.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

// --- Tables ---

std::string Printable(absl::string_view text) {
  return text.empty() ? "-" : EscapeControls(text);
}

// An enum value without its enum's name; "-" for the unspecified one, the
// number for one that this cmctl does not know.
std::string EnumCell(absl::string_view name, absl::string_view prefix,
                     int value) {
  if (value == 0) return "-";
  if (name.empty()) return absl::StrCat(value);
  return std::string(absl::StripPrefix(name, prefix));
}
std::string Cell(pb::ConsumeType value) {
  return EnumCell(pb::ConsumeType_Name(value), "CONSUME_TYPE_", value);
}
std::string Cell(pb::MessageModel value) {
  return EnumCell(pb::MessageModel_Name(value), "MESSAGE_MODEL_", value);
}
std::string Cell(pb::ConsumeFromWhere value) {
  return EnumCell(pb::ConsumeFromWhere_Name(value), "CONSUME_FROM_WHERE_",
                  value);
}
std::string Cell(pb::LanguageCode value) {
  return EnumCell(pb::LanguageCode_Name(value), "LANGUAGE_CODE_", value);
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

std::string YesOrNo(bool value) { return value ? "yes" : "no"; }

std::string TimeCell(const google::protobuf::Timestamp& timestamp,
                     const TableTime& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", ToTime(timestamp),
                          time.zone);
}

std::string ChannelCell(uint64_t channel_id, bool stream) {
  return absl::StrCat(channel_id, stream ? " stream" : " unary");
}

// PermName#perm2String without its placeholders.
std::string PermCell(int32_t perm) {
  const std::string cell =
      absl::StrCat((perm & 4) != 0 ? "R" : "", (perm & 2) != 0 ? "W" : "");
  return Printable(cell);
}

std::vector<std::string> ConnectionHeader() {
  return {"CLIENT ID", "ADDRESS",      "LANGUAGE",  "VERSION",
          "CHANNEL",   "CONNECTED AT", "LAST HEARD"};
}

std::vector<std::string> ConnectionRow(const pb::Connection& connection,
                                       const TableTime& time) {
  return {Printable(connection.client_id()),
          Printable(connection.remote_address()),
          Cell(connection.language()),
          absl::StrCat(connection.version()),
          ChannelCell(connection.channel_id(), connection.stream()),
          TimeCell(connection.connected_at(), time),
          Ago(ToTime(connection.last_heard_at()), time.now)};
}

template <typename Connections>
std::string ConnectionRows(const Connections& connections,
                           const TableTime& time) {
  std::vector<std::vector<std::string>> rows = {ConnectionHeader()};
  for (const pb::Connection& connection : connections) {
    rows.push_back(ConnectionRow(connection, time));
  }
  return AlignColumns(rows);
}

template <typename Subscriptions>
std::string SubscriptionRows(const Subscriptions& subscriptions) {
  std::vector<std::vector<std::string>> rows = {
      {"TOPIC", "TYPE", "EXPRESSION", "SUB VERSION"}};
  for (const pb::SubscriptionData& subscription : subscriptions) {
    rows.push_back({Printable(subscription.topic()),
                    Printable(subscription.expression_type()),
                    Printable(subscription.expression()),
                    absl::StrCat(subscription.sub_version())});
  }
  return AlignColumns(rows);
}

// --- JSON ---

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Fails only for an Any of an unknown type, and there is none.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options)
           .ok()) {
    return "null";
  }
  return json;
}

std::string Json(absl::string_view text) {
  google::protobuf::StringValue value;
  value.set_value(std::string(text));
  return Json(value);
}

// An element a line.
template <typename Messages>
std::string JsonArray(const Messages& messages) {
  return absl::StrCat("[",
                      absl::StrJoin(messages, ",",
                                    [](std::string* out, const auto& message) {
                                      absl::StrAppend(out, "\n  ",
                                                      Json(message));
                                    }),
                      messages.empty() ? "]" : "\n]");
}

std::string TrueOrFalse(bool value) { return value ? "true" : "false"; }

// Values are JSON already. A member a line.
using JsonMembers = std::vector<std::pair<absl::string_view, std::string>>;
std::string JsonObject(const JsonMembers& members) {
  return absl::StrCat("{\n",
                      absl::StrJoin(members, ",\n",
                                    [](std::string* out, const auto& member) {
                                      absl::StrAppend(out, "\"", member.first,
                                                      "\": ", member.second);
                                    }),
                      "\n}\n");
}

// How it was asked for, and what was found.
std::string FoundJson(const Asked& asked, absl::string_view name,
                      const google::protobuf::Message& found) {
  JsonMembers members;
  for (const auto& [key, value] : asked) members.emplace_back(key, Json(value));
  members.emplace_back(name, Json(found));
  return JsonObject(members);
}

}  // namespace

std::string GroupsTable(const Groups& groups) {
  std::vector<std::vector<std::string>> rows = {
      {"KIND", "GROUP", "CHANNELS", "CONSUME TYPE", "MESSAGE MODEL",
       "FROM WHERE", "SUBSCRIPTIONS"}};
  if (groups.consumers.has_value()) {
    for (const pb::GroupSummary& group : groups.consumers->groups()) {
      rows.push_back({"consumer", Printable(group.group()),
                      absl::StrCat(group.channels()),
                      Cell(group.consume_type()), Cell(group.message_model()),
                      Cell(group.consume_from_where()),
                      absl::StrCat(group.subscriptions())});
    }
  }
  if (groups.producers.has_value()) {
    for (const pb::GroupSummary& group : groups.producers->groups()) {
      rows.push_back({"producer", Printable(group.group()),
                      absl::StrCat(group.channels()), "-", "-", "-", "-"});
    }
  }
  if (rows.size() == 1) {
    const absl::string_view kind = !groups.producers.has_value()   ? "consumer "
                                   : !groups.consumers.has_value() ? "producer "
                                                                   : "";
    return absl::StrCat("no ", kind, "group is registered\n");
  }
  return AlignColumns(rows);
}

std::string GroupsJson(const Groups& groups) {
  JsonMembers members;
  if (groups.consumers.has_value()) {
    members.emplace_back("consumer_groups",
                         JsonArray(groups.consumers->groups()));
  }
  if (groups.producers.has_value()) {
    members.emplace_back("producer_groups",
                         JsonArray(groups.producers->groups()));
  }
  return JsonObject(members);
}

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections,
    const TableTime& time) {
  return absl::StrCat("consumer group ", Printable(group), ": consume type ",
                      Cell(connections.consume_type()), ", message model ",
                      Cell(connections.message_model()), ", from where ",
                      Cell(connections.consume_from_where()), "\n\n",
                      connections.subscriptions().empty()
                          ? "no subscriptions\n"
                          : SubscriptionRows(connections.subscriptions()),
                      "\n", ConnectionRows(connections.connections(), time));
}

std::string ConnectionsTable(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections,
    const TableTime& time) {
  return absl::StrCat("producer group ", Printable(group), "\n\n",
                      ConnectionRows(connections.connections(), time));
}

std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetConsumerConnectionListResponse& connections) {
  return JsonObject({
      {"kind", Json("consumer")},
      {"group", Json(group)},
      {"consume_type", Json(pb::ConsumeType_Name(connections.consume_type()))},
      {"message_model",
       Json(pb::MessageModel_Name(connections.message_model()))},
      {"consume_from_where",
       Json(pb::ConsumeFromWhere_Name(connections.consume_from_where()))},
      {"subscriptions", JsonArray(connections.subscriptions())},
      {"connections", JsonArray(connections.connections())},
  });
}

std::string ConnectionsJson(
    absl::string_view group,
    const pb::GetProducerConnectionListResponse& connections) {
  return JsonObject({
      {"kind", Json("producer")},
      {"group", Json(group)},
      {"connections", JsonArray(connections.connections())},
  });
}

std::string IdsTable(const pb::GetConsumerListByGroupResponse& ids) {
  std::string text;
  for (const std::string& id : ids.client_ids()) {
    absl::StrAppend(&text, Printable(id), "\n");
  }
  return text;
}

std::string IdsJson(absl::string_view group,
                    const pb::GetConsumerListByGroupResponse& ids) {
  return JsonObject({
      {"broker_name", Json(ids.broker_name())},
      {"broker_id", absl::StrCat("\"", ids.broker_id(), "\"")},
      {"group", Json(group)},
      {"client_ids", JsonArray(ids.client_ids())},
  });
}

std::string ProducersTable(const pb::GetAllProducerInfoResponse& producers,
                           const TableTime& time) {
  if (producers.producers().empty()) return "no producer is registered\n";
  std::vector<std::vector<std::string>> rows = {ConnectionHeader()};
  rows.front().insert(rows.front().begin(), "GROUP");
  for (const pb::ProducerInfo& producer : producers.producers()) {
    rows.push_back(ConnectionRow(producer.connection(), time));
    rows.back().insert(rows.back().begin(), Printable(producer.group()));
  }
  return AlignColumns(rows);
}

std::string ProducersJson(const pb::GetAllProducerInfoResponse& producers) {
  return JsonObject({{"producers", JsonArray(producers.producers())}});
}

std::string TopicGroupsTable(absl::string_view topic,
                             const pb::QueryTopicConsumeByWhoResponse& groups) {
  if (groups.groups().empty()) {
    return absl::StrCat("no consumer group subscribes to topic ",
                        Printable(topic), "\n");
  }
  std::string text;
  for (const std::string& group : groups.groups()) {
    absl::StrAppend(&text, Printable(group), "\n");
  }
  return text;
}

std::string TopicGroupsJson(absl::string_view topic,
                            const pb::QueryTopicConsumeByWhoResponse& groups) {
  return JsonObject(
      {{"topic", Json(topic)}, {"groups", JsonArray(groups.groups())}});
}

std::string OnlineTable(const Online& online) {
  std::vector<std::vector<std::string>> rows = {{"KIND", "ONLINE"}};
  if (online.consumer.has_value()) {
    rows.push_back({"consumer", YesOrNo(*online.consumer)});
  }
  if (online.producer.has_value()) {
    rows.push_back({"producer", YesOrNo(*online.producer)});
  }
  return AlignColumns(rows);
}

std::string OnlineJson(absl::string_view group, const Online& online) {
  JsonMembers members = {{"group", Json(group)}};
  if (online.consumer.has_value()) {
    members.emplace_back("consumer", TrueOrFalse(*online.consumer));
  }
  if (online.producer.has_value()) {
    members.emplace_back("producer", TrueOrFalse(*online.producer));
  }
  return JsonObject(members);
}

std::string SubscriptionTable(const pb::SubscriptionData& subscription) {
  return SubscriptionRows(std::vector<pb::SubscriptionData>{subscription});
}

std::string SubscriptionJson(const Asked& asked,
                             const pb::SubscriptionData& subscription) {
  return FoundJson(asked, "subscription", subscription);
}

std::string ChannelTable(const pb::Channel& channel, const TableTime& time) {
  return AlignColumns(
      {{"CHANNEL", "ADDRESS", "WRITABLE", "OPENED AT", "LAST HEARD"},
       {ChannelCell(channel.channel_id(), channel.stream()),
        Printable(channel.remote_address()), YesOrNo(channel.writable()),
        TimeCell(channel.opened_at(), time),
        Ago(ToTime(channel.last_heard_at()), time.now)}});
}

std::string ChannelJson(const Asked& asked, const pb::Channel& channel) {
  return FoundJson(asked, "channel", channel);
}

std::string SubscriptionGroupsTable(
    const pb::ListSubscriptionGroupsResponse& groups) {
  if (groups.subscription_groups().empty()) {
    return "no consumer group has a config\n";
  }
  std::vector<std::vector<std::string>> rows = {
      {"GROUP", "NOTIFY CONSUMER IDS CHANGED", "RETRY QUEUES"}};
  for (const pb::SubscriptionGroup& group : groups.subscription_groups()) {
    // What is in force, or what the group says where the broker does not tell.
    const bool by_broker = group.notify_consumer_ids_changed_enable() &&
                           group.has_members_are_told() &&
                           !group.members_are_told();
    rows.push_back({Printable(group.group()),
                    by_broker
                        ? "no, by the broker's switch"
                        : YesOrNo(group.notify_consumer_ids_changed_enable()),
                    absl::StrCat(group.retry_queue_nums())});
  }
  return AlignColumns(rows);
}

std::string SubscriptionGroupsJson(
    const pb::ListSubscriptionGroupsResponse& groups) {
  return JsonObject(
      {{"subscription_groups", JsonArray(groups.subscription_groups())}});
}

std::string TopicsTable(const pb::ListTopicsResponse& topics) {
  if (topics.topics().empty()) return "no topic is known\n";
  std::vector<std::vector<std::string>> rows = {
      {"TOPIC", "READ QUEUES", "WRITE QUEUES", "PERM", "SYS FLAG", "ORDER"}};
  for (const pb::Topic& topic : topics.topics()) {
    rows.push_back(
        {Printable(topic.topic()), absl::StrCat(topic.read_queue_nums()),
         absl::StrCat(topic.write_queue_nums()), PermCell(topic.perm()),
         absl::StrCat(topic.topic_sys_flag()), YesOrNo(topic.order())});
  }
  return AlignColumns(rows);
}

std::string TopicsJson(const pb::ListTopicsResponse& topics) {
  return JsonObject({{"topics", JsonArray(topics.topics())}});
}

std::string PolicyTable(const pb::GetPolicyResponse& policy) {
  return AlignColumns({
      {"SWITCH", "VALUE"},
      {"auto_create_subscription_group",
       TrueOrFalse(policy.auto_create_subscription_group())},
      {"max_auto_created_groups",
       absl::StrCat(policy.max_auto_created_groups())},
      {"enable_property_filter", TrueOrFalse(policy.enable_property_filter())},
      {"enable_register_producer",
       TrueOrFalse(policy.enable_register_producer())},
      {"reject_pull_consumer_enable",
       TrueOrFalse(policy.reject_pull_consumer_enable())},
      {"notify_consumer_ids_changed_enable",
       policy.has_notify_consumer_ids_changed_enable()
           ? TrueOrFalse(policy.notify_consumer_ids_changed_enable())
           : "-"},
  });
}

std::string PolicyJson(const pb::GetPolicyResponse& policy) {
  return absl::StrCat(Json(policy), "\n");
}

namespace {

// "" for what this cmctl does not know.
std::string Explain(pb::ExplainGroupResponse::Obstacle obstacle) {
  switch (obstacle) {
    case pb::ExplainGroupResponse::OBSTACLE_NOBODY: return "nobody is in it";
    case pb::ExplainGroupResponse::OBSTACLE_BROKER_SWITCH:
      return "the broker tells no group: its "
             "notify_consumer_ids_changed_enable is false";
    case pb::ExplainGroupResponse::OBSTACLE_GROUP_SWITCH:
      return "the group's notify_consumer_ids_changed_enable is false";
    case pb::ExplainGroupResponse::OBSTACLE_BROADCASTING:
      return "its message model is BROADCASTING: each member gets every "
             "message, and has nothing to share";
    case pb::ExplainGroupResponse::OBSTACLE_UNARY_MEMBERS:
      return "its members make unary calls: only Connect streams can be told";
    default: return absl::StrCat("obstacle ", static_cast<int>(obstacle));
  }
}

// "1 stream", "2 streams".
std::string Count(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace

std::string WhyTable(absl::string_view group,
                     const pb::ExplainGroupResponse& why,
                     const TableTime& time) {
  const bool is_there =
      why.consumer_streams() + why.consumer_unary_channels() > 0;
  std::string text = absl::StrCat(
      "consumer group ", Printable(group), ": ",
      is_there
          ? absl::StrCat(Count(why.consumer_streams(), "stream"), ", ",
                         Count(why.consumer_unary_channels(), "unary client"),
                         ", message model ", Cell(why.message_model()))
          : "not registered",
      why.has_config() ? "" : ", no config", "\n");
  if (why.producer_channels() > 0) {
    absl::StrAppend(&text, "producer group ", Printable(group), ": ",
                    Count(why.producer_channels(), "channel"),
                    "; producers are not told\n");
  }
  if (why.obstacles().empty()) {
    absl::StrAppend(&text, "told of changes: yes",
                    why.consumer_unary_channels() > 0
                        ? ", but for the unary clients: only Connect streams "
                          "can be told"
                        : "",
                    "\n");
  } else {
    absl::StrAppend(&text, "told of changes: no\n");
    for (const int obstacle : why.obstacles()) {
      absl::StrAppend(
          &text, "  ",
          Explain(static_cast<pb::ExplainGroupResponse::Obstacle>(obstacle)),
          "\n");
    }
  }
  if (why.skipped().empty()) {
    return absl::StrCat(text, "passed over lately: nobody\n");
  }
  std::vector<std::vector<std::string>> rows = {
      {"CLIENT ID", "KIND", "LAST", "TIMES", "REASON"}};
  for (const pb::SkippedClient& client : why.skipped()) {
    rows.push_back({Printable(client.client_id()),
                    client.producer() ? "producer" : "consumer",
                    Ago(ToTime(client.last_at()), time.now),
                    absl::StrCat(client.times()), Printable(client.message())});
  }
  return absl::StrCat(text, "passed over lately:\n", AlignColumns(rows));
}

std::string WhyJson(absl::string_view group,
                    const pb::ExplainGroupResponse& why) {
  return FoundJson({{"group", std::string(group)}}, "why", why);
}

std::string ExpressionTable(absl::string_view type,
                            absl::string_view expression,
                            absl::string_view broker) {
  return absl::StrCat(broker, " takes the ", type, " expression \"",
                      EscapeControls(expression), "\"\n");
}

std::string ExpressionJson(absl::string_view type,
                           absl::string_view expression) {
  return JsonObject({
      {"expression_type", Json(type)},
      {"expression", Json(expression)},
      {"accepted", "true"},
  });
}

}  // namespace rmq::cmctl
