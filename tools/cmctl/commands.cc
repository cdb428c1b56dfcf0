// A command that calls a method and shows its response is a row: its
// arguments, the method's request, and the columns. The few that do more have a
// function of their own before the rows.

#include "tools/cmctl/commands.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/message_cells.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"
#include "tools/cmctl/warning_views.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using Text = absl::StatusOr<std::string>;

// Shows a response as text for people.
using View = std::function<std::string(const CommandLine&, const Message&,
                                       const TableTime&)>;

bool WantsJson(const CommandLine& line) {
  return line.output == OutputFormat::kJson;
}

// How the answer was asked for. Leaves out what `answer`, if there is one, says
// itself.
JsonMembers ArgumentsAsJson(const CommandLine& line,
                            const Message* answer = nullptr) {
  JsonMembers members;
  for (const Argument& argument : line.command->arguments) {
    if (answer != nullptr && answer->GetDescriptor()->FindFieldByName(
                                 std::string(argument.field)) != nullptr) {
      continue;
    }
    members.emplace_back(argument.field,
                         JsonString(line.value(argument.field)));
  }
  return members;
}

void Append(JsonMembers more, JsonMembers* members) {
  for (auto& member : more) members->push_back(std::move(member));
}

// The request with the command's arguments in the fields of their names.
std::unique_ptr<Message> RequestFor(const CommandLine& line,
                                    const Message& prototype) {
  std::unique_ptr<Message> request(prototype.New());
  for (const Argument& argument : line.command->arguments) {
    const FieldDescriptor* const field =
        request->GetDescriptor()->FindFieldByName(std::string(argument.field));
    request->GetReflection()->SetString(request.get(), field,
                                        line.value(argument.field));
  }
  return request;
}

// Calls the method that takes a `Request`, and shows its response: by `view`,
// or as JSON, behind the arguments.
template <typename Request>
Run Show(View view) {
  return [view = std::move(view)](const CommandLine& line, const Ask& ask,
                                  const TableTime& time) -> Text {
    const auto answer = ask(*RequestFor(line, Request::default_instance()));
    if (!answer.ok()) return answer.status();
    if (!WantsJson(line)) return view(line, **answer, time);
    JsonMembers members = ArgumentsAsJson(line, answer->get());
    Append(JsonMembersOf(**answer), &members);
    return JsonObject(members);
  };
}

View InTable(Table table) {
  return [table = std::move(table)](const CommandLine&, const Message& message,
                                    const TableTime& time) {
    return ShowTable(message, table, time);
  };
}

// PermName#perm2String without its placeholders.
std::string PermCell(const Message& message, const FieldDescriptor& field,
                     const TableTime&) {
  const int32_t perm = message.GetReflection()->GetInt32(message, &field);
  return Printable(
      absl::StrCat((perm & 4) != 0 ? "R" : "", (perm & 2) != 0 ? "W" : ""));
}

// The switch that is in force; the group's own if the broker does not say.
std::string NotifyCell(const Message& message, const FieldDescriptor& field,
                       const TableTime& time) {
  const std::string groups = PlainCell(message, field, time);
  return groups == "yes" && CellOf(message, "members_are_told", time) == "no"
             ? "no, by the broker's switch"
             : groups;
}

// The epoch; "never" for 0.
std::string AcknowledgedCell(const Message& message,
                             const FieldDescriptor& field,
                             const TableTime& time) {
  const std::string epoch = PlainCell(message, field, time);
  return epoch == "0" ? "never" : epoch;
}

