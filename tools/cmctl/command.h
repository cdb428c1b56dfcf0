// What a command of cmctl is, and one that was asked for.
#ifndef TOOLS_CMCTL_COMMAND_H_
#define TOOLS_CMCTL_COMMAND_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

enum class OutputFormat { kTable, kJson };

struct Command;

// What the user asked for.
struct CommandLine {
  // Null: only `text`, the help or the version, is to be printed.
  const Command* command = nullptr;
  std::string text;

  std::string broker = "127.0.0.1:10911";
  absl::Duration timeout = absl::Seconds(5);
  OutputFormat output = OutputFormat::kTable;

  // The values of the command's arguments, by Argument::field, and of its
  // options, by Option::name.
  std::map<std::string, std::string, std::less<>> values;

  // "" for a name that the command does not have.
  const std::string& value(absl::string_view name) const;
};

// A positional argument. All are required.
struct Argument {
  absl::string_view name;  // In the help: "GROUP".
  // The request's field that it fills: "group".
  absl::string_view field;
};

// An option whose value is one of a few words.
struct Option {
  absl::string_view name;
  absl::string_view values;  // "consumer|producer"; letter case is ignored.
  absl::string_view default_value;
  absl::string_view help;
};

// Asks the broker as AdminClient::Ask() does.
using Ask =
    std::function<absl::StatusOr<std::unique_ptr<google::protobuf::Message>>(
        const google::protobuf::Message& request)>;

// Asks the broker, and returns what is to be printed.
using Run = std::function<absl::StatusOr<std::string>(
    const CommandLine& line, const Ask& ask, const TableTime& time)>;

struct Command {
  absl::string_view name;
  std::vector<Argument> arguments;
  absl::string_view summary;  // For the list of commands.
  absl::string_view details;  // For the command's own help.
  std::vector<Option> options;
  Run run;
};

// All commands, in the order of the help.
const std::vector<Command>& Commands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMAND_H_
