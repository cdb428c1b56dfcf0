#include "tools/cmctl/policy_commands.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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
#include "tools/cmctl/reload_command.h"
#include "tools/cmctl/table.h"
#include "tools/cmctl/warning_views.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Parts = std::vector<AnswerPart>;

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

std::string KindCell(const Message& message, const FieldDescriptor& field,
                     const TableTime&) {
  return message.GetReflection()->GetBool(message, &field) ? "producer"
                                                           : "consumer";
}

// A switch a line, under its name.
Parts Switches(const CommandLine&, const Message& message,
               const TableTime& time) {
  AnswerPart part;
  part.columns = {{"SWITCH"}, {"VALUE"}};
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const std::string& name = message.GetDescriptor()->field(i)->name();
    const std::string cell = CellOf(message, name, time);
    part.rows.push_back({name, cell == "yes"  ? "true"
                               : cell == "no" ? "false"
                                              : cell});
  }
  return {part};
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

Parts Why(const CommandLine& line, const Message& message,
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
    return {TextPart(absl::StrCat(text, "passed over lately: nobody\n"))};
  }
  return {TextPart(absl::StrCat(text, "passed over lately:\n")),
          PartOf(why, skipped, time)};
}

absl::StatusOr<Answer> ShowWhy(const CommandLine& line, const Ask& ask,
                               const TableTime& time) {
  const auto why =
      ask(*RequestFor(line, pb::ExplainGroupRequest::default_instance()));
  if (!why.ok()) return why.status();
  Answer answer;
  answer.json = ArgumentsAsJson(line);
  answer.json.emplace_back("why", JsonObject(JsonMembersOf(**why)));
  answer.parts = Why(line, **why, time);
  return answer;
}

// --- check-expression ---

absl::StatusOr<Answer> CheckExpression(const CommandLine& line, const Ask& ask,
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
  Answer answer;
  answer.json = {{"expression_type", JsonString(type)},
                 {"expression", JsonString(expression)},
                 {"accepted", "true"}};
  answer.parts = {TextPart(absl::StrCat(line.broker().address, " takes the ",
                                        type, " expression \"",
                                        EscapeControls(expression), "\"\n"))};
  return answer;
}

}  // namespace

std::vector<Command> PolicyCommands() {
  std::vector<Command> commands = {
      {"subscription-groups",
       {},
       "the configs of consumer groups",
       "Lists the subscription group configs, by name: those of the "
       "configuration file and\nthose that heartbeats made. Whether members "
       "are told is what is in force, also by the\nbroker's switch.",
       {},
       Show<pb::ListSubscriptionGroupsRequest>(InTable(
           {"subscription_groups",
            {{"GROUP", "group"},
             {"NOTIFY CONSUMER IDS CHANGED",
              "notify_consumer_ids_changed_enable", NotifyCell},
             {"RETRY QUEUES", "retry_queue_nums"},
             {"MEMBERS ARE TOLD", "members_are_told", PlainCell, Shown::kWide}},
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
      ReloadCommand(),
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
       "Lists the client ids that several processes use now: streams, and "
       "clients of RocketMQ 5's\nSDKs at several addresses. With the addresses "
       "of up to ten of these.",
       {},
       Show<pb::ListDuplicateClientIdsRequest>([](const CommandLine&,
                                                  const Message& message,
                                                  const TableTime& time) {
         return Parts{ShowDuplicates(
             static_cast<const pb::ListDuplicateClientIdsResponse&>(message),
             time)};
       })},
      {"check-expression",
       {{"EXPRESSION", "expression"}},
       "whether the broker takes a subscription expression",
       "Asks the broker to check an expression; registers nothing. Exits with "
       "1 if it\nrefuses it. Put -- before an expression that begins with -.",
       {{"type", "TAG|SQL92", "TAG", "the language of the expression"}},
       CheckExpression},
  };
  for (Command& command : commands) {
    if (command.name == "why" || command.name == "consistency" ||
        command.name == "check-expression") {
      command.forms = Forms::kText;
    }
  }
  return commands;
}

}  // namespace rmq::cmctl
