// The address that a server listens on: "host:port".
#ifndef COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
#define COMMON_RPC_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq {

struct ListenAddress {
  // As given: a name, an IPv4 address, or an IPv6 address in brackets.
  std::string host;
  // 0: the system chooses one.
  int port = 0;
};

// Parses `address`. Returns InvalidArgument, naming `field` and the value, if
// it is not a "host:port".
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field,
                                                 absl::string_view address);

// Returns whether only this machine can reach the address: 127.0.0.0/8, ::1 or
// localhost. Any other name counts as reachable by others.
bool IsLoopback(const ListenAddress& address);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
