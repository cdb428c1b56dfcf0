// Ends what has waited for its client for too long.
#ifndef COMMON_RPC_SERVER_DEADLINE_WATCH_H_
#define COMMON_RPC_SERVER_DEADLINE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/response_code.h"

namespace rmq {

// What a client is waited for to do.
enum class WaitsFor {
  // Send its first message, or the full heartbeat that makes a stream a
  // channel.
  kFirstMessage,
  // Read what is written to it.
  kReading,
};

// A call that may wait for its client. Thread-safe.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Ends the call if what it waits for has been awaited since `limit` or
  // before. Otherwise returns since when; InfiniteFuture if it does not wait,
  // and then it is no longer watched.
  virtual absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) = 0;
  // Ends the call if it still waits: with `status`, and with `reason` in the
  // trailing metadata if that is not empty; one that is not read is cut off.
  virtual void EndIfWaiting(const CallStatus& status,
                            absl::string_view reason) = 0;
};

// Each waiter has one entry at most. Thread-safe; calls waiters with no lock
// held.
class DeadlineWatch {
 public:
  struct Options {
    WaitsFor what = WaitsFor::kReading;
    // How long it may last. Must be positive.
    absl::Duration limit;
    // Of more the one that has waited longest gives way to the next: who does
    // at once what is awaited keeps its place meanwhile, whoever takes all the
    // others.
    size_t capacity = std::numeric_limits<size_t>::max();
  };
  // An entry. The default is none.
  using Ticket = std::pair<absl::Time, uint64_t>;

  // Called with the time at which Check() has something to do, when that may be
  // earlier than what Check() returned last. By whichever thread, with no lock
  // held.
  using DeadlineListener = std::function<void(absl::Time)>;

  DeadlineWatch(const Options& options, DeadlineListener on_deadline)
      : options_(options), on_deadline_(std::move(on_deadline)) {}

  const Options& options() const { return options_; }

  // `waiter` has been waiting since `since`. Streams report a pending write
  // when something has to wait behind it, or when it is their last: those that
  // are read cost nothing here. May end another waiter, if there is a capacity.
  Ticket Add(std::weak_ptr<Waiter> waiter, absl::Time since, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The waiter of `ticket` waits for something else from `now` on, for `limit`
  // at most. Has it looked at by then, where that is earlier than the watch's
  // own limit; returns its ticket from here on.
  Ticket Shorten(const Ticket& ticket, std::weak_ptr<Waiter> waiter,
                 absl::Duration limit, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_) {
    if (limit >= options_.limit) return ticket;
    Remove(ticket);
    return Add(std::move(waiter), now + limit - options_.limit, now);
  }

  // The wait is over. Nothing if the entry is gone. Who need not be counted any
  // more may also leave it to Check() to find out.
  void Remove(const Ticket& ticket) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends those whose wait has lasted for the limit at `now`. Returns when to
  // come back; InfiniteFuture if nothing is watched. While something is, a call
  // that comes later than the limit after the last one shows that this process
  // was away, and could not see what clients did meanwhile. All waits count as
  // begun at `now` then.
  absl::Time Check(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the one that has waited longest; false if there is none.
  bool EndFirst(const CallStatus& status, absl::string_view reason = "")
      ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Entries = absl::btree_map<Ticket, std::weak_ptr<Waiter>>;

  std::weak_ptr<Waiter> TakeFirstLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const DeadlineListener on_deadline_;
  mutable absl::Mutex mu_;
  // Or when the first of what is watched was added, if that was later.
  absl::Time last_check_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // When this process was last seen to have been away.
  absl::Time back_since_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  // By deadline, then in the order of adding.
  Entries entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_DEADLINE_WATCH_H_
