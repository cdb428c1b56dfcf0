// Scripts that complete cmctl's command line in shells, made from the commands.
#ifndef TOOLS_CMCTL_COMPLETION_SCRIPTS_H_
#define TOOLS_CMCTL_COMPLETION_SCRIPTS_H_

#include <string>
#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// Each completes commands, their options, and the values of options that take
// one of a few words or a file. No broker is asked.

std::string BashCompletion(const std::vector<Command>& commands);
std::string ZshCompletion(const std::vector<Command>& commands);
std::string FishCompletion(const std::vector<Command>& commands);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_COMPLETION_SCRIPTS_H_
