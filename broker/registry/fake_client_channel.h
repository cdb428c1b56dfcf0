// A ClientChannel that records its pushes and ends.
#ifndef BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_
#define BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "common/mutex_lock.h"

namespace rmq {

// Thread-safe.
class FakeClientChannel final : public ClientChannel {
 public:
  explicit FakeClientChannel(Kind kind = Kind::kStream)
      : ClientChannel(kind, "127.0.0.1:50001") {}

  void Push(const ConsumerIdsChanged& push) override {
    MutexLock lock(&mu_);
    pushes_.emplace_back(push.group);
  }
  void End(RemovalReason reason) override {
    MutexLock lock(&mu_);
    ends_.push_back(reason);
  }
  bool writable() const override { return writable_.load(); }

  void set_writable(bool writable) { writable_.store(writable); }

  // The groups that were pushed since the last call, in order.
  std::vector<std::string> TakePushes() {
    MutexLock lock(&mu_);
    return std::exchange(pushes_, {});
  }
  // The reasons of all calls of End().
  std::vector<RemovalReason> ends() const {
    MutexLock lock(&mu_);
    return ends_;
  }

 private:
  std::atomic<bool> writable_{true};
  mutable absl::Mutex mu_;
  std::vector<std::string> pushes_ ABSL_GUARDED_BY(mu_);
  std::vector<RemovalReason> ends_ ABSL_GUARDED_BY(mu_);
};

using FakeClientChannelPtr = std::shared_ptr<FakeClientChannel>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_
