#include "common/rpc/server/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>

#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace rmq {

std::string PeerAddress(absl::string_view peer) {
  for (absl::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&peer, scheme)) break;
  }
  return absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}});
}

absl::string_view HostOf(absl::string_view peer_address) {
  return peer_address.substr(0, peer_address.rfind(':'));
}

std::string NetworkOf(absl::string_view peer_address) {
  absl::string_view host = HostOf(peer_address);
  if (!absl::ConsumePrefix(&host, "[") || !absl::ConsumeSuffix(&host, "]")) {
    return std::string(host);
  }
  in6_addr address;
  constexpr size_t kNetworkBytes = 8;
  if (inet_pton(AF_INET6, std::string(host).c_str(), &address) != 1) {
    return std::string(host);
  }
  return {reinterpret_cast<const char*>(address.s6_addr), kNetworkBytes};
}

}  // namespace rmq
