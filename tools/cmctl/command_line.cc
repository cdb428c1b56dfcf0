#include "tools/cmctl/command_line.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/version.h"

namespace rmq::cmctl {
namespace {

absl::Status MustBe(absl::string_view option, absl::string_view rule,
                    absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " must be ", rule, ", got \"", got, "\""));
}

absl::Status SetBroker(absl::string_view value, CommandLine* line) {
  const size_t colon = value.rfind(':');
  int port = 0;
  if (colon == 0 || colon == absl::string_view::npos ||
      !absl::SimpleAtoi(value.substr(colon + 1), &port) || port < 1 ||
      port > 65535) {
    return MustBe("--broker", "host:port", value);
  }
  line->broker = std::string(value);
  return absl::OkStatus();
}

absl::Status SetTimeout(absl::string_view value, CommandLine* line) {
  if (!absl::ParseDuration(value, &line->timeout) ||
      line->timeout <= absl::ZeroDuration()) {
    return MustBe("--timeout", "a positive time such as 5s or 500ms", value);
  }
  return absl::OkStatus();
}

absl::Status SetOutput(absl::string_view value, CommandLine* line) {
  if (value != "table" && value != "json") {
    return MustBe("--output", "table or json", value);
  }
  line->output = value == "json" ? OutputFormat::kJson : OutputFormat::kTable;
  return absl::OkStatus();
}

absl::Status SetKinds(absl::string_view value, CommandLine* line) {
  if (value != "consumer" && value != "producer" && value != "all") {
    return MustBe("--kind", "consumer, producer or all", value);
  }
  line->consumers = value != "producer";
  line->producers = value != "consumer";
  return absl::OkStatus();
}

absl::Status SetKind(absl::string_view value, CommandLine* line) {
  if (value != "consumer" && value != "producer") {
    return MustBe("--kind", "consumer or producer", value);
  }
  return SetKinds(value, line);
}

absl::Status SetExpressionType(absl::string_view value, CommandLine* line) {
  line->expression_type = absl::AsciiStrToUpper(value);
  if (line->expression_type != "TAG" && line->expression_type != "SQL92") {
    return MustBe("--type", "TAG or SQL92", value);
  }
  return absl::OkStatus();
}

// An option that takes a value.
struct Option {
  absl::string_view name;
  char letter;  // 0: it has a long name only.
  absl::string_view values;
  absl::string_view help;
  absl::Status (*set)(absl::string_view value, CommandLine* line);
};

const std::vector<Option>& CommonOptions() {
  static const auto& options = *new std::vector<Option>{
      {"broker", 0, "HOST:PORT", "the broker to ask (127.0.0.1:10911)",
       SetBroker},
      {"output", 'o', "table|json",
       "what to print (table). JSON is protobuf's: 64-bit\nnumbers are "
       "strings, times are RFC 3339",
       SetOutput},
      {"timeout", 0, "TIME", "how long to wait for the answer (5s)",
       SetTimeout},
  };
  return options;
}

// A positional argument. All are required.
struct Argument {
  absl::string_view name;
  std::string CommandLine::*field;
};

constexpr Argument kGroup = {"GROUP", &CommandLine::group};
constexpr Argument kClientId = {"CLIENT_ID", &CommandLine::client_id};
constexpr Argument kTopic = {"TOPIC", &CommandLine::topic};
constexpr Argument kExpression = {"EXPRESSION", &CommandLine::expression};

struct CommandHelp {
  absl::string_view name;
  Command command;
  std::vector<Argument> arguments;
  absl::string_view summary;
  absl::string_view details;
  std::vector<Option> options;
};

