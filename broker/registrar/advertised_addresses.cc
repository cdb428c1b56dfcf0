#include "broker/registrar/advertised_addresses.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {
namespace {

bool StandsForAll(const ListenAddress& address) {
  return address.host == "0.0.0.0" || address.host == "[::]";
}

}  // namespace

absl::StatusOr<std::vector<DiscoveryAddress>> AdvertisedAddresses(
    const std::vector<ListenAddress>& addresses,
    const std::vector<std::string>& bound,
    const std::vector<std::string>& advertised) {
  std::vector<DiscoveryAddress> told;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const ListenAddress& address = addresses[i];
    if (address.is_for_operators || address.kind == TransportKind::kLocal) {
      continue;
    }
    DiscoveryAddress each;
    each.tls = address.kind == TransportKind::kTls;
    if (advertised.empty()) {
      if (StandsForAll(address)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "advertised_address must be given with etcd, since others cannot "
            "dial the address ",
            bound[i]));
      }
      each.address = bound[i];
    } else if (told.size() < advertised.size()) {
      each.address = advertised[told.size()];
    }
    told.push_back(std::move(each));
  }
  if (told.empty()) {
    return absl::InvalidArgumentError(
        "address must have one that is no Unix socket, with etcd");
  }
  if (!advertised.empty() && advertised.size() != told.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("advertised_address must be one for each address that is "
                     "no Unix socket, with etcd: ",
                     told.size(), ", got ", advertised.size()));
  }
  return told;
}

absl::StatusOr<std::vector<DiscoveryAddress>> AdvertisedAddresses(
    const std::vector<ListenAddress>& addresses,
    const std::vector<std::string>& advertised) {
  std::vector<std::string> texts;
  texts.reserve(addresses.size());
  for (const ListenAddress& address : addresses) {
    texts.push_back(TextOf(address));
  }
  return AdvertisedAddresses(addresses, texts, advertised);
}

}  // namespace rmq
