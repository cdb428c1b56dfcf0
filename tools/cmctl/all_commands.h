// The list of all commands.
#ifndef TOOLS_CMCTL_ALL_COMMANDS_H_
#define TOOLS_CMCTL_ALL_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help. Each family of commands has a file of its own.
const std::vector<Command>& Commands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_ALL_COMMANDS_H_
