// An address that a server listens on.
#ifndef COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
#define COMMON_RPC_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {

struct ListenAddress {
  // As given: a name, an IPv4 address, or an IPv6 address in brackets.
  std::string host;
  // 0: the system chooses one.
  int port = 0;
  // How its connections are secured. kLocal: `path` is the absolute path of a
  // Unix socket, and there is neither host nor port.
  TransportKind kind = TransportKind::kPlaintext;
  std::string path = {};
  // It is for operators: see Connection::is_for_operators().
  bool is_for_operators = false;
};

// Returns "host:port" or "unix:/path".
std::string TextOf(const ListenAddress& address);

// Parses `address`. Returns InvalidArgument, naming `field` and the value, if
// it is not a "host:port".
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view field,
                                                 absl::string_view address);

// Parses "host:port", which has the kind `bare`, "tls://host:port",
// "plaintext://host:port" or "unix:/path". Returns InvalidArgument, naming
// `field` and the value, if it is none of them.
absl::StatusOr<ListenAddress> ParseServerAddress(absl::string_view field,
                                                 absl::string_view address,
                                                 TransportKind bare);

// Returns whether only this machine can reach the address: a Unix socket,
// 127.0.0.0/8, ::1 or localhost. Any other name counts as reachable by others.
bool IsLoopback(const ListenAddress& address);

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_ADDRESS_H_
