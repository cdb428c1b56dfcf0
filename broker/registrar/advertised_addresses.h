// The addresses that a broker tells the world.
#ifndef BROKER_REGISTRAR_ADVERTISED_ADDRESSES_H_
#define BROKER_REGISTRAR_ADVERTISED_ADDRESSES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/discovery/discovery_entry.h"
#include "common/rpc/server/listen_address.h"

namespace rmq {

// Returns one for each of `addresses` that is for clients and that other
// processes reach by the network: the one of `advertised` in its place or, if
// `advertised` is empty, the one that it is bound to. `bound` has the text of
// each of `addresses`, with the ports that were chosen.
//
// InvalidArgument, naming advertised_address, if there is no such address; if
// `advertised` has not one for each; or if `advertised` is empty and an address
// stands for all of a machine's addresses, such as 0.0.0.0.
absl::StatusOr<std::vector<DiscoveryAddress>> AdvertisedAddresses(
    const std::vector<ListenAddress>& addresses,
    const std::vector<std::string>& bound,
    const std::vector<std::string>& advertised);

// The same for addresses that are not bound yet, whose ports may be 0.
absl::StatusOr<std::vector<DiscoveryAddress>> AdvertisedAddresses(
    const std::vector<ListenAddress>& addresses,
    const std::vector<std::string>& advertised);

}  // namespace rmq

#endif  // BROKER_REGISTRAR_ADVERTISED_ADDRESSES_H_
