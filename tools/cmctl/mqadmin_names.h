// RocketMQ's own names of commands: what `mqadmin` takes.
#ifndef TOOLS_CMCTL_MQADMIN_NAMES_H_
#define TOOLS_CMCTL_MQADMIN_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace rmq::cmctl {

// A command of mqadmin, and what it is here.
struct MqadminName {
  absl::string_view name;
  // How it is given, for the help.
  absl::string_view usage;
  // The command of cmctl that it stands for.
  absl::string_view command;
};
absl::Span<const MqadminName> MqadminNames();

// cmctl's arguments for those that begin with one of mqadmin's names, or with
// "help" and such a name; other arguments as they are. The name's own options
// (-g, -i, -t, -b and their long names) become arguments and options of cmctl;
// the others are left to the command.
//
// InvalidArgument, for the user, if -n is given, since there is no name server,
// if an option has no meaning here or lacks its value, or if the command needs
// one that is not given.
absl::StatusOr<std::vector<std::string>> FromMqadmin(
    const std::vector<std::string>& arguments);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_MQADMIN_NAMES_H_