// "1 stream", "2 streams".
std::string Count(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string KindCell(const Message& message, const FieldDescriptor& field,
                     const TableTime&) {
  return message.GetReflection()->GetBool(message, &field) ? "producer"
                                                           : "consumer";
}

const Table& ConnectionTable() {
  static const Table& table = *new Table{
      "connections",
      {{"CLIENT ID", "client_id"},
       {"ADDRESS", "remote_address"},
       {"LANGUAGE", "language"},
       {"VERSION", "version"},
       {"CHANNEL", "channel_id", ChannelCell},
       {"CONNECTED AT", "connected_at"},
       {"LAST HEARD", "last_heard_at", AgoCell},
       {"LABELS", "labels", LabelsCell}},
  };
  return table;
}

const Table& SubscriptionTable() {
  static const Table& table = *new Table{
      "subscriptions",
      {{"TOPIC", "topic"},
       {"TYPE", "expression_type"},
       {"EXPRESSION", "expression"},
       {"SUB VERSION", "sub_version"}},
      "no subscriptions",
  };
  return table;
}

const Table& ChannelTable() {
  static const Table& table = *new Table{
      "channel",
      {{"CHANNEL", "channel_id", ChannelCell},
       {"ADDRESS", "remote_address"},
       {"WRITABLE", "writable"},
       {"OPENED AT", "opened_at"},
       {"LAST HEARD", "last_heard_at", AgoCell}},
  };
  return table;
}

// The rows of `table`, whose elements have the columns of another one.
Table With(Table table, absl::string_view rows, absl::string_view if_empty) {
  table.rows = rows;
  table.if_empty = if_empty;
  return table;
}

std::string Lines(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string lines;
  for (const std::string& text : texts) {
    absl::StrAppend(&lines, Printable(text), "\n");
  }
  return lines;
}

// --- groups ---

Text ShowGroups(const CommandLine& line, const Ask& ask,
                const TableTime& time) {
  static const Table& table = *new Table{
      "groups",
      {{"GROUP", "group"},
       {"CHANNELS", "channels"},
       {"CONSUME TYPE", "consume_type"},
       {"MESSAGE MODEL", "message_model"},
       {"FROM WHERE", "consume_from_where"},
       {"SUBSCRIPTIONS", "subscriptions"}},
  };
  std::vector<std::vector<std::string>> rows = {HeaderOf(table)};
  rows.front().insert(rows.front().begin(), "KIND");
  JsonMembers members;
  const std::string& asked = line.value("kind");
  for (const auto& [kind, number] :
       {std::make_pair("consumer", pb::GROUP_KIND_CONSUMER),
        std::make_pair("producer", pb::GROUP_KIND_PRODUCER)}) {
    if (asked != "all" && asked != kind) continue;
    pb::ListGroupsRequest request;
    request.set_kind(number);
    const auto groups = ask(request);
    if (!groups.ok()) return groups.status();
    for (std::vector<std::string>& row : RowsOf(**groups, table, time)) {
      // A producer group has no subscriptions.
      if (number == pb::GROUP_KIND_PRODUCER) row.back() = "-";
      row.insert(row.begin(), kind);
      rows.push_back(std::move(row));
    }
    members.emplace_back(absl::StrCat(kind, "_groups"),
                         JsonMembersOf(**groups).front().second);
  }
  if (WantsJson(line)) return JsonObject(members);
  if (rows.size() > 1) return AlignColumns(rows);
  return absl::StrCat("no ", asked == "all" ? "" : absl::StrCat(asked, " "),
                      "group is registered\n");
}

// --- connections ---

std::string ConsumerConnections(const CommandLine& line, const Message& message,
                                const TableTime& time) {
  return absl::StrCat("consumer group ", Printable(line.value("group")),
                      ": consume type ", CellOf(message, "consume_type", time),
                      ", message model ",
                      CellOf(message, "message_model", time), ", from where ",
                      CellOf(message, "consume_from_where", time), "\n\n",
                      ShowTable(message, SubscriptionTable(), time), "\n",
                      ShowTable(message, ConnectionTable(), time));
}

std::string ProducerConnections(const CommandLine& line, const Message& message,
                                const TableTime& time) {
  return absl::StrCat("producer group ", Printable(line.value("group")), "\n\n",
                      ShowTable(message, ConnectionTable(), time));
}

// Shows the connections of a group, and says if there is a group of that name
// of the other kind.
Text ShowConnections(const CommandLine& line, const Ask& ask,
                     const TableTime& time) {
  const bool of_producers = line.value("kind") == "producer";
  const auto answer = ask(*RequestFor(
      line, of_producers
                ? static_cast<const Message&>(
                      pb::GetProducerConnectionListRequest::default_instance())
                : pb::GetConsumerConnectionListRequest::default_instance()));
  if (answer.ok() && WantsJson(line)) {
    JsonMembers members = {{"kind", JsonString(line.value("kind"))}};
    Append(ArgumentsAsJson(line), &members);
    Append(JsonMembersOf(**answer), &members);
    return JsonObject(members);
  }
  if (!answer.ok() && !absl::IsNotFound(answer.status())) {
    return answer.status();
  }
  const Text text =
      answer.ok()
          ? Text((of_producers ? ProducerConnections : ConsumerConnections)(
                line, **answer, time))
          : Text(answer.status());
  pb::GetGroupOnlineRequest request;
  request.set_group(line.value("group"));
  const auto online = ask(request);
  if (!online.ok()) return text;
  const auto& is_online =
      static_cast<const pb::GetGroupOnlineResponse&>(**online);
  if (!(of_producers ? is_online.consumer() : is_online.producer()))
    return text;
  const absl::string_view other = of_producers ? "consumer" : "producer";
  if (!text.ok()) {
    return absl::NotFoundError(
        absl::StrCat(text.status().message(), "; there is a ", other,
                     " group of that name: --kind=", other));
  }
  return absl::StrCat(*text, "\nThere is a ", other,
                      " group of that name too: --kind=", other, "\n");
}

// --- online ---

Text ShowOnline(const CommandLine& line, const Ask& ask, const TableTime&) {
  const auto answer =
      ask(*RequestFor(line, pb::GetGroupOnlineRequest::default_instance()));
  if (!answer.ok()) return answer.status();
  const auto& found = static_cast<const pb::GetGroupOnlineResponse&>(**answer);
  const std::string& asked = line.value("kind");
  std::vector<std::vector<std::string>> rows = {{"KIND", "ONLINE"}};
  JsonMembers members = ArgumentsAsJson(line);
  bool is_online = false;
  for (const auto& [kind, online] :
       {std::make_pair("consumer", found.consumer()),
        std::make_pair("producer", found.producer())}) {
    if (asked != "all" && asked != kind) continue;
    is_online = is_online || online;
    rows.push_back({kind, online ? "yes" : "no"});
    members.emplace_back(kind, online ? "true" : "false");
  }
  if (!is_online) {
    return absl::NotFoundError(
        absl::StrCat("no ", asked == "all" ? "" : absl::StrCat(asked, " "),
                     "group \"", line.value("group"), "\" is online"));
  }
  return WantsJson(line) ? JsonObject(members) : AlignColumns(rows);
}

// --- ids, topic-groups, policy ---

std::string Ids(const CommandLine&, const Message& message, const TableTime&) {
  return Lines(static_cast<const pb::GetConsumerListByGroupResponse&>(message)
                   .client_ids());
}

// The epoch, and whoever is behind it.
std::string Membership(const CommandLine& line, const Message& message,
                       const TableTime& time) {
  static const Table& members = *new Table{
      "members",
      {{"CLIENT ID", "client_id"},
       {"CHANNEL", "channel_id", ChannelCell},
       {"ADDRESS", "remote_address"},
       {"JOINED", "joined_epoch"},
       {"ACKNOWLEDGED", "acknowledged_epoch", AcknowledgedCell},
       {"BEHIND SINCE", "behind_since", AgoCell},
       {"LAST HEARD", "last_heard_at", AgoCell}},
  };
  const auto& membership =
      static_cast<const pb::GetGroupMembershipResponse&>(message);
  int64_t behind = 0;
  for (const pb::GroupMember& member : membership.members()) {
    behind += member.has_behind_since() ? 1 : 0;
  }
  return absl::StrCat("consumer group ", Printable(line.value("group")),
                      ": epoch ", membership.epoch(), ", ",
                      Count(membership.members_size(), "channel"), ", ", behind,
                      " behind\n\n", ShowTable(message, members, time));
}

std::string GroupsOfTopic(const CommandLine& line, const Message& message,
                          const TableTime&) {
  const auto& groups =
      static_cast<const pb::QueryTopicConsumeByWhoResponse&>(message).groups();
  if (!groups.empty()) return Lines(groups);
  return absl::StrCat("no consumer group subscribes to topic ",
                      Printable(line.value("topic")), "\n");
}

// A switch a line, under its name.
std::string Switches(const CommandLine&, const Message& message,
                     const TableTime& time) {
  std::vector<std::vector<std::string>> rows = {{"SWITCH", "VALUE"}};
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const std::string& name = message.GetDescriptor()->field(i)->name();
    const std::string cell = CellOf(message, name, time);
    rows.push_back({name, cell == "yes"  ? "true"
                          : cell == "no" ? "false"
                                         : cell});
  }
  return AlignColumns(rows);
}

