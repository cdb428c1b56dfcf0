// The brokers of a cluster, by their entries in etcd.
#ifndef CLIENT_DISCOVERY_ETCD_BROKERS_H_
#define CLIENT_DISCOVERY_ETCD_BROKERS_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"

namespace rmq {

struct EtcdBrokers {
  // In the order of the keys. They validate (ValidateBrokers()), if there are
  // at most kMaxBrokers values.
  std::vector<BrokerEntry> brokers;
  // Values that are no entry, or of a newer major version, or whose address a
  // younger broker has.
  size_t passed_over = 0;
};

// Reads what anybody may have put under `prefix`: `values` are by their keys. A
// broker has several addresses: the first one with TLS, or without, as `tls`
// says, else the first one is taken.
//
// Of two entries of one address that of the broker that began later is taken:
// the other is left of a broker that was there before, and ends with its lease.
EtcdBrokers ReadEtcdBrokers(absl::string_view prefix,
                            const std::map<std::string, std::string>& values,
                            absl::optional<bool> tls);

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_ETCD_BROKERS_H_
