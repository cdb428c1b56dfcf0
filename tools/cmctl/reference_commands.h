// The commands that print what shells and man(1) know of cmctl.
#ifndef TOOLS_CMCTL_REFERENCE_COMMANDS_H_
#define TOOLS_CMCTL_REFERENCE_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// `all` returns all commands, these included; it is called when one of these
// runs.
std::vector<Command> ReferenceCommands(const std::vector<Command>& (*all)());

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_REFERENCE_COMMANDS_H_
