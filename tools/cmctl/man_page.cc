#include "tools/cmctl/man_page.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/version.h"
#include "tools/cmctl/common_options.h"
#include "tools/cmctl/help_text.h"
#include "tools/cmctl/mqadmin_names.h"

namespace rmq::cmctl {
namespace {

// Text in which roff sees nothing of its own.
std::string Escaped(absl::string_view line) {
  const std::string text =
      absl::StrReplaceAll(line, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}});
  return absl::StartsWith(text, ".") ? absl::StrCat("\\&", text) : text;
}

// Lines are filled, but for those that are indented and for empty ones.
std::string Paragraph(absl::string_view text) {
  std::string roff;
  bool is_example = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const bool is_indented = absl::StartsWith(line, "  ");
    if (is_indented != is_example) roff += is_indented ? ".nf\n" : ".fi\n";
    is_example = is_indented;
    absl::StrAppend(&roff, line.empty() ? ".sp" : Escaped(line), "\n");
  }
  return is_example ? absl::StrCat(roff, ".fi\n") : roff;
}

std::string Section(absl::string_view name) {
  return absl::StrCat(".SH ", name, "\n");
}

// A term, and what it means, indented.
std::string Entry(absl::string_view term, absl::string_view text) {
  return absl::StrCat(".TP\n.B ", Escaped(term), "\n", Paragraph(text));
}

std::string OptionEntry(const Option& option) {
  return Entry(
      absl::StrCat("--", option.name,
                   option.takes == Option::Takes::kNothing ? "" : "=",
                   option.values),
      option.default_value.empty()
          ? std::string(option.help)
          : absl::StrCat(option.help, " (", option.default_value, ")"));
}

std::string CommandEntry(const Command& command) {
  std::string roff = absl::StrCat(".SS \"", Escaped(Synopsis(command)), "\"\n",
                                  Paragraph(command.details));
  for (const Option& option : command.options) roff += OptionEntry(option);
  return roff;
}

}  // namespace

std::string ManPage(const std::vector<Command>& commands) {
  std::string roff = absl::StrCat(
      ".\\\" Made by `cmctl man`.\n.TH CMCTL 1 \"\" \"rocketmq-client-manager ",
      kVersion, "\" \"User Commands\"\n", Section("NAME"),
      "cmctl \\- shows and steers what a broker's client manager knows\n",
      Section("SYNOPSIS"),
      ".B cmctl\n[\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n",
      Section("DESCRIPTION"),
      Paragraph("Asks one broker, or several at once, and prints the whole "
                "answer: all pages are followed. Rows of several brokers stand "
                "in one table, each behind its broker. Brokers that do not "
                "answer are said on standard error."),
      Section("OPTIONS"), "Of every command that asks a broker:\n");
  for (const CommonOption& option : CommonOptions()) {
    const std::string letter =
        option.letter == 0
            ? ""
            : absl::StrCat("-", std::string(1, option.letter), ", ");
    absl::StrAppend(&roff, Entry(absl::StrCat(letter, "--", option.name, "=",
                                              ValuesOf(option, nullptr)),
                                 HelpOfOption(option, nullptr)));
  }
  absl::StrAppend(&roff, Section("COMMANDS"));
  for (const Command& command : commands) {
    absl::StrAppend(&roff, CommandEntry(command));
  }
  absl::StrAppend(&roff, Section("\"NAMES OF MQADMIN\""),
                  "RocketMQ's own names work too, with its options:\n");
  for (const MqadminName& name : MqadminNames()) {
    absl::StrAppend(&roff,
                    Entry(name.usage, absl::StrCat("is ", name.command, ".")));
  }
  absl::StrAppend(&roff, Section("\"EXIT STATUS\""));
  for (const ExitCodeInfo& code : ExitCodes()) {
    absl::StrAppend(&roff, Entry(code.code, code.meaning));
  }
  return absl::StrCat(roff, Section("ENVIRONMENT"),
                      Paragraph(EnvironmentHelp()), Section("FILES"),
                      Entry("~/.config/rocketmq/brokers",
                            "The brokers that are known by name: see config."));
}

}  // namespace rmq::cmctl
