// Counts and limits the open calls of each connection.
#ifndef COMMON_RPC_SERVER_CONNECTION_CALLS_H_
#define COMMON_RPC_SERVER_CONNECTION_CALLS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"

namespace rmq {

// gRPC announces a limit of calls (SETTINGS_MAX_CONCURRENT_STREAMS), but
// enforces it only for clients that have acknowledged it; this class enforces
// it for all. A connection is identified by its client's "host:port".
// Thread-safe.
class ConnectionCalls {
 public:
  // Allows `most` open calls on each connection. `most` must be at least 1.
  explicit ConnectionCalls(int64_t most) : most_(most) {}

  // Counts a call that begins. Returns RESOURCE_EXHAUSTED, and does not count
  // the call, if its connection has `most` open calls already.
  CallStatus Begin(absl::string_view connection) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    int64_t& calls = calls_[connection];
    if (calls >= most_) {
      return OverLimit(absl::StrCat(
          "calls that are open on one connection must be at most ", most_));
    }
    ++calls;
    highest_ = std::max(highest_, ++open_);
    return {};
  }

  // A counted call has ended.
  void End(absl::string_view connection) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --open_;
    const auto found = calls_.find(connection);
    if (--found->second == 0) calls_.erase(found);
  }

  // The number of open calls on all connections, and the highest that it has
  // been since the last TakeLevel().
  struct Level {
    int64_t open = 0;
    int64_t highest = 0;
  };
  Level TakeLevel() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return {open_, std::exchange(highest_, open_)};
  }

 private:
  const int64_t most_;
  absl::Mutex mu_;
  // The number of open calls, by connection. Each is at least 1.
  absl::flat_hash_map<std::string, int64_t> calls_ ABSL_GUARDED_BY(mu_);
  int64_t open_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t highest_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_CONNECTION_CALLS_H_
