#include "common/rpc/server/peer_address.h"

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace rmq {

std::string PeerAddress(absl::string_view peer) {
  for (absl::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (absl::ConsumePrefix(&peer, scheme)) break;
  }
  if (!absl::StrContains(peer, '%')) return std::string(peer);
  return absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}});
}

absl::string_view HostOf(absl::string_view peer_address) {
  return peer_address.substr(0, peer_address.rfind(':'));
}

}  // namespace rmq
