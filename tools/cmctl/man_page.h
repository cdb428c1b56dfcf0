// cmctl's manual page, made from the commands.
#ifndef TOOLS_CMCTL_MAN_PAGE_H_
#define TOOLS_CMCTL_MAN_PAGE_H_

#include <string>
#include <vector>

#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// cmctl(1) in roff, with the macros of man(7).
std::string ManPage(const std::vector<Command>& commands);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_MAN_PAGE_H_
