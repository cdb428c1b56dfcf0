// Where the list of brokers comes from, as one string: in a flag, an option or
// a configuration file.
//
//   static:///10.0.0.1:10911,10.0.0.2:10911   these brokers, for good
//   file:///etc/rocketmq/brokers              a file, which may change
//   dns:///brokers.example.com:10911          every address of a name
//   etcd:///CLUSTER                           the brokers that have registered
//   etcd://10.0.0.5:2379,10.0.0.6:2379/CLUSTER
#ifndef CLIENT_DISCOVERY_RESOLVER_URI_H_
#define CLIENT_DISCOVERY_RESOLVER_URI_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/broker_entry.h"

namespace rmq {

// A string that ParseResolverUri() has taken, in its parts.
struct ResolverUri {
  enum class Scheme { kStatic, kFile, kDns, kEtcd };

  Scheme scheme = Scheme::kStatic;
  // Only etcd's may be given: its endpoints, "HOST:PORT,HOST:PORT". Empty: they
  // come from DiscoveryOptions::etcd_endpoints.
  std::string authority;
  // kStatic: "HOST:PORT,HOST:PORT". kFile: an absolute path. kDns: "NAME:PORT".
  // kEtcd: the cluster.
  std::string path;

  // The string again.
  std::string ToString() const;

  friend bool operator==(const ResolverUri& a, const ResolverUri& b) {
    return a.scheme == b.scheme && a.authority == b.authority &&
           a.path == b.path;
  }
};

// "static", "file", "dns" or "etcd".
absl::string_view ResolverSchemeName(ResolverUri::Scheme scheme);

// Strict and pure: nothing is looked up or opened, no case is folded, no blank
// is cut off, and no "%20" is decoded: each byte stands for itself.
// InvalidArgument with the value and what is allowed.
absl::StatusOr<ResolverUri> ParseResolverUri(absl::string_view text);

// The name that the brokers' certificates have where TlsOptions::server_name
// does not say: that of kDns, whose addresses no certificate has. Else empty:
// the host of each broker's address.
std::string ServerNameOf(const ResolverUri& uri);

// "HOST:PORT,HOST:PORT" as entries without names. InvalidArgument if there is
// none, if one is no address, or if one occurs twice; ResourceExhausted if
// there are more than kMaxBrokers.
absl::StatusOr<std::vector<BrokerEntry>> ParseBrokerAddresses(
    absl::string_view addresses);

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_RESOLVER_URI_H_
