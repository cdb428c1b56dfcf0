// Calls back at given times.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_DUE_CALLS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_DUE_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/due_task.h"
#include "common/mutex_lock.h"

namespace rmq {

// A task of the broker's timer. Its users bound how many calls wait.
// Thread-safe.
class DueCalls final : public DueTask {
 public:
  using Call = std::function<void()>;
  // Identifies a call that waits. A default Ticket identifies none.
  using Ticket = std::pair<absl::Time, uint64_t>;

  // `on_due` is called, with no lock held, when Run() gets something to do
  // earlier.
  explicit DueCalls(DueListener on_due) : on_due_(std::move(on_due)) {}

  // Has `call` called at `at`, by the timer's thread with no lock held. It must
  // not block, and must not keep alive what it is for.
  Ticket Add(absl::Time at, Call call) ABSL_LOCKS_EXCLUDED(mu_) {
    Ticket ticket;
    bool is_first;
    {
      MutexLock lock(&mu_);
      ticket = {at, ++last_number_};
      calls_.emplace(ticket, std::move(call));
      is_first = calls_.begin()->first == ticket;
    }
    if (is_first && on_due_) on_due_(at);
    return ticket;
  }

  // Forgets a call, if it still waits.
  void Remove(const Ticket& ticket) ABSL_LOCKS_EXCLUDED(mu_) {
    Call call;  // Destroyed without the lock.
    MutexLock lock(&mu_);
    const auto found = calls_.find(ticket);
    if (found == calls_.end()) return;
    call = std::move(found->second);
    calls_.erase(found);
  }

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return calls_.empty() ? absl::InfiniteFuture()
                          : calls_.begin()->first.first;
  }
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_) {
    for (;;) {
      Call call;
      {
        MutexLock lock(&mu_);
        if (calls_.empty() || calls_.begin()->first.first > now) return;
        call = std::move(calls_.begin()->second);
        calls_.erase(calls_.begin());
      }
      call();
    }
  }

 private:
  const DueListener on_due_;
  absl::Mutex mu_;
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  absl::btree_map<Ticket, Call> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_DUE_CALLS_H_
