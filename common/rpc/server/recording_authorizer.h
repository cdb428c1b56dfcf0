// An Authorizer that counts what it is asked, and answers what a test says.
#ifndef COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_
#define COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"

namespace rmq {

// Thread-safe.
class RecordingAuthorizer final : public Authorizer {
 public:
  struct Asked {
    std::string call;  // The method's name.
    std::string client_id;
    std::vector<std::string> groups;
    std::vector<std::string> topics;
    std::string peer;
    std::vector<std::string> producer_groups = {};
    std::string user = "";
  };

  // Answers `answer` to everything.
  explicit RecordingAuthorizer(CallStatus answer = {})
      : answer_(std::move(answer)) {}

  CallStatus Identify(const CallOpening& /*opening*/,
                      CallerIdentity* identity) override {
    MutexLock lock(&mu_);
    ++identified_;
    if (!identity_answer_.ok()) return identity_answer_;
    *identity = {user_, generation()};
    return {};
  }

  CallStatus Check(const CallContext& call,
                   const CallResources& resources) override {
    const std::string& name = call.method.name();
    MutexLock lock(&mu_);
    ++counts_[name];
    last_ = {
        name,
        std::string(resources.client_id),
        {resources.groups.begin(), resources.groups.end()},
        {resources.topics.begin(), resources.topics.end()},
        std::string(call.peer.address),
        {resources.producer_groups.begin(), resources.producer_groups.end()},
        std::string(call.peer.principal)};
    const auto not_held = [this, &name]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return held_ != name;
    };
    mu_.Await(absl::Condition(&not_held));
    return answer_;
  }

  CallStatus CheckConsumer(
      const CallContext& call, absl::string_view group,
      absl::Span<const absl::string_view> topics) override {
    MutexLock lock(&mu_);
    last_consumer_ = {call.method.name(),
                      "",
                      {std::string(group)},
                      {topics.begin(), topics.end()},
                      std::string(call.peer.address)};
    return group == refused_consumer_
               ? CallStatus{absl::StatusCode::kPermissionDenied,
                            ResponseCode::kSystemError, "refused"}
               : CallStatus();
  }

  // From now on there are rules of that generation: Identify() finds `user`, or
  // returns `identity_answer`, and Check() returns `answer`.
  void SetRules(uint64_t rules, absl::string_view user,
                CallStatus identity_answer = {}, CallStatus answer = {}) {
    MutexLock lock(&mu_);
    user_ = std::string(user);
    identity_answer_ = std::move(identity_answer);
    answer_ = std::move(answer);
    set_generation(rules);
  }
  // From now on CheckConsumer() refuses this group.
  void RefuseConsumer(absl::string_view group) {
    MutexLock lock(&mu_);
    refused_consumer_ = std::string(group);
  }
  // Calls of Identify().
  int identified() const {
    MutexLock lock(&mu_);
    return identified_;
  }
  // What CheckConsumer() was asked last.
  Asked last_consumer() const {
    MutexLock lock(&mu_);
    return last_consumer_;
  }

  int count(absl::string_view call) const {
    MutexLock lock(&mu_);
    const auto found = counts_.find(std::string(call));
    return found == counts_.end() ? 0 : found->second;
  }
  // What was asked last.
  Asked last() const {
    MutexLock lock(&mu_);
    return last_;
  }

  // Blocks until `call` has been asked for `count` times in all.
  void AwaitCount(absl::string_view call, int count) {
    const std::string name(call);
    MutexLock lock(&mu_);
    const auto enough = [this, &name, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(
                            mu_) { return counts_[name] >= count; };
    mu_.Await(absl::Condition(&enough));
  }

  // From now on Check() of `call` blocks, with the thread that handles calls;
  // "" lets go.
  void Hold(absl::string_view call) {
    MutexLock lock(&mu_);
    held_ = std::string(call);
  }

 private:
  mutable absl::Mutex mu_;
  CallStatus answer_ ABSL_GUARDED_BY(mu_);
  CallStatus identity_answer_ ABSL_GUARDED_BY(mu_);
  std::string user_ ABSL_GUARDED_BY(mu_);
  std::string refused_consumer_ ABSL_GUARDED_BY(mu_);
  int identified_ ABSL_GUARDED_BY(mu_) = 0;
  Asked last_consumer_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mu_);
  Asked last_ ABSL_GUARDED_BY(mu_);
  std::string held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_
