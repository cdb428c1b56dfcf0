// The commands that show the channels of a client or a group.
#ifndef TOOLS_CMCTL_CHANNEL_COMMANDS_H_
#define TOOLS_CMCTL_CHANNEL_COMMANDS_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// In the order of the help.
std::vector<Command> ChannelCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_CHANNEL_COMMANDS_H_
