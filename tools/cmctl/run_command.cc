#include "tools/cmctl/run_command.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/admin_client.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/render.h"

namespace rmq::cmctl {
namespace {

absl::StatusOr<std::string> ShowGroups(const CommandLine& line,
                                       AdminClient& broker) {
  Groups groups;
  if (line.consumers) {
    absl::StatusOr<std::vector<pb::GroupSummary>> consumers =
        broker.ListGroups(pb::GROUP_KIND_CONSUMER);
    if (!consumers.ok()) return consumers.status();
    groups.consumers = *std::move(consumers);
  }
  if (line.producers) {
    absl::StatusOr<std::vector<pb::GroupSummary>> producers =
        broker.ListGroups(pb::GROUP_KIND_PRODUCER);
    if (!producers.ok()) return producers.status();
    groups.producers = *std::move(producers);
  }
  return line.output == OutputFormat::kJson ? GroupsJson(groups)
                                            : GroupsTable(groups);
}

template <typename Connections>
absl::StatusOr<std::string> ShowConnections(
    const CommandLine& line, const absl::StatusOr<Connections>& connections) {
  if (!connections.ok()) return connections.status();
  if (line.output == OutputFormat::kJson) {
    return ConnectionsJson(line.group, *connections);
  }
  return ConnectionsTable(line.group, *connections,
                          {absl::Now(), absl::LocalTimeZone()});
}

absl::StatusOr<std::string> ShowIds(const CommandLine& line,
                                    AdminClient& broker) {
  const absl::StatusOr<pb::GetConsumerListByGroupResponse> ids =
      broker.ListConsumerIds(line.group);
  if (!ids.ok()) return ids.status();
  return line.output == OutputFormat::kJson ? IdsJson(line.group, *ids)
                                            : IdsTable(*ids);
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
  switch (line.command) {
    case Command::kShowText: break;
    case Command::kGroups: return ShowGroups(line, broker);
    case Command::kConnections:
      return line.producers
                 ? ShowConnections(line,
                                   broker.ListProducerConnections(line.group))
                 : ShowConnections(line,
                                   broker.ListConsumerConnections(line.group));
    case Command::kIds: return ShowIds(line, broker);
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
  return out.good() ? kExitOk : kExitError;
}

}  // namespace rmq::cmctl
