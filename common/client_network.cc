#include "common/client_network.h"

#include "absl/types/optional.h"
#include "common/ip_range.h"

namespace rmq {

ClientNetwork ClientNetworkOf(absl::string_view address) {
  const absl::optional<IpAddress> host = IpAddress::OfPeer(address);
  return host.has_value() ? host->network() : kNoIpNetwork;
}

absl::string_view HostForMessage(absl::string_view address) {
  if (!IpAddress::OfPeer(address).has_value()) return "no IP address";
  return address.substr(0, address.rfind(':'));
}

}  // namespace rmq
