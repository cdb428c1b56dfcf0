#include "tools/cmctl/run_command.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/admin_client.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/render.h"
#include "tools/cmctl/table.h"

namespace rmq::cmctl {
namespace {

absl::StatusOr<std::string> ShowGroups(const CommandLine& line,
                                       AdminClient& broker) {
  Groups groups;
  if (line.consumers) {
    auto consumers = broker.ListGroups(pb::GROUP_KIND_CONSUMER);
    if (!consumers.ok()) return consumers.status();
    groups.consumers = *std::move(consumers);
  }
  if (line.producers) {
    auto producers = broker.ListGroups(pb::GROUP_KIND_PRODUCER);
    if (!producers.ok()) return producers.status();
    groups.producers = *std::move(producers);
  }
  return line.output == OutputFormat::kJson ? GroupsJson(groups)
                                            : GroupsTable(groups);
}

absl::StatusOr<std::string> ShowOnline(const CommandLine& line,
                                       AdminClient& broker) {
  const auto answer = broker.GetGroupOnline(line.group);
  if (!answer.ok()) return answer.status();
  Online online;
  if (line.consumers) online.consumer = answer->consumer();
  if (line.producers) online.producer = answer->producer();
  if (!online.consumer.value_or(false) && !online.producer.value_or(false)) {
    return absl::NotFoundError(
        absl::StrCat("no ",
                     line.consumers && line.producers ? ""
                     : line.consumers                 ? "consumer "
                                                      : "producer ",
                     "group \"", line.group, "\" is online"));
  }
  return line.output == OutputFormat::kJson ? OnlineJson(line.group, online)
                                            : OnlineTable(online);
}

// Shows the connections of a group, and says if there is a group of that name
// of the other kind.
absl::StatusOr<std::string> ShowConnections(const CommandLine& line,
                                            AdminClient& broker) {
  const bool is_json = line.output == OutputFormat::kJson;
  const auto show = [&](const auto& found) -> absl::StatusOr<std::string> {
    if (!found.ok()) return found.status();
    if (is_json) return ConnectionsJson(line.group, *found);
    return ConnectionsTable(line.group, *found,
                            {absl::Now(), absl::LocalTimeZone()});
  };
  absl::StatusOr<std::string> text =
      line.producers ? show(broker.ListProducerConnections(line.group))
                     : show(broker.ListConsumerConnections(line.group));
  if (text.ok() ? is_json : !absl::IsNotFound(text.status())) return text;

  const auto online = broker.GetGroupOnline(line.group);
  if (!online.ok() ||
      !(line.producers ? online->consumer() : online->producer())) {
    return text;
  }
  const absl::string_view other = line.producers ? "consumer" : "producer";
  if (!text.ok()) {
    return absl::NotFoundError(
        absl::StrCat(text.status().message(), "; there is a ", other,
                     " group of that name: --kind=", other));
  }
  return absl::StrCat(*text, "\nThere is a ", other,
                      " group of that name too: --kind=", other, "\n");
}

absl::StatusOr<std::string> CheckExpression(const CommandLine& line,
                                            AdminClient& broker) {
  const absl::Status status =
      broker.CheckExpression(line.expression_type, line.expression);
  if (!status.ok()) return status;
  return line.output == OutputFormat::kJson
             ? ExpressionJson(line.expression_type, line.expression)
             : ExpressionTable(line.expression_type, line.expression,
                               line.broker);
}

absl::StatusOr<std::string> Run(const CommandLine& line) {
  if (line.command == Command::kShowText) return line.text;
  AdminClient broker(line.broker, line.timeout);
  // The answer as it was asked for, or what came instead of one.
  const auto show = [&](const auto& answer, const auto& json,
                        const auto& table) -> absl::StatusOr<std::string> {
    if (!answer.ok()) return answer.status();
    return line.output == OutputFormat::kJson ? json(*answer) : table(*answer);
  };
  const auto now = [] { return TableTime{absl::Now(), absl::LocalTimeZone()}; };
  const auto show_channel = [&](const absl::StatusOr<pb::Channel>& answer,
                                const Asked& asked) {
    return show(
        answer, [&](const auto& found) { return ChannelJson(asked, found); },
        [&](const auto& found) { return ChannelTable(found, now()); });
  };
  switch (line.command) {
    case Command::kShowText: break;
    case Command::kGroups: return ShowGroups(line, broker);
    case Command::kConnections: return ShowConnections(line, broker);
    case Command::kIds:
      return show(
          broker.ListConsumerIds(line.group),
          [&](const auto& ids) { return IdsJson(line.group, ids); }, IdsTable);
    case Command::kProducers:
      return show(
          broker.ListProducers(), ProducersJson,
          [&](const auto& found) { return ProducersTable(found, now()); });
    case Command::kOnline: return ShowOnline(line, broker);
    case Command::kTopicGroups:
      return show(
          broker.ListGroupsOfTopic(line.topic),
          [&](const auto& found) { return TopicGroupsJson(line.topic, found); },
          [&](const auto& found) {
            return TopicGroupsTable(line.topic, found);
          });
    case Command::kSubscription:
      return show(
          broker.FindSubscription(line.group, line.topic),
          [&](const auto& found) {
            return SubscriptionJson({{"group", line.group}}, found);
          },
          SubscriptionTable);
    case Command::kConsumerChannel:
      return show_channel(
          broker.FindConsumerChannel(line.group, line.client_id),
          {{"group", line.group}, {"client_id", line.client_id}});
    case Command::kProducerChannel:
      return show_channel(broker.FindProducerChannel(line.client_id),
                          {{"client_id", line.client_id}});
    case Command::kAvailableProducer:
      return show_channel(broker.GetAvailableProducerChannel(line.group),
                          {{"group", line.group}});
    case Command::kSubscriptionGroups:
      return show(broker.ListSubscriptionGroups(), SubscriptionGroupsJson,
                  SubscriptionGroupsTable);
    case Command::kTopics:
      return show(broker.ListTopics(), TopicsJson, TopicsTable);
    case Command::kPolicy:
      return show(broker.GetPolicy(), PolicyJson, PolicyTable);
    case Command::kWhy:
      return show(
          broker.ExplainGroup(line.group),
          [&](const auto& found) { return WhyJson(line.group, found); },
          [&](const auto& found) {
            return WhyTable(line.group, found, now());
          });
    case Command::kCheckExpression: return CheckExpression(line, broker);
  }
  return absl::InternalError("not a command");
}

}  // namespace

int RunCommand(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) {
    err << line.status().message() << "\n";
    return kExitUsage;
  }
  const absl::StatusOr<std::string> text = Run(*line);
  if (!text.ok()) {
    err << EscapeControls(text.status().message()) << "\n";
    return kExitError;
  }
  out << *text << std::flush;
  if (out.good()) return kExitOk;
  err << "the answer cannot be written to the output\n";
  return kExitError;
}

}  // namespace rmq::cmctl
