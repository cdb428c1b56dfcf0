#include "client/discovery/etcd_brokers.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/discovery/discovery_entry.h"

namespace rmq {
namespace {

std::string AddressOf(const DiscoveryEntry& entry, absl::optional<bool> tls) {
  if (tls.has_value()) {
    for (const DiscoveryAddress& address : entry.addresses) {
      if (address.tls == *tls) return address.address;
    }
  }
  return entry.addresses.front().address;
}

}  // namespace

EtcdBrokers ReadEtcdBrokers(absl::string_view prefix,
                            const std::map<std::string, std::string>& values,
                            absl::optional<bool> tls) {
  EtcdBrokers read;
  struct Place {
    size_t broker;
    absl::Time since;
  };
  absl::flat_hash_map<std::string, Place> addresses;
  for (const auto& [key, value] : values) {
    const absl::StatusOr<DiscoveryEntry> entry =
        ParseDiscoveryEntry(prefix, key, value);
    if (!entry.ok()) {
      ++read.passed_over;
      continue;
    }
    BrokerEntry broker = {entry->broker_name, entry->broker_id,
                          AddressOf(*entry, tls)};
    const auto [place, is_new] = addresses.try_emplace(
        broker.address, Place{read.brokers.size(), entry->since});
    if (is_new) {
      read.brokers.push_back(std::move(broker));
      continue;
    }
    ++read.passed_over;
    if (entry->since <= place->second.since) continue;
    place->second.since = entry->since;
    read.brokers[place->second.broker] = std::move(broker);
  }
  return read;
}

}  // namespace rmq
