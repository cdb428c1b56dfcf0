// How a broker is named: by resolvers, and in callbacks, queries and health.
#ifndef CLIENT_BROKER_ENTRY_H_
#define CLIENT_BROKER_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rmq {

// The largest number of brokers of one client.
inline constexpr size_t kMaxBrokers = 1024;

struct BrokerEntry {
  // RocketMQ's broker name, which a master and its slaves share: up to 255
  // printable ASCII characters. Empty: not known beforehand. Callbacks and
  // health then have the name and the id that the broker gives itself, as soon
  // as the client has heard them.
  std::string name;
  // 0 is the master. A broker without a name counts as one.
  uint64_t id = 0;
  // "host:port" ("[address]:port" for an IPv6 address). A host name is looked
  // up at each attempt to connect.
  std::string address;

  friend bool operator==(const BrokerEntry& a, const BrokerEntry& b) {
    return a.name == b.name && a.id == b.id && a.address == b.address;
  }
  friend bool operator!=(const BrokerEntry& a, const BrokerEntry& b) {
    return !(a == b);
  }
};

// OK if `brokers` can be all the brokers of a client: no address occurs twice,
// no id occurs twice under one name, only brokers with a name have an id, and
// there are at most kMaxBrokers. An empty list is OK. Else InvalidArgument, or
// ResourceExhausted for too many brokers, with the field, the value and the
// rule.
absl::Status ValidateBrokers(const std::vector<BrokerEntry>& brokers);

}  // namespace rmq

#endif  // CLIENT_BROKER_ENTRY_H_
