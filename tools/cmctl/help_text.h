// The texts that cmctl --help and cmctl help COMMAND print.
#ifndef TOOLS_CMCTL_HELP_TEXT_H_
#define TOOLS_CMCTL_HELP_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// "NAME ARGUMENT...".
std::string Synopsis(const Command& command, absl::string_view options = "");

// An exit code, or a range of them, and what it means.
struct ExitCodeInfo {
  absl::string_view code;
  absl::string_view meaning;
};
absl::Span<const ExitCodeInfo> ExitCodes();

// Which variables of the environment stand in for options.
absl::string_view EnvironmentHelp();

std::string HelpOfAll(const std::vector<Command>& commands);
std::string HelpOf(const Command& command);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_HELP_TEXT_H_
