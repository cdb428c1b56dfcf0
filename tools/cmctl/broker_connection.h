// Which broker a command asks, and how it is secured: from the options, the
// environment, and the file of named brokers.
#ifndef TOOLS_CMCTL_BROKER_CONNECTION_H_
#define TOOLS_CMCTL_BROKER_CONNECTION_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "tools/cmctl/command.h"

namespace rmq::cmctl {

// The value of a variable of the environment; "" if it is not set.
using Environment = std::function<std::string(const std::string& name)>;
Environment ProcessEnvironment();

// The file of named brokers: --config, RMQ_CONFIG, or
// $XDG_CONFIG_HOME/rocketmq/brokers, by default ~/.config/rocketmq/brokers. ""
// if none of them is known.
std::string ConfigFile(const CommandLine& line, const Environment& environment);

// Sets CommandLine::broker and CommandLine::security. What an option says
// counts first, then what a variable of the environment says (RMQ_TLS_CA for
// --tls_ca, and so on), then what the file says of the broker.
//
// InvalidArgument, for the user, if what was given does not fit together, if
// the file is wrong, or if it does not have the broker.
absl::Status FindConnection(const Environment& environment, CommandLine* line);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_BROKER_CONNECTION_H_
