// Which brokers a command asks, and how they are secured: from the options, the
// environment, and the file of named brokers.
#ifndef TOOLS_CMCTL_BROKER_CONNECTION_H_
#define TOOLS_CMCTL_BROKER_CONNECTION_H_

#include <cstddef>
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

// At most so many brokers are asked.
inline constexpr size_t kMostBrokers = 64;

// Sets CommandLine::brokers. What an option says counts first, then what a
// variable of the environment says (RMQ_TLS_CA for --tls_ca, and so on), then
// what the file says of each broker. The file is read only if a broker is asked
// by its name, or none is named: a wrong one stops nobody who names addresses.
//
// With --cluster the brokers are those that its source names, which is waited
// for, for the line's timeout at most; with --broker too those of them that it
// names. A cluster that the environment names is left out of account if each
// --broker can be asked without it.
//
// InvalidArgument, for the user, if what was given does not fit together, if
// the file is wrong, if it does not have a broker, if a broker is named twice,
// or if there are more than kMostBrokers. Other errors: the source of --cluster
// cannot be asked, or lists no broker, or not the one that is named (NotFound).
absl::Status FindConnection(const Environment& environment, CommandLine* line);

}  // namespace rmq::cmctl

#endif  // TOOLS_CMCTL_BROKER_CONNECTION_H_
