// The address of a connected client.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_SOCKET_ADDRESS_H_
#define COMMON_RPC_SERVER_ACCEPTOR_SOCKET_ADDRESS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "absl/strings/str_cat.h"

namespace rmq {

// Returns "host:port" as PeerAddress() does of what gRPC tells of the same
// client: an IPv6 host in brackets, with its zone if it has one; an IPv4
// address in IPv6 as that of IPv4.
inline std::string PeerOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return absl::StrCat(text.data(), ":", ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    constexpr int kV4At = 12;
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[kV4At], text.data(), text.size());
    return absl::StrCat(text.data(), ":", ntohs(v6.sin6_port));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  const std::string zone =
      v6.sin6_scope_id == 0 ? "" : absl::StrCat("%25", v6.sin6_scope_id);
  return absl::StrCat("[", text.data(), zone, "]:", ntohs(v6.sin6_port));
}

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_SOCKET_ADDRESS_H_
