// The commands about files of users and rules. They ask no broker.
#ifndef TOOLS_CMCTL_AUTH_COMMANDS_H_
#define TOOLS_CMCTL_AUTH_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help.
std::vector<Command> AuthCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_AUTH_COMMANDS_H_
