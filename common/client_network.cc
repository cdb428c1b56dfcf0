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

void NetworkCounts::Remove(ClientNetwork network) {
  const auto found = counts_.find(network);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

size_t NetworkCounts::Of(ClientNetwork network) const {
  const auto found = counts_.find(network);
  return found == counts_.end() ? 0 : found->second;
}

}  // namespace rmq
