// Reads what cmctl is asked to do.
//
// Parsed by hand rather than by absl/flags: each command has its own options
// and help, -o has a long name too, and bad usage exits with 2.
#ifndef TOOLS_CMCTL_COMMAND_LINE_H_
#define TOOLS_CMCTL_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/cmctl/all_commands.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// `arguments` are those after the program's name. InvalidArgument for bad
// usage, with a message for the user that says what to do instead. The line
// points into `commands`.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& arguments,
    const std::vector<Command>& commands = Commands());

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMAND_LINE_H_
