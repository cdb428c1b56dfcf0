#include "tools/cmctl/completion_scripts.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tools/cmctl/common_options.h"

namespace rmq::cmctl {
namespace {

// An option as shells are told of it.
struct ShellOption {
  std::string name;
  std::string letter;  // Empty: it has none.
  std::string help;    // One line.
  bool takes_value = true;
  bool takes_file = false;
  std::vector<std::string> words;  // Empty: any text will do.
};

// One line, without what shells take for their own.
std::string OneLine(absl::string_view help) {
  return absl::StrReplaceAll(help, {{"\n", " "},
                                    {"'", ""},
                                    {"\"", ""},
                                    {"[", "("},
                                    {"]", ")"},
                                    {":", ","},
                                    {"\\", ""}});
}

// "consumer|producer" are words, "FILE|system" and "KEY=VALUE" are not.
std::vector<std::string> WordsOf(absl::string_view values) {
  std::vector<std::string> words;
  for (const absl::string_view word : absl::StrSplit(values, '|')) {
    const bool is_placeholder =
        word.empty() || absl::AsciiStrToUpper(word) == word ||
        word.find_first_of("=[:") != absl::string_view::npos;
    if (!is_placeholder) words.emplace_back(word);
  }
  return words;
}

std::vector<ShellOption> OptionsOf(const Command& command) {
  std::vector<ShellOption> options;
  for (const Option& option : command.options) {
    ShellOption& shell = options.emplace_back();
    shell.name = std::string(option.name);
    shell.help = OneLine(option.help);
    shell.takes_value = option.takes != Option::Takes::kNothing;
    shell.takes_file = absl::StrContains(option.values, "FILE");
    if (option.takes == Option::Takes::kWord) {
      shell.words = absl::StrSplit(option.values, '|');
    }
  }
  for (const CommonOption& option : CommonOptions()) {
    if (!IsOptionOf(option, &command)) continue;
    ShellOption& shell = options.emplace_back();
    const std::string values = ValuesOf(option, &command);
    shell.name = std::string(option.name);
    if (option.letter != 0) shell.letter = std::string(1, option.letter);
    shell.help = OneLine(HelpOfOption(option, &command));
    shell.takes_file = absl::StrContains(values, "FILE");
    shell.words = WordsOf(values);
  }
  return options;
}

// The words that a first argument can be, as in "list|use".
std::vector<std::string> ArgumentWords(const Command& command) {
  return command.arguments.empty() ? std::vector<std::string>()
                                   : WordsOf(command.arguments[0].name);
}

std::string Names(const std::vector<Command>& commands) {
  return absl::StrJoin(commands, " ",
                       [](std::string* out, const Command& command) {
                         absl::StrAppend(out, command.name);
                       });
}

}  // namespace

std::string BashCompletion(const std::vector<Command>& commands) {
  std::string options;
  std::string values;
  for (const Command& command : commands) {
    std::vector<std::string> words = ArgumentWords(command);
    for (const ShellOption& option : OptionsOf(command)) {
      words.push_back(
          absl::StrCat("--", option.name, option.takes_value ? "=" : ""));
      if (option.words.empty() && !option.takes_file) continue;
      const std::string letter =
          option.letter.empty()
              ? ""
              : absl::StrCat("|'", command.name, " -", option.letter, "'");
      absl::StrAppend(&values, "    '", command.name, " --", option.name, "'",
                      letter, ") ", option.takes_file ? "files=1; " : "",
                      "words='", absl::StrJoin(option.words, " "), "' ;;\n");
    }
    words.emplace_back("--help");
    absl::StrAppend(&options, "    ", command.name, ") words='",
                    absl::StrJoin(words, " "), "' ;;\n");
  }
  return absl::StrCat(
      R"(# Completes cmctl's command line in bash: source it, or put it into
# /usr/share/bash-completion/completions/cmctl. Made by `cmctl completion bash`.
_cmctl() {
  local commands=' )",
      Names(commands), R"( help '
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local command='' option='' words='' files='' i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ $commands == *" ${COMP_WORDS[i]} "* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  # "--option=value" comes as three words.
  if [[ $current == '=' ]]; then
    option=$previous current=''
  elif [[ $previous == '=' ]]; then
    option=${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $previous == -* ]]; then
    option=$previous
  fi
  if [[ -n $option ]]; then
    case "$command $option" in
)",
      values, R"(    esac
  fi
  if [[ -z $words && -z $files ]]; then
    case "$command" in
    ''|help) words=$commands ;;
)",
      options, R"(    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [[ -z $files ]] || COMPREPLY+=($(compgen -f -- "$current"))
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}
complete -F _cmctl cmctl
)");
}

