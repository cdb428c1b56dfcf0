#include "tools/cmctl/group_commands.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_cells.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Text = absl::StatusOr<std::string>;

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

Text ShowPeers(const CommandLine& line, const Ask& ask, const TableTime& time) {
  static const Table& table = *new Table{
      "peers",
      {{"ADDRESS", "remote_address"},
       {"CONNECTED", "connected_at", AgoCell},
       {"BYTES", "bytes"},
       {"MESSAGES", "messages"},
       {"MESSAGE BYTES", "message_bytes"},
       {"CALLS", "calls"},
       {"OPEN CALLS", "open_calls"},
       {"WASTED CALLS", "wasted_calls"}},
      "nobody is connected",
  };
  const auto answer = ask(pb::ListPeersRequest());
  if (!answer.ok()) return answer.status();
  return WantsJson(line) ? JsonObject(JsonMembersOf(**answer))
                         : ShowTable(**answer, table, time);
}

// Shows the connections of a group, and says if there is a group of that name
// of the other kind.
Text ShowConnections(const CommandLine& line, const Ask& ask,
                     const TableTime& time) {
  if (!line.value("peers").empty()) return ShowPeers(line, ask, time);
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

std::string Ids(const CommandLine&, const Message& message, const TableTime&) {
  return Lines(static_cast<const pb::GetConsumerListByGroupResponse&>(message)
                   .client_ids());
}

// The epoch; "never" for 0.
std::string AcknowledgedCell(const Message& message,
                             const FieldDescriptor& field,
                             const TableTime& time) {
  const std::string epoch = PlainCell(message, field, time);
  return epoch == "0" ? "never" : epoch;
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

}  // namespace

std::vector<Command> GroupCommands() {
  Command connections = {
      "connections",
      {kGroup},
      "the channels of a group, and what it subscribes to",
      "Lists the channels of a group in the order of opening; for a consumer "
      "group also\nits modes and subscriptions. With --peers, and without "
      "GROUP, lists the connections\nof the broker, with what has come over "
      "each: clients may share one.",
      {{"kind", "consumer|producer", "consumer", "which group of that name"},
       {"peers", "", "", "the connections of all clients",
        Option::Takes::kNothing}},
      ShowConnections};
  connections.no_arguments_with = "peers";
  return {
      {"groups",
       {},
       "the registered consumer and producer groups",
       "Lists the groups that have a channel at this broker, by name.",
       {{"kind", "consumer|producer|all", "all", "which groups"}},
       ShowGroups},
      connections,
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
  };
}

}  // namespace rmq::cmctl
