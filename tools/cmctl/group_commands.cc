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
#include "tools/cmctl/answer.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/look_up.h"
#include "tools/cmctl/message_cells.h"
#include "tools/cmctl/message_json.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Parts = std::vector<AnswerPart>;

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
       {"LABELS", "labels", LabelsCell},
       {"PRINCIPAL", "principal", PlainCell, Shown::kWide}},
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

AnswerPart WithGap(AnswerPart part) {
  part.gap = true;
  return part;
}

// --- groups ---

absl::StatusOr<Answer> ShowGroups(const CommandLine& line, const Ask& ask,
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
  AnswerPart part = EmptyPart(table);
  part.columns.insert(part.columns.begin(), {"KIND"});
  part.name_column = 1;
  Answer answer;
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
      part.rows.push_back(std::move(row));
    }
    if (IsForPrograms(line)) {
      answer.json.emplace_back(absl::StrCat(kind, "_groups"),
                               JsonMembersOf(**groups).front().second);
    }
  }
  part.if_empty =
      absl::StrCat("no ", asked == "all" ? "" : absl::StrCat(asked, " "),
                   "group is registered");
  answer.parts.push_back(std::move(part));
  return answer;
}

// --- connections ---

Parts ConsumerConnections(const CommandLine& line, const Message& message,
                          const TableTime& time) {
  Parts parts = {
      TextPart(absl::StrCat(
          "consumer group ", Printable(line.value("group")), ": consume type ",
          CellOf(message, "consume_type", time), ", message model ",
          CellOf(message, "message_model", time), ", from where ",
          CellOf(message, "consume_from_where", time), "\n")),
      WithGap(PartOf(message, SubscriptionTable(), time)),
      WithGap(PartOf(message, ConnectionTable(), time))};
  parts[1].name_column = -1;
  return parts;
}

Parts ProducerConnections(const CommandLine& line, const Message& message,
                          const TableTime& time) {
  return {TextPart(absl::StrCat("producer group ",
                                Printable(line.value("group")), "\n")),
          WithGap(PartOf(message, ConnectionTable(), time))};
}

// "pay"; "pay and others".
std::string PeerPrincipalCell(const Message& message, const FieldDescriptor&,
                              const TableTime&) {
  const auto& peer = static_cast<const pb::ConnectedPeer&>(message);
  return Printable(absl::StrCat(
      peer.principal(), peer.several_principals() ? " and others" : ""));
}

absl::StatusOr<Answer> ShowPeers(const CommandLine& line, const Ask& ask,
                                 const TableTime& time) {
  static const Table& table = *new Table{
      "peers",
      {{"ADDRESS", "remote_address"},
       {"CONNECTED", "connected_at", AgoCell},
       {"BYTES", "bytes"},
       {"MESSAGES", "messages"},
       {"MESSAGE BYTES", "message_bytes"},
       {"CALLS", "calls"},
       {"OPEN CALLS", "open_calls"},
       {"WASTED CALLS", "wasted_calls"},
       {"PRINCIPAL", "principal", PeerPrincipalCell}},
      "nobody is connected",
  };
  const auto peers = ask(pb::ListPeersRequest());
  if (!peers.ok()) return peers.status();
  Answer answer;
  if (IsForPrograms(line)) {
    answer.json = JsonMembersOf(**peers);
  } else {
    answer.parts = {PartOf(**peers, table, time)};
  }
  return answer;
}

