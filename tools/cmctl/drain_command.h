// cmctl drain.
#ifndef TOOLS_CMCTL_DRAIN_COMMAND_H_
#define TOOLS_CMCTL_DRAIN_COMMAND_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> DrainCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_DRAIN_COMMAND_H_