const std::vector<CommandHelp>& Commands() {
  static const auto& commands = *new std::vector<CommandHelp>{
      {"groups",
       Command::kGroups,
       {},
       "the registered consumer and producer groups",
       "Lists the groups that have a channel at this broker, by name.",
       {{"kind", 0, "consumer|producer|all", "which groups (all)", SetKinds}}},
      {"connections",
       Command::kConnections,
       {kGroup},
       "the channels of a group, and what it subscribes to",
       "Lists the channels of a group in the order of opening; for a consumer "
       "group also\nits modes and subscriptions.",
       {{"kind", 0, "consumer|producer", "which group of that name (consumer)",
         SetKind}}},
      {"ids",
       Command::kIds,
       {kGroup},
       "the client ids of a consumer group",
       "Lists the client ids of a consumer group as its members see them, one "
       "a line, in\nthe order of opening. A client with two channels is there "
       "twice.",
       {}},
      {"producers",
       Command::kProducers,
       {},
       "the whole producer table",
       "Lists every channel of every producer group, by group, then in the "
       "order of\njoining.",
       {}},
      {"online",
       Command::kOnline,
       {kGroup},
       "whether a group has a channel",
       "Says as what a name is registered: as a consumer group, a producer "
       "group, or\nboth. Exits with 1 if as none.",
       {{"kind", 0, "consumer|producer|all", "as what to look for it (all)",
         SetKinds}}},
      {"topic-groups",
       Command::kTopicGroups,
       {kTopic},
       "the consumer groups that subscribe to a topic",
       "Lists the consumer groups that subscribe to a topic now, one a line, "
       "by "
       "name.\nRocketMQ calls it QUERY_TOPIC_CONSUME_BY_WHO.",
       {}},
      {"subscription",
       Command::kSubscription,
       {kGroup, kTopic},
       "what a consumer group reads of a topic",
       "Shows the subscription of a consumer group to a topic. Exits with 1 if "
       "it has\nnone.",
       {}},
      {"consumer-channel",
       Command::kConsumerChannel,
       {kGroup, kClientId},
       "the channel of a client in a consumer group",
       "Shows a channel by which a client is in a consumer group. Exits with 1 "
       "if it is\nnot.",
       {}},
      {"producer-channel",
       Command::kProducerChannel,
       {kClientId},
       "the channel of a client as a producer",
       "Shows the channel at which a client registered as a producer last, of "
       "those that\nit still has. Exits with 1 if it has none.",
       {}},
      {"available-producer",
       Command::kAvailableProducer,
       {kGroup},
       "a writable channel of a producer group, in turn",
       "Shows the channel of a producer group that the broker would ask next: "
       "they take\nturns, those that can be written to first. Asking moves the "
       "turn on.",
       {}},
      {"subscription-groups",
       Command::kSubscriptionGroups,
       {},
       "the configs of consumer groups",
       "Lists the subscription group configs, by name: those of the "
       "configuration file and\nthose that heartbeats made. Whether members "
       "are "
       "told is what is in force, also by the\nbroker's switch.",
       {}},
      {"topics",
       Command::kTopics,
       {},
       "the topics that the broker knows",
       "Lists the topics of the configuration file and the retry topics that "
       "heartbeats\nmade, by name.",
       {}},
      {"policy",
       Command::kPolicy,
       {},
       "the switches that decide who is let in and who is told",
       "Shows the broker's switches under RocketMQ's names.",
       {}},
      {"why",
       Command::kWhy,
       {kGroup},
       "whether a group's members are told of changes, and if not why",
       "Says whether the members of a consumer group are told when its "
       "consumer "
       "ids change,\nand if not all that stands in the way; whether there is a "
       "producer group of that\nname; and which clients of the group were "
       "passed "
       "over lately, with the reason.",
       {}},
      {"check-expression",
       Command::kCheckExpression,
       {kExpression},
       "whether the broker takes a subscription expression",
       "Asks the broker to check an expression; registers nothing. Exits with "
       "1 if it\nrefuses it. Put -- before an expression that begins with -.",
       {{"type", 0, "TAG|SQL92", "the language of the expression (TAG)",
         SetExpressionType}}},
  };
  return commands;
}

