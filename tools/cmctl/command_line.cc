#include "tools/cmctl/command_line.h"

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/version.h"
#include "tools/cmctl/common_options.h"
#include "tools/cmctl/help_text.h"
#include "tools/cmctl/mqadmin_names.h"

namespace rmq::cmctl {
namespace {

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
  return MustBe(absl::StrCat("--", option.name), Alternatives(values), given);
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
  const auto ours = FromMqadmin(arguments);
  if (!ours.ok()) return ours.status();
  absl::StatusOr<Words> words = Split(*ours, commands);
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
  if (command->follow != nullptr && command->run == nullptr) {
    line.timeout = absl::InfiniteDuration();
  }
  for (const Option& option : command->options) {
    if (option.takes == Option::Takes::kTexts) continue;
    line.values[std::string(option.name)] = std::string(option.default_value);
  }
  for (const auto& [name, value] : words->options) {
    const Option* const option = FindOption(*command, name);
    const CommonOption* common = FindCommonOption(name);
    if (common != nullptr && !IsOptionOf(*common, command)) common = nullptr;
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
  const absl::Status sort = CheckSort(line);
  if (!sort.ok()) return sort;
  if (command->check != nullptr) {
    const absl::Status status = command->check(line);
    if (!status.ok()) return status;
  }
  return line;
}

}  // namespace rmq::cmctl
