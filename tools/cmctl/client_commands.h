// The commands that find clients and take them out.
#ifndef TOOLS_CMCTL_CLIENT_COMMANDS_H_
#define TOOLS_CMCTL_CLIENT_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> ClientCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_CLIENT_COMMANDS_H_