// --- client ---

// The topics with their expressions: "orders:paid || created, refunds:*".
std::string TopicsCell(const Message& message, const FieldDescriptor&,
                       const TableTime&) {
  const auto& subscriptions =
      static_cast<const pb::StatedGroup&>(message).subscriptions();
  return Printable(absl::StrJoin(
      subscriptions, ", ",
      [](std::string* out, const pb::SubscriptionData& subscription) {
        absl::StrAppend(out, subscription.topic(), ":",
                        subscription.expression());
      }));
}

std::string Client(const CommandLine&, const Message& message,
                   const TableTime& time) {
  static const Table& groups = *new Table{
      "",
      {{"GROUP", "group"},
       {"CONSUME TYPE", "consume_type"},
       {"MESSAGE MODEL", "message_model"},
       {"LANGUAGE", "language"},
       {"VERSION", "version"},
       {"LAST STATED", "last_stated_at", AgoCell},
       {"TOPICS", "subscriptions", TopicsCell}},
  };
  std::string text;
  uint64_t last_channel = 0;
  std::vector<std::vector<std::string>> rows;
  const auto end_channel = [&] {
    if (rows.size() > 1) text += AlignColumns(rows);
    rows = {HeaderOf(groups)};
    rows.front().insert(rows.front().begin(), "KIND");
  };
  const auto add = [&](const char* kind, const pb::StatedGroup& group) {
    rows.push_back(RowsOf(group, groups, time).front());
    rows.back().insert(rows.back().begin(), kind);
  };
  for (const pb::ClientChannel& channel :
       static_cast<const pb::GetClientResponse&>(message).channels()) {
    // A channel that goes on on the next page is there again.
    if (channel.channel().channel_id() != last_channel) {
      end_channel();
      absl::StrAppend(&text, last_channel == 0 ? "" : "\n",
                      ShowTable(channel, ChannelTable(), time));
      if (!channel.labels().empty()) {
        absl::StrAppend(&text, "LABELS  ",
                        CellOf(channel, "labels", time, LabelsCell), "\n");
      }
      last_channel = channel.channel().channel_id();
    }
    for (const pb::StatedGroup& group : channel.consumer_groups()) {
      add("consumer", group);
    }
    for (const pb::StatedGroup& group : channel.producer_groups()) {
      add("producer", group);
    }
  }
  end_channel();
  return text;
}

