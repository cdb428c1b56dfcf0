// An Authorizer that counts what it is asked, and answers what a test says.
#ifndef COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_
#define COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
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
  };

  // Answers `answer` to everything.
  explicit RecordingAuthorizer(CallStatus answer = {})
      : answer_(std::move(answer)) {}

  CallStatus Check(const CallContext& call,
                   const CallResources& resources) override {
    const std::string& name = call.method.name();
    MutexLock lock(&mu_);
    ++counts_[name];
    last_ = {name,
             std::string(resources.client_id),
             {resources.groups.begin(), resources.groups.end()},
             {resources.topics.begin(), resources.topics.end()},
             std::string(call.peer.address)};
    const auto not_held = [this, &name]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return held_ != name;
    };
    mu_.Await(absl::Condition(&not_held));
    return answer_;
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
  const CallStatus answer_;
  mutable absl::Mutex mu_;
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mu_);
  Asked last_ ABSL_GUARDED_BY(mu_);
  std::string held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_RECORDING_AUTHORIZER_H_
