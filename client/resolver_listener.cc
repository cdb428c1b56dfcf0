#include "client/resolver_listener.h"

#include "absl/status/status.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {

void ResolverListener::OnBrokers(const std::vector<BrokerEntry>& brokers) {
  const absl::Status status = ValidateBrokers(brokers);
  if (!status.ok()) {
    LOG(ERROR) << "a list of brokers is not taken"
               << Kv("error", status.ToString());
    return;
  }
  MutexLock lock(&mu_);
  brokers_ = brokers;
  if (std::exchange(list_waits_, true)) return;
  if (on_list_waiting_) on_list_waiting_();
}

std::vector<BrokerEntry> ResolverListener::Take() {
  MutexLock lock(&mu_);
  list_waits_ = false;
  return std::move(brokers_);
}

void ResolverListener::Close() {
  MutexLock lock(&mu_);
  on_list_waiting_ = nullptr;
}

}  // namespace rmq
