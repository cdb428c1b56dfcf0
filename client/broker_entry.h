// How a broker is named: what resolvers tell, and what callbacks, queries and
// health are about.
#ifndef CLIENT_BROKER_ENTRY_H_
#define CLIENT_BROKER_ENTRY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace rmq {

// A client has at most so many brokers.
inline constexpr size_t kMaxBrokers = 1024;

struct BrokerEntry {
  // RocketMQ's broker name, which a master and its slaves share: up to 255
  // printable ASCII characters. Empty: not known beforehand; the client then
  // tells the name and the id that the broker gives itself, once it has.
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

// Whether these can be all the brokers of a client: no address twice, nor an id
// twice under one name; an id only under a name; at most kMaxBrokers. None is a
// list too. InvalidArgument, or ResourceExhausted for too many, naming the
// field, the value and what is allowed.
absl::Status ValidateBrokers(const std::vector<BrokerEntry>& brokers);

}  // namespace rmq

#endif  // CLIENT_BROKER_ENTRY_H_
