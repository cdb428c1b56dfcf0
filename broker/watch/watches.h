// The open watches of a broker.
#ifndef BROKER_WATCH_WATCHES_H_
#define BROKER_WATCH_WATCHES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/registry/table_queries.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watcher.h"
#include "common/due_task.h"
#include "common/response_code.h"

namespace rmq {

// Wakes the watches when events are delivered, and when their progress is due.
//
// A delivery costs one atomic exchange, however many watches there are: the
// timer then wakes them, so that neither a heartbeat nor its loop waits for
// what is written to those who watch. A watch is woken for events at most once
// in kWakePeriod, and few watches at once: what is written to many who watch is
// spread over the time, and so are the events that each writes together.
//
// Thread-safe.
class Watches final : public DueTask {
 public:
  struct Options : EventHistory::Options {
    // Open calls of Watch, in all. Of one user, or from one address while it is
    // anonymous: half of them, but one at least. The edge counts them.
    size_t max_watches = 256;

    // Returns InvalidArgument, naming the field, for an invalid option.
    absl::Status Validate() const;
  };
  static constexpr size_t kMostWatches = 10'000;

  // A watch is woken for events at once if it was not within this time.
  static constexpr absl::Duration kWakePeriod = absl::Milliseconds(50);
  // So many watches are woken for events, or a hundredth of all if that is
  // more, and the next ones kWakeGap later.
  static constexpr size_t kWokenAtOnce = 8;
  static constexpr absl::Duration kWakeGap = absl::Milliseconds(1);

  struct Counts {
    int64_t open = 0;
    // Events that were passed on, to all watches together.
    int64_t events = 0;
    // Watches that ended with SLOW_WATCHER.
    int64_t slow = 0;
  };

  // Called with no lock held, by the timer's thread.
  using Wake = std::function<void()>;

  // One open watch; its destruction closes it. Not thread-safe.
  class Watch {
   public:
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // As Watcher::Next(). After kNothing, to be called again when the watch is
    // woken.
    Watcher::Step Next(absl::Time now);

   private:
    friend class Watches;
    Watch(Watches* watches, uint64_t number, WatchFilter filter);

    Watches& watches_;
    const uint64_t number_;
    Watcher watcher_;
  };

  // `options` must validate. Borrows `table` and `history`, whose listener it
  // becomes. `on_due` may be null.
  Watches(const Options& options, const TableQueries* table,
          EventHistory* history, DueListener on_due);
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;

  const Options& options() const { return options_; }

  // Opens a watch: with a snapshot if `from_revision` is 0, and otherwise from
  // the events of that revision on. `wake` may be called from now on, and once
  // more after the watch is closed. Returns Watcher::BeginAt()'s errors.
  CallStatus Open(WatchFilter filter, uint64_t from_revision, Wake wake,
                  std::unique_ptr<Watch>* watch) ABSL_LOCKS_EXCLUDED(mu_);

  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

  // DueTask.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::shared_ptr<const Wake> wake;
    absl::Time next_progress = absl::InfiniteFuture();
    // Events were delivered since it was woken.
    bool has_news = false;
    // When it may be woken for events.
    absl::Time next_news = absl::InfinitePast();
  };

  void OnNews();

  const Options options_;
  const TableQueries& table_;
  const EventHistory& history_;
  const DueListener on_due_;

  // The number of `watches_`; read without the lock.
  std::atomic<int64_t> open_{0};
  // Events were delivered since Run().
  std::atomic<bool> has_news_{false};
  std::atomic<int64_t> events_{0};
  std::atomic<int64_t> slow_{0};

  mutable absl::Mutex mu_;
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  // By number.
  absl::flat_hash_map<uint64_t, Entry> watches_ ABSL_GUARDED_BY(mu_);
  // When watches may be woken for events again.
  absl::Time next_wakes_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_WATCH_WATCHES_H_
