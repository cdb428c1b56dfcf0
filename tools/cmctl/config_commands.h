// The command about the file of named brokers.
#ifndef TOOLS_CMCTL_CONFIG_COMMANDS_H_
#define TOOLS_CMCTL_CONFIG_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> ConfigCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_CONFIG_COMMANDS_H_
