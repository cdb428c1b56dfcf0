// What cmctl is asked to do: its commands, their options and their help.
//
// Parsed by hand rather than by absl/flags: each command has its own options
// and help, -o has a long name too, and bad usage exits with 2.
#ifndef TOOLS_CMCTL_COMMAND_LINE_H_
#define TOOLS_CMCTL_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rmq::cmctl {

enum class Command {
  kShowText,  // Only prints `text`: help or the version.
  kGroups,
  kConnections,
  kIds,
  kProducers,
  kOnline,
  kTopicGroups,
  kSubscription,
  kConsumerChannel,
  kProducerChannel,
  kAvailableProducer,
  kSubscriptionGroups,
  kTopics,
  kPolicy,
  kWhy,
  kCheckExpression,
};

enum class OutputFormat { kTable, kJson };

struct CommandLine {
  Command command = Command::kShowText;
  std::string text;  // Of kShowText.

  std::string broker = "127.0.0.1:10911";
  absl::Duration timeout = absl::Seconds(5);
  OutputFormat output = OutputFormat::kTable;

  // Which tables: kGroups and kOnline may have both, kConnections has one.
  bool consumers = true;
  bool producers = false;

  // Of the commands that have such an argument.
  std::string group;
  std::string client_id;
  std::string topic;
  std::string expression;

  std::string expression_type = "TAG";  // Of kCheckExpression.
};

// `arguments` are those after the program's name. InvalidArgument for bad
// usage, with a message for the user that says what to do instead.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMAND_LINE_H_
