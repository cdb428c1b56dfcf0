// A resolver whose owner sets the brokers: an application that has its own way
// to find them, or a test.
//
//   auto resolver = std::make_shared<rmq::SettableBrokerResolver>();
//   options.resolver = resolver;
//   ...
//   absl::Status status = resolver->SetBrokers(
//       {{"broker-a", 0, "10.0.0.1:10911"}, {"broker-a", 1,
//       "10.0.0.2:10911"}});
#ifndef CLIENT_SETTABLE_BROKER_RESOLVER_H_
#define CLIENT_SETTABLE_BROKER_RESOLVER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"

namespace rmq {

// Thread-safety: thread-safe. The thread that sets a list or adds a listener
//   calls the listeners, with no lock held. If another thread is calling them
//   already, that thread also makes the new calls, and this one does not wait.
class SettableBrokerResolver final : public BrokerResolver {
 public:
  // There is no list until the first SetBrokers().
  SettableBrokerResolver() = default;

  // `brokers` are the brokers from now on; clients leave those that are not in
  // the list. InvalidArgument or ResourceExhausted if the list does not
  // validate; the list before then stays.
  absl::Status SetBrokers(std::vector<BrokerEntry> brokers)
      ABSL_LOCKS_EXCLUDED(mu_);

  void AddListener(std::weak_ptr<Listener> listener) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Registration {
    std::weak_ptr<Listener> listener;
    int64_t version = 0;  // Of the list that the listener was last called with.
  };

  // Calls every listener that has not had the present list.
  void CallListeners() ABSL_LOCKS_EXCLUDED(mu_);
  // The next listener to call, which counts as called; null if there is none.
  std::shared_ptr<Listener> NextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  std::shared_ptr<const std::vector<BrokerEntry>> brokers_ ABSL_GUARDED_BY(mu_);
  int64_t version_ ABSL_GUARDED_BY(mu_) = 0;  // How many lists were set.
  // AddListener() removes those whose listener is destroyed.
  std::vector<Registration> listeners_ ABSL_GUARDED_BY(mu_);
  bool calling_ ABSL_GUARDED_BY(mu_) = false;  // In CallListeners().
};

}  // namespace rmq

#endif  // CLIENT_SETTABLE_BROKER_RESOLVER_H_
