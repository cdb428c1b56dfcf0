// A ClientChannel that records its pushes and ends.
#ifndef BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_
#define BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/membership_push.h"
#include "common/mutex_lock.h"

namespace rmq {

// Thread-safe.
class FakeClientChannel final
    : public ClientChannel,
      public std::enable_shared_from_this<FakeClientChannel> {
 public:
  explicit FakeClientChannel(Kind kind = Kind::kStream,
                             absl::string_view address = "127.0.0.1:50001")
      : ClientChannel(kind), address_(address) {}

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush> push) override {
    MutexLock lock(&mu_);
    pushes_.push_back(std::move(push));
  }
  void End(const ChannelEnd& end) override {
    MutexLock lock(&mu_);
    ends_.push_back(end);
  }
  bool writable() const override { return writable_.load(); }
  absl::string_view remote_address() const override { return address_; }

  void set_writable(bool writable) { writable_.store(writable); }

  using Pushes = std::vector<std::shared_ptr<const MembershipPush>>;

  // The pushes since the last call of this method or the next, in order.
  Pushes TakePushed() {
    MutexLock lock(&mu_);
    return std::exchange(pushes_, {});
  }
  // The same: their groups.
  std::vector<std::string> TakePushes() {
    std::vector<std::string> groups;
    for (const auto& push : TakePushed()) groups.push_back(push->group);
    return groups;
  }
  // The detail of the last end; empty if there is none.
  std::string end_detail() const {
    MutexLock lock(&mu_);
    return ends_.empty() ? "" : ends_.back().detail;
  }
  // The reasons of all calls of End().
  std::vector<RemovalReason> ends() const {
    std::vector<RemovalReason> reasons;
    for (const ChannelEnd& end : full_ends()) reasons.push_back(end.reason);
    return reasons;
  }
  // What End() was called with.
  std::vector<ChannelEnd> full_ends() const {
    MutexLock lock(&mu_);
    return ends_;
  }

 private:
  const std::string address_;
  std::atomic<bool> writable_{true};
  mutable absl::Mutex mu_;
  Pushes pushes_ ABSL_GUARDED_BY(mu_);
  std::vector<ChannelEnd> ends_ ABSL_GUARDED_BY(mu_);
};

using FakeClientChannelPtr = std::shared_ptr<FakeClientChannel>;

}  // namespace rmq

#endif  // BROKER_REGISTRY_FAKE_CLIENT_CHANNEL_H_
