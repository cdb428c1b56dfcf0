// Which process of a broker is at the other end.
#ifndef CLIENT_SESSION_PEER_BROKER_H_
#define CLIENT_SESSION_PEER_BROKER_H_

#include <cstdint>
#include <string>

namespace rmq {

// One process of a broker, as it names itself in answers to full heartbeats.
// All addresses that lead to one process give the same identity.
struct PeerBroker {
  std::string name;
  uint64_t id = 0;
  uint64_t incarnation = 0;  // Never 0: a broker draws it at its start.

  friend bool operator==(const PeerBroker& a, const PeerBroker& b) {
    return a.name == b.name && a.id == b.id && a.incarnation == b.incarnation;
  }
  friend bool operator!=(const PeerBroker& a, const PeerBroker& b) {
    return !(a == b);
  }
};

}  // namespace rmq

#endif  // CLIENT_SESSION_PEER_BROKER_H_
