// One run of cmctl, from its arguments to its exit code.
#ifndef TOOLS_CMCTL_RUN_COMMAND_H_
#define TOOLS_CMCTL_RUN_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

#include "tools/cmctl/all_commands.h"
#include "tools/cmctl/broker_connection.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/console.h"
#include "tools/cmctl/exit_codes.h"

namespace rmq::cmctl {

// `arguments` are those after the program's name. `environment` has variables
// that stand in for options (broker_connection.h). What was asked for goes to
// `out`, what went wrong to `err`. Only a command with Command::follow, or one
// that asks several brokers, may have both; only the former uses `console`.
int RunCommand(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err, const Console& console = Console(),
               const std::vector<Command>& commands = Commands(),
               const Environment& environment = ProcessEnvironment());

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_RUN_COMMAND_H_
