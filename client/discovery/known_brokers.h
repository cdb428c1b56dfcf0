// What a source has told so far: the last good list, and why it is not newer.
#ifndef CLIENT_DISCOVERY_KNOWN_BROKERS_H_
#define CLIENT_DISCOVERY_KNOWN_BROKERS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"
#include "client/discovery/resolver_source.h"
#include "client/settable_broker_resolver.h"
#include "common/clock.h"
#include "common/failure_ways.h"

namespace rmq {

// Shared by the sources, so that all of them keep the last list and say why in
// the same way. The log has a line for each other list, one when the source
// begins to fail, one when it fails in another way (FailureWays: no answer, a
// refusal, no broker, no list), and one when it is well again. Other words for
// the same failure are in Status() alone.
//
// Thread-safety: Learn() and Fail() are called by one thread at a time; the
//   rest is thread-safe. Listeners are called with no lock held.
class KnownBrokers {
 public:
  // `source` is ResolverStatus::source. `clock` is borrowed.
  KnownBrokers(std::string source, Clock* clock);

  // The source has told all of its brokers, and `passed_over` entries that it
  // has besides. Counts as Fail() if the list does not validate
  // (ValidateBrokers()), or if there is no broker, NotFound then: a source that
  // has lost its entries is likelier than a site that has lost all brokers, and
  // clients do not leave brokers for it that they can reach.
  void Learn(const std::vector<BrokerEntry>& brokers, size_t passed_over = 0)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The source did not tell its brokers: `error` says why, and is not OK. The
  // last list is kept.
  void Fail(absl::Status error) ABSL_LOCKS_EXCLUDED(mu_);

  // See BrokerResolver.
  void AddListener(std::weak_ptr<BrokerResolver::Listener> listener) {
    lists_.AddListener(std::move(listener));
  }

  // See ResolverSource.
  ResolverStatus Status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void FailAsEmpty(size_t passed_over) ABSL_LOCKS_EXCLUDED(mu_);

  absl::Time WallNow() { return clock_.ClockToWall(clock_.TimeNow()); }

  Clock& clock_;
  SettableBrokerResolver lists_;
  std::vector<BrokerEntry> brokers_;  // Of Learn() and Fail() only.

  mutable absl::Mutex mu_;
  ResolverStatus status_ ABSL_GUARDED_BY(mu_);
  FailureWays failures_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_KNOWN_BROKERS_H_
