#include "client/settable_broker_resolver.h"

#include <algorithm>
#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

absl::Status SettableBrokerResolver::SetBrokers(
    std::vector<BrokerEntry> brokers) {
  absl::Status status = ValidateBrokers(brokers);
  if (!status.ok()) return status;
  {
    MutexLock lock(&mu_);
    brokers_ =
        std::make_shared<const std::vector<BrokerEntry>>(std::move(brokers));
    ++version_;
  }
  CallListeners();
  return absl::OkStatus();
}

void SettableBrokerResolver::AddListener(std::weak_ptr<Listener> listener) {
  {
    MutexLock lock(&mu_);
    listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                    [](const Registration& registration) {
                                      return registration.listener.expired();
                                    }),
                     listeners_.end());
    listeners_.push_back({std::move(listener)});
  }
  CallListeners();
}

void SettableBrokerResolver::CallListeners() {
  {
    MutexLock lock(&mu_);
    if (std::exchange(calling_, true)) return;
  }
  while (true) {
    std::shared_ptr<Listener> listener;
    std::shared_ptr<const std::vector<BrokerEntry>> brokers;
    {
      MutexLock lock(&mu_);
      listener = NextLocked();
      if (listener == nullptr) {
        calling_ = false;
        return;
      }
      brokers = brokers_;
    }
    listener->OnBrokers(*brokers);
  }
}

std::shared_ptr<BrokerResolver::Listener> SettableBrokerResolver::NextLocked() {
  for (Registration& registration : listeners_) {
    if (std::exchange(registration.version, version_) == version_) continue;
    std::shared_ptr<Listener> listener = registration.listener.lock();
    if (listener != nullptr) return listener;
  }
  return nullptr;
}

}  // namespace rmq
