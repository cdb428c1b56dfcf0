// Where a client learns which brokers there are: the role of RocketMQ's name
// server. A fixed list needs none of this (ClientOptions::brokers);
// settable_broker_resolver.h is for lists that change.
#ifndef CLIENT_BROKER_RESOLVER_H_
#define CLIENT_BROKER_RESOLVER_H_

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "client/broker_entry.h"

namespace rmq {

// Gives listeners whole lists of brokers, so a listener has nothing to merge
// and cannot miss a change.
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

    // `brokers` are all the brokers until the next call. Does not block. If the
    // list does not validate (ValidateBrokers()), a client logs that and keeps
    // the list that it had.
    //
    // A resolver that failed to find out makes no call. An empty list means
    // that there is no broker: the client leaves the brokers that it had.
    virtual void OnBrokers(const std::vector<BrokerEntry>& brokers) = 0;
  };

  virtual ~BrokerResolver() = default;

  // Calls `listener` with the present list as soon as there is one, maybe
  // inside this call, and with each later list. The calls come one at a time
  // and in order; lists in between may be left out. They end when the
  // listener's last owner has released it.
  virtual void AddListener(std::weak_ptr<Listener> listener) = 0;

  // For how long a client stays at a broker that is not listed any more, if it
  // is online there: until the broker tells it to go, or does not answer, but
  // no longer than a time that it draws evenly from half of this to all of
  // this. So clients of a broker that drains go when it tells them to, one
  // after the other, and a broker that its source has lost from sight keeps
  // those that it serves. A MembershipWatcher whose call stands stays so, too.
  // Zero: they leave at once. InfiniteDuration: as long as the broker answers.
  // Not negative; constant.
  virtual absl::Duration UnlistedStay() const { return absl::ZeroDuration(); }
};

}  // namespace rmq

#endif  // CLIENT_BROKER_RESOLVER_H_