std::string ZshCompletion(const std::vector<Command>& commands) {
  std::string described;
  std::string cases;
  for (const Command& command : commands) {
    absl::StrAppend(&described, "    '", command.name, ":",
                    OneLine(command.summary), "'\n");
    absl::StrAppend(&cases, "    ", command.name, ")\n      _arguments");
    for (const ShellOption& option : OptionsOf(command)) {
      const std::string action =
          option.takes_file ? "_files"
          : option.words.empty()
              ? " "
              : absl::StrCat("(", absl::StrJoin(option.words, " "), ")");
      const std::string value =
          option.takes_value ? absl::StrCat(":value:", action) : "";
      absl::StrAppend(&cases, " \\\n        '--", option.name,
                      option.takes_value ? "=" : "", "[", option.help, "]",
                      value, "'");
      if (!option.letter.empty()) {
        absl::StrAppend(&cases, " \\\n        '-", option.letter, "[",
                        option.help, "]", value, "'");
      }
    }
    const std::vector<std::string> words = ArgumentWords(command);
    if (!words.empty()) {
      absl::StrAppend(&cases, " \\\n        '1:what:(",
                      absl::StrJoin(words, " "), ")'");
    }
    absl::StrAppend(&cases, " \\\n        '--help[what the command does]'\n",
                    "      ;;\n");
  }
  return absl::StrCat(
      R"(#compdef cmctl
# Completes cmctl's command line in zsh: put it into a folder of $fpath as
# _cmctl. Made by `cmctl completion zsh`.
_cmctl() {
  local -a commands
  commands=(
)",
      described, R"(    'help:what a command does'
  )
  if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
)",
      cases, R"(  esac
}
# From a folder of $fpath, zsh runs this file at the first completion.
if [[ $funcstack[1] == _cmctl ]]; then
  _cmctl "$@"
else
  compdef _cmctl cmctl
fi
)");
}

std::string FishCompletion(const std::vector<Command>& commands) {
  std::string text =
      "# Completes cmctl's command line in fish: put it into\n"
      "# ~/.config/fish/completions/cmctl.fish. Made by `cmctl completion "
      "fish`.\n"
      "complete -c cmctl -f\n";
  for (const Command& command : commands) {
    absl::StrAppend(&text, "complete -c cmctl -n __fish_use_subcommand -a ",
                    command.name, " -d '", OneLine(command.summary), "'\n");
    const std::string condition =
        absl::StrCat("complete -c cmctl -n '__fish_seen_subcommand_from ",
                     command.name, "' ");
    for (const std::string& word : ArgumentWords(command)) {
      absl::StrAppend(&text, condition, "-a ", word, "\n");
    }
    for (const ShellOption& option : OptionsOf(command)) {
      absl::StrAppend(&text, condition, "-l ", option.name);
      if (!option.letter.empty()) {
        absl::StrAppend(&text, " -s ", option.letter);
      }
      if (option.takes_file) {
        text += " -r -F";
      } else if (option.takes_value) {
        text += " -x";
      }
      if (!option.words.empty()) {
        absl::StrAppend(&text, " -a '", absl::StrJoin(option.words, " "), "'");
      }
      absl::StrAppend(&text, " -d '", option.help, "'\n");
    }
  }
  return absl::StrCat(
      text, "complete -c cmctl -n __fish_use_subcommand -a help -d ",
      "'what a command does'\n",
      "complete -c cmctl -n '__fish_seen_subcommand_from help' -a '",
      Names(commands), "'\n");
}

}  // namespace rmq::cmctl
