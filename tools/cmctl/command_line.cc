#include "tools/cmctl/command_line.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/version.h"
#include "tools/cmctl/named_brokers.h"

namespace rmq::cmctl {
namespace {

absl::Status MustBe(absl::string_view option, absl::string_view rule,
                    absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(option, " must be ", rule, ", got \"", got, "\""));
}

absl::Status CheckBroker(absl::string_view value) {
  if (IsBrokerAddress(value) || IsBrokerName(value)) return absl::OkStatus();
  return MustBe("--broker", "HOST:PORT, unix:PATH or the name of a broker",
                value);
}

absl::Status CheckBool(absl::string_view value) {
  if (value == "true" || value == "false") return absl::OkStatus();
  return MustBe("--allow_insecure_credentials", "true or false", value);
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

// An option of every command.
struct CommonOption {
  absl::string_view name;
  char letter;  // 0: it has a long name only.
  absl::string_view values;
  absl::string_view help;
  // Null: CommandLine::connection has it.
  absl::Status (*set)(absl::string_view value, CommandLine* line);
  // It is about a broker that is asked.
  bool is_of_broker;
  // For those without `set`; null: any value will do.
  absl::Status (*check)(absl::string_view value);
};

constexpr CommonOption kCommonOptions[] = {
    {"broker", 0, "HOST:PORT|NAME",
     "the broker to ask (127.0.0.1:10911): its address,\nunix:PATH, or a name "
     "in the file of brokers",
     nullptr, true, CheckBroker},
    {"output", 'o', "table|json",
     "what to print (table). JSON is protobuf's: 64-bit\nnumbers are strings, "
     "times are RFC 3339",
     SetOutput, false, nullptr},
    {"timeout", 0, "TIME", "how long to wait for the answer (5s)", SetTimeout,
     true, nullptr},
    {"tls_ca", 0, "FILE|system",
     "ask over TLS, and trust these authorities, or\nthose of the system",
     nullptr, true, nullptr},
    {"tls_cert", 0, "FILE", "ask over TLS, with this certificate", nullptr,
     true, nullptr},
    {"tls_key", 0, "FILE", "the certificate's private key", nullptr, true,
     nullptr},
    {"tls_server_name", 0, "NAME",
     "ask over TLS, and expect a certificate of this\nname, not of HOST",
     nullptr, true, nullptr},
    {"credentials_file", 0, "FILE",
     "say who asks: a file with access_key: \"...\"\nsecret_key: \"...\"",
     nullptr, true, nullptr},
    {"allow_insecure_credentials", 0, "true|false",
     "without TLS, send credentials beyond this machine\ntoo (false)", nullptr,
     true, CheckBool},
    {"config", 0, "FILE", "the file of brokers (~/.config/rocketmq/brokers)",
     nullptr, true, nullptr},
};

absl::Status SetCommon(const CommonOption& option, absl::string_view value,
                       CommandLine* line) {
  if (option.set != nullptr) return option.set(value, line);
  if (option.check != nullptr) {
    const absl::Status status = option.check(value);
    if (!status.ok()) return status;
  }
  line->connection[std::string(option.name)] = std::string(value);
  return absl::OkStatus();
}

// Of commands with Command::follow.
constexpr absl::string_view kFollowTimeoutHelp =
    "how long the command may take (no limit)";

// Null if there is none of that name or letter.
const CommonOption* FindCommonOption(absl::string_view name) {
  for (const CommonOption& option : kCommonOptions) {
    if (option.name == name || (name.size() == 1 && option.letter == name[0])) {
      return &option;
    }
  }
  return nullptr;
}

const Option* FindOption(const Command& command, absl::string_view name) {
  for (const Option& option : command.options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

// Sets `line`'s value of the option to that of its values which `given` is.
absl::Status SetValue(const Option& option, absl::string_view given,
                      CommandLine* line) {
  switch (option.takes) {
    case Option::Takes::kWord: break;
    case Option::Takes::kText:
      line->values[std::string(option.name)] = std::string(given);
      return absl::OkStatus();
    case Option::Takes::kTexts:
      line->lists[std::string(option.name)].emplace_back(given);
      return absl::OkStatus();
    case Option::Takes::kNothing:
      line->values[std::string(option.name)] = "true";
      return absl::OkStatus();
  }
  const std::vector<std::string> values = absl::StrSplit(option.values, '|');
  for (const std::string& value : values) {
    if (!absl::EqualsIgnoreCase(value, given)) continue;
    line->values[std::string(option.name)] = value;
    return absl::OkStatus();
  }
  return MustBe(
      absl::StrCat("--", option.name),
      absl::StrCat(absl::StrJoin(values.begin(), values.end() - 1, ", "),
                   " or ", values.back()),
      given);
}

const Command* FindCommand(const std::vector<Command>& commands,
                           absl::string_view name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

std::string CommandNames(const std::vector<Command>& commands) {
  return absl::StrJoin(commands, ", ",
                       [](std::string* out, const Command& command) {
                         absl::StrAppend(out, command.name);
                       });
}

// The option of any command; null if no command has one of its own.
const Option* FindOptionOfAny(const std::vector<Command>& commands,
                              absl::string_view name) {
  for (const Command& command : commands) {
    const Option* const option = FindOption(command, name);
    if (option != nullptr) return option;
  }
  return nullptr;
}

// "NAME ARGUMENT...".
std::string Synopsis(const Command& command, absl::string_view options = "") {
  std::string synopsis = absl::StrCat(command.name, options);
  for (const Argument& argument : command.arguments) {
    absl::StrAppend(&synopsis, " ", argument.name);
  }
  if (!command.more_arguments.name.empty()) {
    absl::StrAppend(&synopsis, " [", command.more_arguments.name, "...]");
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

// Whether the command has it. Null: some command.
bool IsOption(const CommonOption& option, const Command* command) {
  return command == nullptr || command->run_locally == nullptr ||
         !option.is_of_broker ||
         (command->has_config && option.name == "config");
}

void AppendCommonOptions(const Command* command, std::string* text) {
  for (const CommonOption& option : kCommonOptions) {
    if (!IsOption(option, command)) continue;
    const std::string letter =
        option.letter == 0
            ? ""
            : absl::StrCat("-", std::string(1, option.letter), ", ");
    AppendRow(absl::StrCat(letter, "--", option.name, "=", option.values),
              command != nullptr && command->follow != nullptr &&
                      option.set == SetTimeout
                  ? kFollowTimeoutHelp
                  : option.help,
              kHelpColumn, text);
  }
}

std::string HelpOfAll(const std::vector<Command>& commands) {
  std::string text =
      "Shows what a broker's client manager knows.\n\n"
      "Usage: cmctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n";
  for (const Command& command : commands) {
    AppendRow(Synopsis(command), command.summary, kHelpColumn, &text);
  }
  AppendRow("help [COMMAND]", "this text, or a command's help", kHelpColumn,
            &text);
  absl::StrAppend(&text, "\nOptions of every command:\n");
  AppendCommonOptions(nullptr, &text);
  AppendRow("--help, --version", "this text; the version", kHelpColumn, &text);
  absl::StrAppend(&text,
                  "\nExits with 0; with 1 if the broker cannot be asked, "
                  "refuses, or does not have what\nwas looked for; with 2 for "
                  "bad usage.\n\nVariables of the environment stand in for "
                  "options that are not given: RMQ_BROKER,\nRMQ_TLS_CA, "
                  "RMQ_TLS_CERT, RMQ_TLS_KEY, RMQ_TLS_SERVER_NAME,\n"
                  "RMQ_CREDENTIALS_FILE, RMQ_ALLOW_INSECURE_CREDENTIALS, "
                  "RMQ_CONFIG.\n");
  return text;
}

std::string HelpOf(const Command& command) {
  std::string text =
      absl::StrCat("Usage: cmctl ", Synopsis(command, " [OPTION...]"), "\n\n",
                   command.details, "\n\nOptions:\n");
  for (const Option& option : command.options) {
    AppendRow(absl::StrCat("--", option.name,
                           option.takes == Option::Takes::kNothing ? "" : "=",
                           option.values),
              option.default_value.empty()
                  ? std::string(option.help)
                  : absl::StrCat(option.help, " (", option.default_value, ")"),
              kHelpColumn, &text);
  }
  AppendCommonOptions(&command, &text);
  return text;
}

// The arguments, sorted out; which options a command has is not looked at yet.
struct Words {
  std::vector<std::string> positional;
  std::vector<std::pair<std::string, std::string>> options;
  bool help = false;
  bool version = false;
};

// Whether the command, if it is among the words already, has the option.
bool HasOption(const Words& words, absl::string_view name,
               const std::vector<Command>& commands) {
  if (words.positional.empty()) return false;
  const Command* const command =
      FindCommand(commands, words.positional.front());
  return command != nullptr && FindOption(*command, name) != nullptr;
}

absl::StatusOr<Words> Split(const std::vector<std::string>& arguments,
                            const std::vector<Command>& commands) {
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
    if (argument == "--version" && !HasOption(words, "version", commands)) {
      words.version = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const absl::string_view dashed = argument.substr(0, equals);
    const absl::string_view name =
        dashed.substr(absl::StartsWith(dashed, "--") ? 2 : 1);
    const bool is_known =
        absl::StartsWith(dashed, "--") ? name.size() > 1 : name.size() == 1;
    const Option* const option = FindOptionOfAny(commands, name);
    if (!is_known || (option == nullptr && FindCommonOption(name) == nullptr)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown option ", dashed, "; see cmctl --help"));
    }
    if (option != nullptr && option->takes == Option::Takes::kNothing) {
      if (equals != absl::string_view::npos) {
        return absl::InvalidArgumentError(
            absl::StrCat("option ", dashed, " takes no value, got \"",
                         argument.substr(equals + 1), "\""));
      }
      words.options.emplace_back(name, "");
    } else if (equals != absl::string_view::npos) {
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
    const std::vector<std::string>& arguments,
    const std::vector<Command>& commands) {
  absl::StatusOr<Words> words = Split(arguments, commands);
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
    if (words->help) return ShowText(HelpOfAll(commands));
    return absl::InvalidArgumentError(
        absl::StrCat("no command; commands: ", CommandNames(commands),
                     "; see cmctl --help"));
  }
  const Command* const command = FindCommand(commands, positional.front());
  if (command == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown command \"", positional.front(),
        "\"; commands: ", CommandNames(commands), "; see cmctl --help"));
  }
  if (words->help) return ShowText(HelpOf(*command));

  CommandLine line;
  line.command = command;
  if (command->follow != nullptr) line.timeout = absl::InfiniteDuration();
  for (const Option& option : command->options) {
    if (option.takes == Option::Takes::kTexts) continue;
    line.values[std::string(option.name)] = std::string(option.default_value);
  }
  for (const auto& [name, value] : words->options) {
    const Option* const option = FindOption(*command, name);
    const CommonOption* common = FindCommonOption(name);
    if (common != nullptr && !IsOption(*common, command)) common = nullptr;
    if (option == nullptr && common == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(command->name, " has no option --", name,
                       "; see cmctl help ", command->name));
    }
    const absl::Status status = option != nullptr
                                    ? SetValue(*option, value, &line)
                                    : SetCommon(*common, value, &line);
    if (!status.ok()) return status;
  }

  const bool has_arguments = command->no_arguments_with.empty() ||
                             line.value(command->no_arguments_with).empty();
  const std::vector<Argument> wanted =
      has_arguments ? command->arguments : std::vector<Argument>();
  const size_t given = positional.size() - 1;
  if (given < wanted.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command->name, " needs ", wanted[given].name,
                     "; see cmctl help ", command->name));
  }
  const Argument& more = command->more_arguments;
  if (given > wanted.size() && more.name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        command->name, " takes no further argument, got \"",
        positional[wanted.size() + 1], "\"; see cmctl help ", command->name));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    line.values[std::string(wanted[i].field)] = std::move(positional[i + 1]);
  }
  for (size_t i = wanted.size(); i < given; ++i) {
    line.lists[std::string(more.field)].push_back(std::move(positional[i + 1]));
  }
  if (command->check != nullptr) {
    const absl::Status status = command->check(line);
    if (!status.ok()) return status;
  }
  return line;
}

}  // namespace rmq::cmctl
