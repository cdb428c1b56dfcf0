// Tells the members of a consumer group that its consumer ids have changed.
//
// Every kChange event makes its group dirty; a flush pushes once to each
// channel of each dirty group, as the group is then. So changes that come
// together make one push a member, and a push after the last change is never
// missed. A flush makes so many pushes at most; where there are more, the rest
// is made piece by piece, and whoever has pushes to make joins the queue.
//
// Reference: DefaultConsumerIdsChangeListener.java. Differs: coalesced.
#ifndef BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
#define BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"

namespace rmq {

// Thread-safe. A listener of the table's events.
class ConsumerIdsNotifier final : public ClientEventListener {
 public:
  struct Options {
    // How long a change may wait for others before it is pushed. 0: until the
    // end of the processor call, or of the piece of housekeeping, that made it.
    absl::Duration notify_window = absl::ZeroDuration();
    // The broker-wide switch. False: nothing is ever pushed.
    // Reference: BrokerConfig#notifyConsumerIdsChangedEnable.
    bool enabled = true;

    absl::Status Validate() const;
  };

  struct Counts {
    int64_t changes = 0;    // kChange events heard.
    int64_t coalesced = 0;  // Of these, into a group that was dirty already.
    int64_t pushes = 0;     // Calls of NotifyConsumerIdsChanged().
  };

  // Called when NextDeadline() has become the time that it is given, or an
  // earlier one. By whichever thread, with no lock held.
  using DeadlineListener = std::function<void(absl::Time)>;

  // `options` must validate. `on_deadline` may be null.
  explicit ConsumerIdsNotifier(const Options& options,
                               DeadlineListener on_deadline = nullptr)
      : options_(options), on_deadline_(std::move(on_deadline)) {}

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // Pushes what is dirty, if the window of its first change is over at `now`.
  // The first flush that sees a change opens its window.
  // Makes kMostPushes at most; while some are left, the next ones are made
  // kPause later. Reads the groups' channels from `table` and calls them with
  // no lock held.
  void Flush(const ClientTable& table, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // A push is a write, some ten microseconds: those who live with a group of
  // thousands, on the same thread, do not wait for all of it.
  static constexpr size_t kMostPushes = 128;
  static constexpr absl::Duration kPause = absl::Milliseconds(1);

  // Whether a Flush() came while another call was delivering the table's
  // events, since this was asked last. That flush could not see all changes of
  // its own caller: the call that delivers them has to flush too. A call that
  // flushes after each delivery need not ask.
  bool TakeMissedFlush() ABSL_LOCKS_EXCLUDED(mu_);

  // When the next Flush() has something to push; InfiniteFuture if nothing is
  // dirty. With a window of zero every change is flushed by the call that made
  // it, and nobody need wait for this unless there are many pushes.
  absl::Time NextDeadline() const ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what is dirty, and all later changes: the broker goes down and its
  // clients are about to hear of it.
  void StartDraining() ABSL_LOCKS_EXCLUDED(mu_);

  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A group whose members are being pushed to: the next ones.
  struct Round {
    std::string group;
    MemberCursor cursor = 0;
  };

  // Whether there is a group to push to at `now`. `deadline` is when there will
  // be if that has just become known, else InfiniteFuture.
  bool BeginFlushLocked(absl::Time now, absl::Time* deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False if there is none.
  bool TakeRoundLocked(Round* round) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool has_rounds_locked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !due_.empty() || !begun_.empty();
  }

  const Options options_;
  const DeadlineListener on_deadline_;

  mutable absl::Mutex mu_;
  // At most one entry a registered group, or one that has just gone. So has
  // `due_`, which the window is over for.
  absl::flat_hash_set<std::string> dirty_ ABSL_GUARDED_BY(mu_);
  // When Flush() opened the window; InfiniteFuture if it has not.
  absl::Time dirty_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  absl::btree_set<std::string> due_ ABSL_GUARDED_BY(mu_);
  // At most one for each thread that flushes.
  std::vector<Round> begun_ ABSL_GUARDED_BY(mu_);
  bool missed_flush_ ABSL_GUARDED_BY(mu_) = false;
  // While pushes are left over: when the next ones may be made.
  absl::Time paused_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
