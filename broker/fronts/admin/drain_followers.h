// The calls that follow a drain.
#ifndef BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_
#define BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/response_source.h"

namespace rmq {

// Thread-safe. Has as many as there are open calls of Drain, which the server
// bounds.
class DrainFollowers {
 public:
  using Ticket = uint64_t;

  Ticket Add(ResponseWaker waker) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    wakers_.emplace(++last_ticket_, std::move(waker));
    return last_ticket_;
  }
  void Remove(Ticket ticket) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    wakers_.erase(ticket);
  }

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return wakers_.size();
  }

  // There is something to tell all of them.
  void WakeAll() ABSL_LOCKS_EXCLUDED(mu_) {
    std::vector<ResponseWaker> wakers;
    {
      MutexLock lock(&mu_);
      for (const auto& [ticket, waker] : wakers_) wakers.push_back(waker);
    }
    for (const ResponseWaker& waker : wakers) waker.Wake();
  }

 private:
  mutable absl::Mutex mu_;
  Ticket last_ticket_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<Ticket, ResponseWaker> wakers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_
