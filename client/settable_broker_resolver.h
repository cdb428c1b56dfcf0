// A resolver that is told the brokers by its owner: an application that has its
// own way to find them, or a test.
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

// Thread-safety: thread-safe. Listeners are called by whoever sets a list or
//   adds a listener, with no lock held; while one thread is at it, it also
//   tells what others bring, and these do not wait.
class SettableBrokerResolver final : public BrokerResolver {
 public:
  // Knows no list until the first SetBrokers().
  SettableBrokerResolver() = default;

  // These are the brokers from now on: what clients have and the list has not,
  // they leave. InvalidArgument or ResourceExhausted if the list does not
  // validate; the one before then stays.
  absl::Status SetBrokers(std::vector<BrokerEntry> brokers)
      ABSL_LOCKS_EXCLUDED(mu_);

  void AddListener(std::weak_ptr<Listener> listener) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Registration {
    std::weak_ptr<Listener> listener;
    int64_t told = 0;  // The version of the list that it was told last.
  };

  // Tells every listener the present list that was not told it yet.
  void Tell() ABSL_LOCKS_EXCLUDED(mu_);
  // The next listener to tell, noted as told; null if there is none.
  std::shared_ptr<Listener> NextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  std::shared_ptr<const std::vector<BrokerEntry>> brokers_ ABSL_GUARDED_BY(mu_);
  int64_t version_ ABSL_GUARDED_BY(mu_) = 0;  // How many lists were set.
  // Those that are gone go with the next AddListener().
  std::vector<Registration> listeners_ ABSL_GUARDED_BY(mu_);
  bool telling_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // CLIENT_SETTABLE_BROKER_RESOLVER_H_
