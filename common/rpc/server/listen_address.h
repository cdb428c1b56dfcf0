// Where a broker listens: "host:port".
#ifndef COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
#define COMMON_RPC_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace rmq {

struct ListenAddress {
  // As it was given: a name, an IPv4 address, or an IPv6 address in brackets.
  std::string host;
  // 0: the system chooses one.
  int port = 0;
};

// InvalidArgument, naming `field` and the value, for anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field,
                                                 absl::string_view address);

// Whether only this machine reaches it: 127.0.0.0/8, ::1 or localhost. Another
// name counts as reachable, whatever it resolves to.
bool IsLoopback(const ListenAddress& address);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
