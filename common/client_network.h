// The network that a client's address is in, as limits for each address count.
#ifndef COMMON_CLIENT_NETWORK_H_
#define COMMON_CLIENT_NETWORK_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace rmq {

// Names a network: an IPv4 host, or the /64 network of an IPv6 host, since one
// client commonly has the whole network. An IPv4 host that is written as an
// IPv6 one is the IPv4 host.
using ClientNetwork = uint64_t;

// All that is no IP address, such as unix sockets and "", is one network.
inline constexpr ClientNetwork kNoIpNetwork = ~ClientNetwork{0};

// `address`: "host:port" or "[host]:port".
ClientNetwork ClientNetworkOf(absl::string_view address);

// The host of a "host:port", for messages; "no IP address" if it is none. A
// view into `address`, or a constant.
absl::string_view HostForMessage(absl::string_view address);

}  // namespace rmq

#endif  // COMMON_CLIENT_NETWORK_H_
