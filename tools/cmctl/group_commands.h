// The commands that show groups and who is in them.
#ifndef TOOLS_CMCTL_GROUP_COMMANDS_H_
#define TOOLS_CMCTL_GROUP_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help.
std::vector<Command> GroupCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_GROUP_COMMANDS_H_
