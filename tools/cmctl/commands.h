// The commands that ask once and show the answer.
#ifndef TOOLS_CMCTL_COMMANDS_H_
#define TOOLS_CMCTL_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help.
std::vector<Command> LookUpCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMMANDS_H_