// --- why ---

std::string Explain(int obstacle) {
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
    default: return absl::StrCat("obstacle ", obstacle);
  }
}

std::string Why(const CommandLine& line, const Message& message,
                const TableTime& time) {
  static const Table& skipped = *new Table{
      "skipped",
      {{"CLIENT ID", "client_id"},
       {"KIND", "producer", KindCell},
       {"LAST", "last_at", AgoCell},
       {"TIMES", "times"},
       {"REASON", "message"}},
  };
  const auto& why = static_cast<const pb::ExplainGroupResponse&>(message);
  const std::string group = Printable(line.value("group"));
  const bool is_there =
      why.consumer_streams() + why.consumer_unary_channels() > 0;
  std::string text = absl::StrCat(
      "consumer group ", group, ": ",
      is_there
          ? absl::StrCat(Count(why.consumer_streams(), "stream"), ", ",
                         Count(why.consumer_unary_channels(), "unary client"),
                         ", message model ", CellOf(why, "message_model", time))
          : "not registered",
      why.has_config() ? "" : ", no config", "\n");
  if (why.producer_channels() > 0) {
    absl::StrAppend(&text, "producer group ", group, ": ",
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
      absl::StrAppend(&text, "  ", Explain(obstacle), "\n");
    }
  }
  if (why.skipped().empty()) {
    return absl::StrCat(text, "passed over lately: nobody\n");
  }
  return absl::StrCat(text, "passed over lately:\n",
                      ShowTable(why, skipped, time));
}

Text ShowWhy(const CommandLine& line, const Ask& ask, const TableTime& time) {
  const auto answer =
      ask(*RequestFor(line, pb::ExplainGroupRequest::default_instance()));
  if (!answer.ok()) return answer.status();
  if (!WantsJson(line)) return Why(line, **answer, time);
  JsonMembers members = ArgumentsAsJson(line);
  members.emplace_back("why", JsonObject(JsonMembersOf(**answer)));
  return JsonObject(members);
}

// --- check-expression ---

