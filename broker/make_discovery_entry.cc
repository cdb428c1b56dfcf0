#include "broker/make_discovery_entry.h"

#include <utility>

#include "broker/registrar/advertised_addresses.h"
#include "common/version.h"

namespace rmq {

DiscoveryEntry MakeDiscoveryEntry(const BrokerIdentity& identity,
                                  const ServerOptions& server,
                                  const std::vector<std::string>& advertised,
                                  ServedFacts served) {
  DiscoveryEntry entry;
  entry.cluster = identity.cluster;
  entry.broker_name = identity.broker_name;
  entry.broker_id = identity.broker_id;
  entry.addresses = *AdvertisedAddresses(*server.ListenAddresses(),
                                         served.addresses, advertised);
  entry.fronts = std::move(served.fronts);
  entry.product_version = kVersion;
  entry.since = served.since;
  entry.incarnation = identity.incarnation;
  return entry;
}

}  // namespace rmq
