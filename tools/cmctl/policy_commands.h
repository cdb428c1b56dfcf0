// The commands that show a broker's configuration, and what it makes of groups.
#ifndef TOOLS_CMCTL_POLICY_COMMANDS_H_
#define TOOLS_CMCTL_POLICY_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help.
std::vector<Command> PolicyCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_POLICY_COMMANDS_H_
