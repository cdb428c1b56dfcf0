// Where a client learns which brokers there are: the role of RocketMQ's name
// server. A fixed list needs none of this (ClientOptions::brokers);
// settable_broker_resolver.h is for lists that change.
#ifndef CLIENT_BROKER_RESOLVER_H_
#define CLIENT_BROKER_RESOLVER_H_

#include <memory>
#include <vector>

#include "client/broker_entry.h"

namespace rmq {

// Tells listeners the brokers, whole lists at a time: there is no merging to be
// done, nor a change to be missed.
//
// Thread-safety: implementations are thread-safe, and hold no lock while they
//   call a listener.
// Ownership: clients share their resolver, and it does not own its listeners.
// Reference: MQClientInstance#updateTopicRouteInfoFromNameServer, which asks
//   every 30 s.
class BrokerResolver {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;

    // These are the brokers, all of them, until the next call. Does not block.
    // A client keeps to the list that it had if this one does not validate
    // (ValidateBrokers()), and logs it.
    //
    // A resolver that failed to find out makes no call: an empty list means
    // that there is no broker, and the client leaves those it had.
    virtual void OnBrokers(const std::vector<BrokerEntry>& brokers) = 0;
  };

  virtual ~BrokerResolver() = default;

  // From here on `listener` is told: the present list as soon as there is one
  // (also inside this call), and each later one. Its calls come one at a time
  // and in order; lists in between may be left out. They end when nobody else
  // holds the listener.
  virtual void AddListener(std::weak_ptr<Listener> listener) = 0;
};

}  // namespace rmq

#endif  // CLIENT_BROKER_RESOLVER_H_