// Shows the connections of a group, and says if there is a group of that name
// of the other kind.
absl::StatusOr<Answer> ShowConnections(const CommandLine& line, const Ask& ask,
                                       const TableTime& time) {
  if (!line.value("peers").empty()) return ShowPeers(line, ask, time);
  const bool of_producers = line.value("kind") == "producer";
  const auto found = ask(*RequestFor(
      line, of_producers
                ? static_cast<const Message&>(
                      pb::GetProducerConnectionListRequest::default_instance())
                : pb::GetConsumerConnectionListRequest::default_instance()));
  Answer answer;
  if (found.ok() && IsForPrograms(line)) {
    answer.json = {{"kind", JsonString(line.value("kind"))}};
    Append(ArgumentsAsJson(line), &answer.json);
    Append(JsonMembersOf(**found), &answer.json);
    return answer;
  }
  if (!found.ok() && !absl::IsNotFound(found.status())) return found.status();
  if (found.ok()) {
    answer.parts = (of_producers ? ProducerConnections : ConsumerConnections)(
        line, **found, time);
  }
  const auto as_found = [&]() -> absl::StatusOr<Answer> {
    if (!found.ok()) return found.status();
    return answer;
  };
  pb::GetGroupOnlineRequest request;
  request.set_group(line.value("group"));
  const auto online = ask(request);
  if (!online.ok()) return as_found();
  const auto& is_online =
      static_cast<const pb::GetGroupOnlineResponse&>(**online);
  if (!(of_producers ? is_online.consumer() : is_online.producer())) {
    return as_found();
  }
  const absl::string_view other = of_producers ? "consumer" : "producer";
  if (!found.ok()) {
    return absl::NotFoundError(
        absl::StrCat(found.status().message(), "; there is a ", other,
                     " group of that name: --kind=", other));
  }
  answer.parts.push_back(
      TextPart(absl::StrCat("There is a ", other,
                            " group of that name too: --kind=", other, "\n"),
               /*gap=*/true));
  return answer;
}

// --- online ---

absl::StatusOr<Answer> ShowOnline(const CommandLine& line, const Ask& ask,
                                  const TableTime&) {
  const auto response =
      ask(*RequestFor(line, pb::GetGroupOnlineRequest::default_instance()));
  if (!response.ok()) return response.status();
  const auto& found =
      static_cast<const pb::GetGroupOnlineResponse&>(**response);
  const std::string& asked = line.value("kind");
  Answer answer;
  answer.json = ArgumentsAsJson(line);
  AnswerPart part;
  part.columns = {{"KIND"}, {"ONLINE"}};
  bool is_online = false;
  for (const auto& [kind, online] :
       {std::make_pair("consumer", found.consumer()),
        std::make_pair("producer", found.producer())}) {
    if (asked != "all" && asked != kind) continue;
    is_online = is_online || online;
    part.rows.push_back({kind, online ? "yes" : "no"});
    answer.json.emplace_back(kind, online ? "true" : "false");
  }
  if (!is_online) {
    return absl::NotFoundError(
        absl::StrCat("no ", asked == "all" ? "" : absl::StrCat(asked, " "),
                     "group \"", line.value("group"), "\" is online"));
  }
  answer.parts.push_back(std::move(part));
  return answer;
}

Parts Ids(const CommandLine&, const Message& message, const TableTime&) {
  return {
      LinesPart("CLIENT ID",
                static_cast<const pb::GetConsumerListByGroupResponse&>(message)
                    .client_ids())};
}

// The epoch; "never" for 0.
std::string AcknowledgedCell(const Message& message,
                             const FieldDescriptor& field,
                             const TableTime& time) {
  const std::string epoch = PlainCell(message, field, time);
  return epoch == "0" ? "never" : epoch;
}

// The epoch, and whoever is behind it.
Parts Membership(const CommandLine& line, const Message& message,
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
  return {
      TextPart(absl::StrCat("consumer group ", Printable(line.value("group")),
                            ": epoch ", membership.epoch(), ", ",
                            Count(membership.members_size(), "channel"), ", ",
                            behind, " behind\n")),
      WithGap(PartOf(message, members, time))};
}

Parts GroupsOfTopic(const CommandLine& line, const Message& message,
                    const TableTime&) {
  AnswerPart part = LinesPart(
      "GROUP",
      static_cast<const pb::QueryTopicConsumeByWhoResponse&>(message).groups());
  part.if_empty = absl::StrCat("no consumer group subscribes to topic ",
                               Printable(line.value("topic")));
  return {part};
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
       Show<pb::GetAllProducerInfoRequest>(InTable(
           {"producers",
            {{"GROUP", "group"},
             {"CLIENT ID", "connection.client_id"},
             {"ADDRESS", "connection.remote_address"},
             {"LANGUAGE", "connection.language"},
             {"VERSION", "connection.version"},
             {"CHANNEL", "connection.channel_id", ChannelCell},
             {"CONNECTED AT", "connection.connected_at"},
             {"LAST HEARD", "connection.last_heard_at", AgoCell},
             {"LABELS", "connection.labels", LabelsCell},
             {"PRINCIPAL", "connection.principal", PlainCell, Shown::kWide}},
            "no producer is registered",
            /*name_column=*/1}))},
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
