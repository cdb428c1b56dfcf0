// The listener that a client registers with its BrokerResolver.
#ifndef CLIENT_RESOLVER_LISTENER_H_
#define CLIENT_RESOLVER_LISTENER_H_

#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"

namespace rmq {

// Keeps the resolver's latest valid list until the client takes it. A list that
// does not validate is logged and dropped.
//
// A resolver may hold the listener for longer than the client lives, so the
// client calls Close() before it is destroyed.
//
// Thread-safety: thread-safe.
class ResolverListener final : public BrokerResolver::Listener {
 public:
  // `on_list_waiting` is called when a list waits for Take() and none waited
  // before. It is called with the listener's lock held, so it must neither
  // block nor call the listener.
  explicit ResolverListener(std::function<void()> on_list_waiting)
      : on_list_waiting_(std::move(on_list_waiting)) {}

  void OnBrokers(const std::vector<BrokerEntry>& brokers) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // The latest list. Call it once for each call of `on_list_waiting`.
  std::vector<BrokerEntry> Take() ABSL_LOCKS_EXCLUDED(mu_);

  // `on_list_waiting` is not called after this returns. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Mutex mu_;
  // Null once closed.
  std::function<void()> on_list_waiting_ ABSL_GUARDED_BY(mu_);
  std::vector<BrokerEntry> brokers_ ABSL_GUARDED_BY(mu_);
  bool list_waits_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_RESOLVER_LISTENER_H_
