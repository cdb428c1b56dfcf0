// What a command of cmctl is, and one that was asked for.
#ifndef TOOLS_CMCTL_COMMAND_H_
#define TOOLS_CMCTL_COMMAND_H_

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/discovery/resolver_source.h"
#include "common/real_clock.h"
#include "google/protobuf/message.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {

enum class OutputFormat { kTable, kWide, kJson, kYaml, kName };

// A broker that is asked.
struct BrokerTarget {
  // How the user names it: its name in the file of brokers, or its address.
  std::string label;
  std::string address;
  AdminClientOptions security;
};

struct Command;

// What the user asked for.
struct CommandLine {
  // Null: only `text`, the help or the version, is to be printed.
  const Command* command = nullptr;
  std::string text;

  // What the options say of the connection, by their names; what is not there
  // was not given. FindConnection() makes `brokers` of it, at least one.
  std::map<std::string, std::string, std::less<>> connection;
  std::vector<BrokerTarget> brokers = {
      {"127.0.0.1:10911", "127.0.0.1:10911", {}}};
  // Of --cluster: what has listed `brokers`, and goes on to list them. Null if
  // the user has named brokers, or if those that come later may not be asked,
  // as they would get credentials in plain text.
  std::shared_ptr<ResolverSource> cluster;
  // The same, whether or not the user has named brokers too. Null without
  // --cluster.
  std::shared_ptr<ResolverSource> source;
  // InfiniteDuration: as long as it takes.
  absl::Duration timeout = absl::Seconds(5);
  OutputFormat output = OutputFormat::kTable;
  // See SortRows(); empty: rows stay as they came.
  std::string sort;

  // The values of the command's arguments, by Argument::field, and of its
  // options, by Option::name.
  std::map<std::string, std::string, std::less<>> values;
  // The same of those that may be given several times.
  std::map<std::string, std::vector<std::string>, std::less<>> lists;

  // "" for a name that the command does not have.
  const std::string& value(absl::string_view name) const;
  // Empty for a name that the command does not have.
  const std::vector<std::string>& list(absl::string_view name) const;
  // The first one, or the only one.
  const BrokerTarget& broker() const { return brokers.front(); }
};

// A positional argument.
struct Argument {
  absl::string_view name;  // In the help: "GROUP".
  // The request's field that it fills: "group".
  absl::string_view field;
};

struct Option {
  enum class Takes {
    // One of a few words; letter case is ignored.
    kWord,
    // Any text. Command::check checks it.
    kText,
    // The same, several times: CommandLine::lists has all.
    kTexts,
    // No value. CommandLine::value() is "true" if the option is given, else "".
    kNothing,
  };
  // Options of one name take the same in all commands.
  absl::string_view name;
  absl::string_view values;  // "consumer|producer"; of kText: "REVISION".
  absl::string_view default_value;
  absl::string_view help;
  Takes takes = Takes::kWord;
};

// Asks the broker as AdminClient::Ask() does.
using Ask =
    std::function<absl::StatusOr<std::unique_ptr<google::protobuf::Message>>(
        const google::protobuf::Message& request)>;

// Asks the broker, and returns what is to be printed. If several brokers are
// asked, several threads call it at once, each with a line of its own whose
// only broker is the one that is asked.
using Run = std::function<absl::StatusOr<Answer>(
    const CommandLine& line, const Ask& ask, const TableTime& time)>;

// Asks all brokers that the user names, and returns what is to be printed. Each
// of `asks` may be called by another thread.
struct AskedBroker {
  const BrokerTarget& target;
  // Unavailable, and so on, if the broker cannot even be called.
  const Ask& ask;
};
using RunOnAll = std::function<absl::StatusOr<Answer>(
    const CommandLine& line, const std::vector<AskedBroker>& brokers,
    const TableTime& time)>;

// Calls a method with many responses as AdminClient::Stream() does, until the
// call ends or Screen::goes_on() is false.
using Stream = std::function<AdminStreamEnd(
    const google::protobuf::Message& request,
    const std::function<bool(const google::protobuf::Message&)>& on_response)>;

// Where a command prints as it goes, and who watches.
struct Screen {
  std::ostream& out;
  // `out` is a terminal: it understands the escape sequences of ECMA-48.
  bool is_terminal;
  // How many characters fit beside and below each other. Of a terminal only.
  std::function<int()> columns;
  std::function<int()> rows;
  // False: Ctrl-C or SIGTERM has come, or `out` takes no more. The command
  // then leaves the terminal tidy, and returns.
  std::function<bool()> goes_on;
  std::function<TableTime()> time;
  // The exit code of a command that cannot return, and has met no error.
  std::function<int()> exit_code = [] { return 0; };
  // Waits, and tells the time that waits go by.
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
  std::function<absl::Time()> steady_now = [] { return RealClock().TimeNow(); };
};

struct FollowedBroker {
  const BrokerTarget& target;
  Stream stream;
  // Each answer may take 5 s, whatever the command's limit.
  Ask ask;
  // The same at another address, where the broker may be by now.
  std::function<Ask(const std::string& address)> ask_at = nullptr;
};

// Prints what comes of the brokers, one at least, until there is no more to
// come. The error is shown to the user, except after goes_on() was false.
using Follow = std::function<absl::Status(
    const CommandLine& line, const std::vector<FollowedBroker>& brokers,
    const Screen& screen)>;

// Does what it does without a broker. What was asked for goes to `out`, what
// went wrong to `err`. Returns the exit code.
using RunLocally = std::function<int(const CommandLine& line, std::ostream& out,
                                     std::ostream& err)>;

// In which forms an answer can be shown.
enum class Forms {
  kRows,  // All of OutputFormat, and sorted.
  kText,  // There are no rows to sort, and no names: table, json, yaml.
  kAsIs,  // The command has no --output.
};

struct Command {
  absl::string_view name;
  std::vector<Argument> arguments;  // All are required.
  absl::string_view summary;        // For the list of commands.
  absl::string_view details;        // For the command's own help.
  std::vector<Option> options;
  // One of these two, `run_on_all` or `run_locally`; the first two with
  // `follow_with`. A command with `follow` alone has no time limit unless
  // --timeout is given.
  Run run = nullptr;
  Follow follow = nullptr;
  // Stands for any number of further arguments, none too; no name: there are
  // none.
  Argument more_arguments = {};
  // InvalidArgument, for the user, for options and arguments that make no
  // sense. Null: there is nothing to check.
  std::function<absl::Status(const CommandLine& line)> check = nullptr;
  // Such a command has no --timeout, and of the options of a connection at most
  // --config.
  RunLocally run_locally = nullptr;
  bool has_config = false;
  // With this option, which takes no value, the command has no arguments.
  // Empty: there is no such option.
  absl::string_view no_arguments_with = {};
  // Of a command with `run` or `run_on_all`. The others print tables and JSON.
  Forms forms = Forms::kRows;
  RunOnAll run_on_all = nullptr;
  // With this option, which takes no value, a command that has both follows;
  // without it, it runs. Empty: it has one of them.
  absl::string_view follow_with = {};
  // As `check`, once the brokers are known. Null: any number of them will do.
  std::function<absl::Status(const CommandLine& line)> check_brokers = nullptr;
};

// Whether the command that was asked for follows.
inline bool Follows(const CommandLine& line) {
  const Command& command = *line.command;
  return command.follow != nullptr &&
         (command.follow_with.empty() ||
          !line.value(command.follow_with).empty());
}

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMAND_H_
