// One run of cmctl, from its arguments to its exit code.
#ifndef TOOLS_CMCTL_RUN_COMMAND_H_
#define TOOLS_CMCTL_RUN_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

namespace rmq::cmctl {

inline constexpr int kExitOk = 0;
// The broker cannot be asked, or refuses.
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

// `arguments` are those after the program's name. What was asked for goes to
// `out`, what went wrong to `err`; never both.
int RunCommand(const std::vector<std::string>& arguments, std::ostream& out,
               std::ostream& err);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_RUN_COMMAND_H_
