// The address of a call's client, as logs and limits know it.
#ifndef COMMON_RPC_SERVER_PEER_ADDRESS_H_
#define COMMON_RPC_SERVER_PEER_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace rmq {

// Returns "host:port" for the "ipv4:host:port" or the escaped
// "ipv6:[host]:port" that grpc::ServerContext::peer() returns. Returns any
// other peer unchanged.
std::string PeerAddress(absl::string_view peer);

// Returns the host of a "host:port", as a view into it.
absl::string_view HostOf(absl::string_view peer_address);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_PEER_ADDRESS_H_
