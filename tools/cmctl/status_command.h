// The command that shows several brokers as one, and where they disagree.
#ifndef TOOLS_CMCTL_STATUS_COMMAND_H_
#define TOOLS_CMCTL_STATUS_COMMAND_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> StatusCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_STATUS_COMMAND_H_