Text CheckExpression(const CommandLine& line, const Ask& ask,
                     const TableTime&) {
  const std::string& type = line.value("type");
  const std::string& expression = line.value("expression");
  pb::CheckClientConfigRequest request;
  // Required, but of no effect: nothing is registered.
  request.set_client_id("cmctl");
  request.set_group("cmctl");
  request.mutable_subscription()->set_expression_type(type);
  request.mutable_subscription()->set_expression(expression);
  const absl::Status status = ask(request).status();
  if (!status.ok()) return status;
  if (WantsJson(line)) {
    return JsonObject({{"expression_type", JsonString(type)},
                       {"expression", JsonString(expression)},
                       {"accepted", "true"}});
  }
  return absl::StrCat(line.broker, " takes the ", type, " expression \"",
                      EscapeControls(expression), "\"\n");
}

constexpr Argument kGroup = {"GROUP", "group"};
constexpr Argument kClientId = {"CLIENT_ID", "client_id"};
constexpr Argument kTopic = {"TOPIC", "topic"};
constexpr Argument kExpression = {"EXPRESSION", "expression"};

}  // namespace

std::vector<Command> LookUpCommands() {
  return {
      {"groups",
       {},
       "the registered consumer and producer groups",
       "Lists the groups that have a channel at this broker, by name.",
       {{"kind", "consumer|producer|all", "all", "which groups"}},
       ShowGroups},
      {"connections",
       {kGroup},
       "the channels of a group, and what it subscribes to",
       "Lists the channels of a group in the order of opening; for a consumer "
       "group also\nits modes and subscriptions.",
       {{"kind", "consumer|producer", "consumer", "which group of that name"}},
       ShowConnections},
      {"ids",
       {kGroup},
       "the client ids of a consumer group",
       "Lists the client ids of a consumer group as its members see them, one "
       "a line, in\nthe order of opening. A client with two channels is there "
       "twice.",
       {},
       Show<pb::GetConsumerListByGroupRequest>(Ids)},
      {"membership",
       {kGroup},
       "what the members of a consumer group know of each other",
       "Shows a consumer group's epoch, which grows whenever a client id joins "
       "or leaves,\nand for each member the epoch that it has acknowledged: "
       "the list that it holds. A\nmember is behind if it has been pushed a "
       "later one. Clients of old libraries never\nacknowledge. Exits with 1 "
       "if there is no such group.",
       {},
       Show<pb::GetGroupMembershipRequest>(Membership)},
      {"producers",
       {},
       "the whole producer table",
       "Lists every channel of every producer group, by group, then in the "
       "order of\njoining.",
       {},
       Show<pb::GetAllProducerInfoRequest>(
           InTable({"producers",
                    {{"GROUP", "group"},
                     {"CLIENT ID", "connection.client_id"},
                     {"ADDRESS", "connection.remote_address"},
                     {"LANGUAGE", "connection.language"},
                     {"VERSION", "connection.version"},
                     {"CHANNEL", "connection.channel_id", ChannelCell},
                     {"CONNECTED AT", "connection.connected_at"},
                     {"LAST HEARD", "connection.last_heard_at", AgoCell},
                     {"LABELS", "connection.labels", LabelsCell}},
                    "no producer is registered"}))},
      {"online",
       {kGroup},
       "whether a group has a channel",
       "Says as what a name is registered: as a consumer group, a producer "
       "group, or\nboth. Exits with 1 if as none.",
       {{"kind", "consumer|producer|all", "all", "as what to look for it"}},
       ShowOnline},
      {"topic-groups",
       {kTopic},
       "the consumer groups that subscribe to a topic",
       "Lists the consumer groups that subscribe to a topic now, one a line, "
       "by name.\nRocketMQ calls it QUERY_TOPIC_CONSUME_BY_WHO.",
       {},
       Show<pb::QueryTopicConsumeByWhoRequest>(GroupsOfTopic)},
      {"subscription",
       {kGroup, kTopic},
       "what a consumer group reads of a topic",
       "Shows the subscription of a consumer group to a topic. Exits with 1 if "
       "it has\nnone.",
       {},
       Show<pb::FindSubscriptionRequest>(
           InTable(With(SubscriptionTable(), "subscription", "")))},
      {"client",
       {kClientId},
       "the channels of a client, their groups and what they state",
       "Lists the channels of a client, in the order of their first use, each "
       "with its\ngroups and what it states of them. A group is what all its "
       "members state:\nsee connections. Exits with 1 if the client has no "
       "channel.",
       {},
       Show<pb::GetClientRequest>(Client)},
      {"consumer-channel",
       {kGroup, kClientId},
       "the channel of a client in a consumer group",
       "Shows a channel by which a client is in a consumer group. Exits with 1 "
       "if it is\nnot.",
       {},
       Show<pb::FindConsumerChannelRequest>(InTable(ChannelTable()))},
      {"producer-channel",
       {kClientId},
       "the channel of a client as a producer",
       "Shows the channel at which a client registered as a producer last, of "
       "those that\nit still has. Exits with 1 if it has none.",
       {},
       Show<pb::FindProducerChannelRequest>(InTable(ChannelTable()))},
      {"available-producer",
       {kGroup},
       "a writable channel of a producer group, in turn",
       "Shows the channel of a producer group that the broker would ask next: "
       "they take\nturns, those that can be written to first. Asking moves the "
       "turn on.",
       {},
       Show<pb::GetAvailableProducerChannelRequest>(InTable(ChannelTable()))},
      {"subscription-groups",
       {},
       "the configs of consumer groups",
       "Lists the subscription group configs, by name: those of the "
       "configuration file and\nthose that heartbeats made. Whether members "
       "are told is what is in force, also by the\nbroker's switch.",
       {},
       Show<pb::ListSubscriptionGroupsRequest>(
           InTable({"subscription_groups",
                    {{"GROUP", "group"},
                     {"NOTIFY CONSUMER IDS CHANGED",
                      "notify_consumer_ids_changed_enable", NotifyCell},
                     {"RETRY QUEUES", "retry_queue_nums"}},
                    "no consumer group has a config"}))},
      {"topics",
       {},
       "the topics that the broker knows",
       "Lists the topics of the configuration file and the retry topics that "
       "heartbeats\nmade, by name.",
       {},
       Show<pb::ListTopicsRequest>(
           InTable({"topics",
                    {{"TOPIC", "topic"},
                     {"READ QUEUES", "read_queue_nums"},
                     {"WRITE QUEUES", "write_queue_nums"},
                     {"PERM", "perm", PermCell},
                     {"SYS FLAG", "topic_sys_flag"},
                     {"ORDER", "order"}},
                    "no topic is known"}))},
      {"policy",
       {},
       "the switches that decide who is let in and who is told",
       "Shows the broker's switches under RocketMQ's names.",
       {},
       Show<pb::GetPolicyRequest>(Switches)},
      {"why",
       {kGroup},
       "whether a group's members are told of changes, and if not why",
       "Says whether the members of a consumer group are told when its "
       "consumer ids change,\nand if not all that stands in the way; whether "
       "there is a producer group of that\nname; and which clients of the "
       "group were passed over lately, with the reason.",
       {},
       ShowWhy},
      {"consistency",
       {kGroup},
       "whether the members of a consumer group state the same",
       "Shows what the members of a consumer group state, those first that "
       "state what most\ndo, and since when they differ. The exit code is 0 "
       "whether or not they do; JSON has\n\"consistent\".",
       {},
       Show<pb::GetSubscriptionConsistencyRequest>([](const CommandLine&,
                                                      const Message& message,
                                                      const TableTime& time) {
         return ShowConsistency(
             static_cast<const pb::GetSubscriptionConsistencyResponse&>(
                 message),
             time);
       })},
      {"duplicates",
       {},
       "the client ids that several processes use",
       "Lists the client ids that streams of several processes use now, with "
       "the addresses\nof up to ten of these.",
       {},
       Show<pb::ListDuplicateClientIdsRequest>([](const CommandLine&,
                                                  const Message& message,
                                                  const TableTime& time) {
         return ShowDuplicates(
             static_cast<const pb::ListDuplicateClientIdsResponse&>(message),
             time);
       })},
      {"check-expression",
       {kExpression},
       "whether the broker takes a subscription expression",
       "Asks the broker to check an expression; registers nothing. Exits with "
       "1 if it\nrefuses it. Put -- before an expression that begins with -.",
       {{"type", "TAG|SQL92", "TAG", "the language of the expression"}},
       CheckExpression},
  };
}

}  // namespace rmq::cmctl