const CommandHelp* FindCommand(absl::string_view name) {
  for (const CommandHelp& command : Commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string CommandNames() {
  return absl::StrJoin(Commands(), ", ",
                       [](std::string* out, const CommandHelp& command) {
                         absl::StrAppend(out, command.name);
                       });
}

const Option* FindOption(const std::vector<Option>& options,
                         absl::string_view name) {
  for (const Option& option : options) {
    if (option.name == name || (name.size() == 1 && option.letter == name[0])) {
      return &option;
    }
  }
  return nullptr;
}

// Of any command.
bool IsOption(absl::string_view name) {
  return FindOption(CommonOptions(), name) != nullptr ||
         std::any_of(Commands().begin(), Commands().end(),
                     [name](const CommandHelp& command) {
                       return FindOption(command.options, name) != nullptr;
                     });
}

// "NAME ARGUMENT...".
std::string Synopsis(const CommandHelp& command,
                     absl::string_view options = "") {
  std::string synopsis = absl::StrCat(command.name, options);
  for (const Argument& argument : command.arguments) {
    absl::StrAppend(&synopsis, " ", argument.name);
  }
  return synopsis;
}

// Where the right column of a help text begins, behind two spaces.
constexpr size_t kHelpColumn = 34;

// Two columns, the left one `width` wide; further lines of `right` are indented
// as the first.
void AppendRow(absl::string_view left, absl::string_view right, size_t width,
               std::string* text) {
  absl::StrAppend(text, "  ", left,
                  std::string(width - std::min(width, left.size()), ' '));
  for (char c : right) {
    text->push_back(c);
    if (c == '\n') text->append(width + 2, ' ');
  }
  text->push_back('\n');
}

void AppendOptions(const std::vector<Option>& options, std::string* text) {
  for (const Option& option : options) {
    const std::string letter =
        option.letter == 0
            ? ""
            : absl::StrCat("-", std::string(1, option.letter), ", ");
    AppendRow(absl::StrCat(letter, "--", option.name, "=", option.values),
              option.help, kHelpColumn, text);
  }
}

std::string HelpOfAll() {
  std::string text =
      "Shows what a broker's client manager knows.\n\n"
      "Usage: cmctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n";
  for (const CommandHelp& command : Commands()) {
    AppendRow(Synopsis(command), command.summary, kHelpColumn, &text);
  }
  AppendRow("help [COMMAND]", "this text, or a command's help", kHelpColumn,
            &text);
  absl::StrAppend(&text, "\nOptions of every command:\n");
  AppendOptions(CommonOptions(), &text);
  AppendRow("--help, --version", "this text; the version", kHelpColumn, &text);
  absl::StrAppend(&text,
                  "\nExits with 0; with 1 if the broker cannot be asked, "
                  "refuses, or does not have what\nwas looked for; with 2 for "
                  "bad usage.\n");
  return text;
}

std::string HelpOf(const CommandHelp& command) {
  std::string text =
      absl::StrCat("Usage: cmctl ", Synopsis(command, " [OPTION...]"), "\n\n",
                   command.details, "\n\nOptions:\n");
  AppendOptions(command.options, &text);
  AppendOptions(CommonOptions(), &text);
  return text;
}

// The arguments, sorted out; which options a command has is not looked at yet.
struct Words {
  std::vector<std::string> positional;
  std::vector<std::pair<std::string, std::string>> options;
  bool help = false;
  bool version = false;
};

absl::StatusOr<Words> Split(const std::vector<std::string>& arguments) {
  Words words;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    if (argument == "--") {
      words.positional.insert(words.positional.end(), arguments.begin() + i + 1,
                              arguments.end());
      break;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      words.positional.emplace_back(argument);
      continue;
    }
    if (argument == "--help" || argument == "-h") {
      words.help = true;
      continue;
    }
    if (argument == "--version") {
      words.version = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const absl::string_view dashed = argument.substr(0, equals);
    const absl::string_view name =
        dashed.substr(absl::StartsWith(dashed, "--") ? 2 : 1);
    const bool is_known =
        absl::StartsWith(dashed, "--") ? name.size() > 1 : name.size() == 1;
    if (!is_known || !IsOption(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown option ", dashed, "; see cmctl --help"));
    }
    if (equals != absl::string_view::npos) {
      words.options.emplace_back(name, argument.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      words.options.emplace_back(name, arguments[++i]);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("option ", dashed, " needs a value"));
    }
  }
  return words;
}

CommandLine ShowText(std::string text) {
  CommandLine line;
  line.text = std::move(text);
  return line;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments) {
  absl::StatusOr<Words> words = Split(arguments);
  if (!words.ok()) return words.status();
  if (words->version) {
    return ShowText(
        absl::StrCat("rocketmq-client-manager cmctl ", kVersion, "\n"));
  }
  std::vector<std::string>& positional = words->positional;
  if (!positional.empty() && positional.front() == "help") {
    words->help = true;
    positional.erase(positional.begin());
  }
  if (positional.empty()) {
    if (words->help) return ShowText(HelpOfAll());
    return absl::InvalidArgumentError(absl::StrCat(
        "no command; commands: ", CommandNames(), "; see cmctl --help"));
  }
  const CommandHelp* const command = FindCommand(positional.front());
  if (command == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command \"", positional.front(),
                     "\"; commands: ", CommandNames(), "; see cmctl --help"));
  }
  if (words->help) return ShowText(HelpOf(*command));

  CommandLine line;
  line.command = command->command;
  line.producers = command->command == Command::kGroups ||
                   command->command == Command::kOnline;
  for (const auto& [name, value] : words->options) {
    const Option* option = FindOption(command->options, name);
    if (option == nullptr) option = FindOption(CommonOptions(), name);
    if (option == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(command->name, " has no option --", name,
                       "; see cmctl help ", command->name));
    }
    const absl::Status status = option->set(value, &line);
    if (!status.ok()) return status;
  }

  const std::vector<Argument>& wanted = command->arguments;
  const size_t given = positional.size() - 1;
  if (given < wanted.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command->name, " needs ", wanted[given].name,
                     "; see cmctl help ", command->name));
  }
  if (given > wanted.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        command->name, " takes no further argument, got \"",
        positional[wanted.size() + 1], "\"; see cmctl help ", command->name));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    line.*wanted[i].field = std::move(positional[i + 1]);
  }
  return line;
}

}  // namespace rmq::cmctl
