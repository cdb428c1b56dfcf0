// A listener that keeps the lists that it hears, for tests.
#ifndef CLIENT_DISCOVERY_RECORDING_LISTENER_H_
#define CLIENT_DISCOVERY_RECORDING_LISTENER_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_resolver.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"

namespace rmq {

// Thread-safe.
class RecordingListener final : public BrokerResolver::Listener {
 public:
  void OnBrokers(const std::vector<BrokerEntry>& brokers) override
      ABSL_LOCKS_EXCLUDED(mu_) {
    std::string addresses;
    for (const BrokerEntry& broker : brokers) {
      absl::StrAppend(&addresses, addresses.empty() ? "" : ",", broker.address);
    }
    MutexLock lock(&mu_);
    lists_.push_back(addresses);
    brokers_ = brokers;
    changed_.SignalAll();
  }

  // The addresses of each list, "a:1,b:1".
  std::vector<std::string> lists() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return lists_;
  }

  // The latest list.
  std::vector<BrokerEntry> brokers() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return brokers_;
  }

  // Waits until the latest list is `addresses`. False after 10 s.
  bool Await(const std::string& addresses) ABSL_LOCKS_EXCLUDED(mu_) {
    Clock& clock = RealClock();
    MutexLock lock(&mu_);
    return clock.AwaitWithDeadline(
        &lock, &changed_,
        [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return !lists_.empty() && lists_.back() == addresses;
        },
        clock.TimeNow() + absl::Seconds(10));
  }

 private:
  mutable absl::Mutex mu_;
  CondVar changed_;
  std::vector<std::string> lists_ ABSL_GUARDED_BY(mu_);
  std::vector<BrokerEntry> brokers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // CLIENT_DISCOVERY_RECORDING_LISTENER_H_
