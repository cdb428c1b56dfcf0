// The calls that follow a drain.
#ifndef BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_
#define BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/mutex_lock.h"
#include "common/payer.h"
#include "common/rpc/server/response_source.h"

namespace rmq {

// Thread-safe. Has as many as there are open calls of Drain, which the server
// bounds; DrainMethod() bounds those that follow.
class DrainFollowers {
 public:
  using Ticket = uint64_t;

  // `payer`: whose call it is.
  Ticket Add(const Payer& payer, ResponseWaker waker) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    followers_.emplace(++last_ticket_, Follower{payer, std::move(waker)});
    return last_ticket_;
  }
  void Remove(Ticket ticket) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    followers_.erase(ticket);
  }

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return followers_.size();
  }
  // Those of `payer`. Linear in their number.
  size_t CountOf(const Payer& payer) const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    size_t count = 0;
    for (const auto& [ticket, follower] : followers_) {
      if (follower.payer == payer) ++count;
    }
    return count;
  }

  // There is something to tell all of them.
  void WakeAll() ABSL_LOCKS_EXCLUDED(mu_) {
    std::vector<ResponseWaker> wakers;
    {
      MutexLock lock(&mu_);
      for (const auto& [ticket, follower] : followers_) {
        wakers.push_back(follower.waker);
      }
    }
    for (const ResponseWaker& waker : wakers) waker.Wake();
  }

 private:
  struct Follower {
    Payer payer;
    ResponseWaker waker;
  };

  mutable absl::Mutex mu_;
  Ticket last_ticket_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<Ticket, Follower> followers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_DRAIN_FOLLOWERS_H_
