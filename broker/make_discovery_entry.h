// What a broker with these options says of itself in discovery.
#ifndef BROKER_MAKE_DISCOVERY_ENTRY_H_
#define BROKER_MAKE_DISCOVERY_ENTRY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/server/server_options.h"
#include "common/discovery/discovery_entry.h"

namespace rmq {

// What is known once the broker listens.
struct ServedFacts {
  // The texts of ServerOptions::ListenAddresses(), with the ports that were
  // chosen.
  std::vector<std::string> addresses;
  // The full names of the services.
  std::vector<std::string> fronts;
  // When the broker began, by the wall clock.
  absl::Time since;
};

// The options must validate, with `advertised` as AdvertisedAddresses() takes
// it.
DiscoveryEntry MakeDiscoveryEntry(const BrokerIdentity& identity,
                                  const ServerOptions& server,
                                  const std::vector<std::string>& advertised,
                                  ServedFacts served);

}  // namespace rmq

#endif  // BROKER_MAKE_DISCOVERY_ENTRY_H_
