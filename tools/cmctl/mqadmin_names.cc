#include "tools/cmctl/mqadmin_names.h"

#include <algorithm>
#include <cstddef>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace rmq::cmctl {
namespace {

constexpr MqadminName kNames[] = {
    {"consumerConnection", "consumerConnection -g GROUP", "connections"},
    {"producerConnection", "producerConnection -g GROUP", "connections"},
    {"consumerStatus", "consumerStatus -g GROUP [-i CLIENT_ID]", "consistency"},
    {"clusterList", "clusterList", "broker"},
};

// mqadmin's options, by their letters, with their long names.
struct MqadminOption {
  char letter;
  absl::string_view names[3];
  // The commands that have it, each between spaces.
  absl::string_view commands;
};
constexpr MqadminOption kOptions[] = {
    {'g',
     {"group", "consumerGroup", "producerGroup"},
     " consumerConnection producerConnection consumerStatus "},
    {'i', {"clientId"}, " consumerStatus "},
    {'t', {"topic"}, " producerConnection "},
    {'b',
     {"brokerAddr"},
     " consumerConnection producerConnection consumerStatus clusterList "},
};

const MqadminName* FindName(absl::string_view name) {
  for (const MqadminName& each : kNames) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

// `dashed` is "-g" or "--consumerGroup".
const MqadminOption* FindOption(absl::string_view dashed,
                                absl::string_view command) {
  for (const MqadminOption& option : kOptions) {
    if (!absl::StrContains(option.commands, absl::StrCat(" ", command, " "))) {
      continue;
    }
    if (dashed == absl::StrCat("-", std::string(1, option.letter))) {
      return &option;
    }
    for (const absl::string_view name : option.names) {
      if (!name.empty() && dashed == absl::StrCat("--", name)) return &option;
    }
  }
  return nullptr;
}

absl::Status CheckRefused(absl::string_view dashed, absl::string_view command) {
  if (dashed == "-n" || dashed == "--namesrvAddr") {
    return absl::InvalidArgumentError(
        absl::StrCat(dashed,
                     " names a name server, and there is none here: "
                     "give --broker=HOST:PORT, several with commas"));
  }
  if (dashed == "-m" || dashed == "--moreStats" || dashed == "-s" ||
      dashed == "--jstack") {
    return absl::InvalidArgumentError(absl::StrCat(
        command, " has no ", dashed, " here; see cmctl help ", command));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const MqadminName> MqadminNames() { return kNames; }

absl::StatusOr<std::vector<std::string>> FromMqadmin(
    const std::vector<std::string>& arguments) {
  const bool is_help = !arguments.empty() && arguments[0] == "help";
  const size_t first = is_help ? 1 : 0;
  if (arguments.size() <= first) return arguments;
  const MqadminName* const name = FindName(arguments[first]);
  if (name == nullptr) return arguments;
  if (is_help) {
    return std::vector<std::string>{"help", std::string(name->command)};
  }
  std::map<char, std::string> values;
  std::vector<std::string> others;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    const size_t equals = argument.find('=');
    const absl::string_view dashed = argument.substr(0, equals);
    const absl::Status status = CheckRefused(dashed, name->name);
    if (!status.ok()) return status;
    const MqadminOption* const option = FindOption(dashed, name->name);
    if (option == nullptr) {
      others.emplace_back(argument);
    } else if (equals != absl::string_view::npos) {
      values[option->letter] = std::string(argument.substr(equals + 1));
    } else if (i + 1 < arguments.size()) {
      values[option->letter] = arguments[++i];
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("option ", dashed, " needs a value"));
    }
  }
  std::vector<std::string> ours = {std::string(name->command)};
  if (values.count('b') > 0) ours.push_back("--broker=" + values['b']);
  ours.insert(ours.end(), others.begin(), others.end());
  const bool is_help_asked =
      std::find(others.begin(), others.end(), "--help") != others.end() ||
      std::find(others.begin(), others.end(), "-h") != others.end();
  if (name->command == "broker" || is_help_asked) return ours;
  if (values.count('g') == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        name->name, " needs -g GROUP; see cmctl help ", name->name));
  }
  if (name->name == "producerConnection") ours.push_back("--kind=producer");
  if (values.count('i') > 0) ours[0] = "client";
  // A name may begin with a dash.
  ours.push_back("--");
  ours.push_back(values.count('i') > 0 ? values['i'] : values['g']);
  return ours;
}

}  // namespace rmq::cmctl
