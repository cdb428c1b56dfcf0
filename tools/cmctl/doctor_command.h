// The command that looks for known misconfigurations of brokers.
#ifndef TOOLS_CMCTL_DOCTOR_COMMAND_H_
#define TOOLS_CMCTL_DOCTOR_COMMAND_H_

#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

std::vector<Command> DoctorCommands();

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_DOCTOR_COMMAND_H_
