// Ends calls that have waited for their client for too long.
#ifndef COMMON_RPC_SERVER_DEADLINE_WATCH_H_
#define COMMON_RPC_SERVER_DEADLINE_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/due_task.h"
#include "common/mutex_lock.h"
#include "common/response_code.h"

namespace rmq {

// What a call waits for its client to do.
enum class WaitsFor {
  // To send its first message.
  kFirstMessage,
  // To read what is written to it.
  kReading,
};

// A call that may wait for its client. Thread-safe.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Ends the call if it has waited for `what` since `limit` or longer.
  // Otherwise returns the time since which it has waited. Returns
  // InfiniteFuture if it does not wait, or has added itself again; the entry is
  // then not renewed.
  virtual absl::Time EndIfWaitingSince(WaitsFor what, absl::Time limit) = 0;
  // Ends the call with `status` if it still waits. A call whose client does not
  // read is cancelled instead.
  virtual void EndIfWaiting(const CallStatus& status) = 0;
};

// Tracks calls that wait, each with one entry at most. Thread-safe; calls
// waiters with no lock held.
class DeadlineWatch final : public DueTask {
 public:
  struct Options {
    WaitsFor what = WaitsFor::kReading;
    // The longest that a call may wait. Must be positive.
    absl::Duration limit;
    // The most entries, and half of them of one address (a ClientNetwork). When
    // one more is added, the call that has waited longest is ended: of the
    // address if it has more than its half, or else of all. So a client that
    // acts at once keeps its place, even if another client fills all other
    // places.
    size_t capacity = kNoLimit;
  };
  static constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
  // Identifies an entry for as long as there is one, also after Check() has
  // renewed it. A default Ticket identifies none.
  using Ticket = std::pair<absl::Time, uint64_t>;

  // `on_due` is called by the thread that adds a call, with the locks that the
  // thread holds.
  DeadlineWatch(const Options& options, DueListener on_due)
      : options_(options), on_due_(std::move(on_due)) {}

  const Options& options() const { return options_; }

  // Adds `waiter`, a call from `network`, which has waited since `since`. A
  // stream adds itself for a pending write only when a further write has to
  // wait behind it, or when the write is its last: a stream that is read costs
  // nothing here. May end another waiter if the capacity is limited.
  Ticket Add(std::weak_ptr<Waiter> waiter, ClientNetwork network,
             absl::Time since, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Moves the entry of `ticket` because its waiter waits for something else
  // since `now`, for `limit` at most: if `limit` is shorter than the watch's
  // own, the waiter is checked by then. Returns the entry's ticket.
  Ticket Shorten(const Ticket& ticket, std::weak_ptr<Waiter> waiter,
                 ClientNetwork network, absl::Duration limit, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_) {
    if (limit >= options_.limit) return ticket;
    Remove(ticket);
    return Add(std::move(waiter), network, now + limit - options_.limit, now);
  }

  // Removes an entry, if it is still there. While its waiter is asked, this
  // keeps it from being renewed. A waiter that need not be counted may also
  // leave the removal to Check().
  void Remove(const Ticket& ticket) ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the calls whose wait has lasted for the limit at `now`. Returns when
  // to call Check() again; InfiniteFuture if there is no entry. A Check() that
  // comes later than the limit after the last one, while there were entries,
  // shows that this process was stopped and could not see what clients did. All
  // waits then count as begun at `now`.
  absl::Time Check(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return NextDueLocked();
  }
  void Run(absl::Time now) override { Check(now); }

  // Ends the call that has waited longest. Returns false if there is none.
  bool EndFirst(const CallStatus& status) ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::weak_ptr<Waiter> waiter;
    ClientNetwork network;
  };
  // Of an entry that has its Ticket's number, and maybe another deadline.
  using Place = Ticket;
  using Entries = absl::btree_map<Place, Entry>;

  // Adds the entry as number `number`; 0: as a new one. Does nothing, and
  // returns no ticket, if the number's entry was removed while its waiter was
  // asked.
  Ticket AddEntry(uint64_t number, Entry entry, absl::Time since,
                  absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time NextDueLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // When the first entry's wait is over. There must be an entry.
  absl::Time FirstDeadlineLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes out an entry, which must be there.
  Entry TakeLocked(Entries::iterator found) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const DueListener on_due_;
  mutable absl::Mutex mu_;
  // The time of the last Check(), or of the first Add() to an empty watch if
  // that was later.
  absl::Time last_check_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // When Check() last saw that this process had been stopped.
  absl::Time back_since_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  // By deadline, then in the order of Add().
  Entries entries_ ABSL_GUARDED_BY(mu_);
  // The deadlines of the entries that Check() has renewed, by number.
  // InfiniteFuture: the waiter is asked, and `entries_` does not have it.
  absl::flat_hash_map<uint64_t, absl::Time> renewed_ ABSL_GUARDED_BY(mu_);
  // The places of `entries_`, by address, if there is a limit of an address.
  absl::flat_hash_map<ClientNetwork, absl::btree_set<Place>> by_network_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_DEADLINE_WATCH_H_
