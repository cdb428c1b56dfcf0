// The command that has a broker read its files again.
#ifndef TOOLS_CMCTL_RELOAD_COMMAND_H_
#define TOOLS_CMCTL_RELOAD_COMMAND_H_

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// reload
Command ReloadCommand();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_RELOAD_COMMAND_H_
