#include "tools/cmctl/help_text.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "tools/cmctl/common_options.h"
#include "tools/cmctl/mqadmin_names.h"

namespace rmq::cmctl {
namespace {

// Where the right column of a help text begins, behind two spaces.
constexpr size_t kHelpColumn = 34;
constexpr size_t kExitCodeColumn = 10;

// Two columns, the left one `width` wide; further lines of `right` are indented
// as the first. It begins on a line of its own where `left` is too long.
void AppendRow(absl::string_view left, absl::string_view right, size_t width,
               std::string* text) {
  const bool fits = left.size() + 1 < width;
  absl::StrAppend(text, "  ", left, fits ? "" : "\n",
                  std::string(fits ? width - left.size() : width + 2, ' '));
  for (char c : right) {
    text->push_back(c);
    if (c == '\n') text->append(width + 2, ' ');
  }
  text->push_back('\n');
}

void AppendCommonOptions(const Command* command, std::string* text) {
  for (const CommonOption& option : CommonOptions()) {
    if (!IsOptionOf(option, command)) continue;
    const std::string letter =
        option.letter == 0
            ? ""
            : absl::StrCat("-", std::string(1, option.letter), ", ");
    AppendRow(
        absl::StrCat(letter, "--", option.name, "=", ValuesOf(option, command)),
        HelpOfOption(option, command), kHelpColumn, text);
  }
}

constexpr ExitCodeInfo kExitCodes[] = {
    {"0", "done"},
    {"1",
     "the broker cannot be asked, refuses, or does not have what was\nlooked "
     "for; none of several does"},
    {"2", "bad usage"},
    {"3",
     "of several brokers some answer, and others cannot be asked or\nrefuse"},
    {"4",
     "status: the brokers disagree; doctor: there is an error or a\nwarning"},
    {"130, 143", "ended by Ctrl-C, by SIGTERM"},
};

}  // namespace

absl::Span<const ExitCodeInfo> ExitCodes() { return kExitCodes; }

absl::string_view EnvironmentHelp() {
  return "Variables of the environment stand in for options that are not "
         "given: RMQ_BROKER,\nRMQ_CLUSTER, RMQ_TLS_CA, RMQ_TLS_CERT, "
         "RMQ_TLS_KEY, RMQ_TLS_SERVER_NAME,\nRMQ_CREDENTIALS_FILE, "
         "RMQ_ALLOW_INSECURE_CREDENTIALS, RMQ_CONFIG, RMQ_ETCD, RMQ_ETCD_...";
}

std::string Synopsis(const Command& command, absl::string_view options) {
  std::string synopsis = absl::StrCat(command.name, options);
  for (const Argument& argument : command.arguments) {
    absl::StrAppend(&synopsis, " ", argument.name);
  }
  if (!command.more_arguments.name.empty()) {
    absl::StrAppend(&synopsis, " [", command.more_arguments.name, "...]");
  }
  return synopsis;
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
  absl::StrAppend(&text, "\nNames of RocketMQ's mqadmin work too:\n");
  for (const MqadminName& name : MqadminNames()) {
    AppendRow(name.usage, name.command, kHelpColumn, &text);
  }
  absl::StrAppend(&text, "\nExit codes:\n");
  for (const ExitCodeInfo& code : ExitCodes()) {
    AppendRow(code.code, code.meaning, kExitCodeColumn, &text);
  }
  absl::StrAppend(&text, "\n", EnvironmentHelp(), "\n");
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

}  // namespace rmq::cmctl
