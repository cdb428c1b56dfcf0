// The command that watches a broker's groups.
#ifndef TOOLS_CMCTL_WATCH_COMMAND_H_
#define TOOLS_CMCTL_WATCH_COMMAND_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> WatchCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_WATCH_COMMAND_H_
