// A broker's entry in discovery: its key, and its value.
#ifndef COMMON_DISCOVERY_DISCOVERY_ENTRY_H_
#define COMMON_DISCOVERY_DISCOVERY_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace rmq {

// The default of the first part of the keys.
inline constexpr char kDiscoveryPrefix[] = "/rocketmq-client-manager";

// Largest values, and most addresses of an entry.
inline constexpr size_t kMostDiscoveryEntryBytes = 16 << 10;
inline constexpr size_t kMostDiscoveryAddresses = 16;

struct DiscoveryAddress {
  // "host:port".
  std::string address;
  bool tls = false;

  friend bool operator==(const DiscoveryAddress& a, const DiscoveryAddress& b) {
    return a.address == b.address && a.tls == b.tls;
  }
};

// The message of discovery/v1/broker_entry.proto, in C++.
struct DiscoveryEntry {
  std::string cluster;
  std::string broker_name;
  uint64_t broker_id = 0;
  // The first one that suits is the one to use.
  std::vector<DiscoveryAddress> addresses;
  std::vector<std::string> fronts;
  std::string product_version;
  absl::Time since = absl::UnixEpoch();
  uint64_t incarnation = 0;
};

// OK for a prefix of keys: "/" and then 1 to 255 letters, digits and characters
// of "/._-", without a "/" at the end. InvalidArgument naming etcd_prefix.
absl::Status ValidateDiscoveryPrefix(absl::string_view prefix);

// PREFIX/CLUSTER/brokers/, the keys of a cluster's brokers begin with it.
std::string DiscoveryClusterPrefix(absl::string_view prefix,
                                   absl::string_view cluster);
// PREFIX/CLUSTER/brokers/NAME/ID.
std::string DiscoveryKey(absl::string_view prefix, const DiscoveryEntry& entry);

// The value, in protobuf's JSON form.
std::string FormatDiscoveryEntry(const DiscoveryEntry& entry);

// Reads the value of `key`, which others may have put: InvalidArgument, saying
// why, if the value is too large, is no entry, or is the entry of another key;
// if it names no address, too many, or one that cannot be dialled;
// Unimplemented if its major version is newer.
absl::StatusOr<DiscoveryEntry> ParseDiscoveryEntry(absl::string_view prefix,
                                                   absl::string_view key,
                                                   absl::string_view value);

}  // namespace rmq

#endif  // COMMON_DISCOVERY_DISCOVERY_ENTRY_H_
