// Tells the members of a consumer group that its consumer ids have changed.
//
// Every kChange event makes its group dirty; a flush pushes once to each
// channel of each dirty group, as the group is then. So changes that come
// together make one push a member, and a push after the last change is never
// missed. A group that has been pushed is not pushed again for a window: the
// first change is told at once, those that follow within the window are told
// together at its end. A flush makes so many pushes at most; where there are
// more, the rest is made piece by piece, and whoever has pushes to make joins
// the queue.
//
// Reference: DefaultConsumerIdsChangeListener.java. Differs: coalesced.
#ifndef BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
#define BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
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
    // The least time between two rounds of pushes to a group: what a change may
    // wait for others, up to a tenth of it longer, since windows that end at
    // about the same time end together. 0: a change waits until the end of the
    // processor call, or of the piece of housekeeping, that made it, and no
    // longer. At most kLongestWindow.
    absl::Duration notify_window = absl::ZeroDuration();
    // The broker-wide switch. False: nothing is ever pushed.
    // Reference: BrokerConfig#notifyConsumerIdsChangedEnable.
    bool enabled = true;

    absl::Status Validate() const;
  };

  struct Counts {
    int64_t changes = 0;    // kChange events heard.
    int64_t coalesced = 0;  // Of these, with one that waits already.
    int64_t pushes = 0;     // Calls of ClientChannel::Push().
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

  // Pushes to the groups that are dirty, but for those whose window is not over
  // at `now`. A group's window opens with the flush that begins to push to it.
  // Makes kMostPushes at most; while some are left, the next ones are made
  // kPause later. Reads the groups' channels from `table` and calls them with
  // no lock held.
  void Flush(const ClientTable& table, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // A push is a write, some ten microseconds: those who live with a group of
  // thousands, on the same thread, do not wait for all of it.
  static constexpr size_t kMostPushes = 128;
  static constexpr absl::Duration kPause = absl::Milliseconds(1);

  static constexpr absl::Duration kLongestWindow = absl::Minutes(10);

  // A window ends at the next multiple of its length divided by this. So the
  // windows of a thousand groups cost ten wake-ups a window, not a thousand,
  // and their pushes are written together.
  static constexpr int kEndsInAWindow = 10;

  // Whether a Flush() came while another call was delivering the table's
  // events, since this was asked last. That flush could not see all changes of
  // its own caller: the call that delivers them has to flush too. A call that
  // flushes after each delivery need not ask.
  bool TakeMissedFlush() ABSL_LOCKS_EXCLUDED(mu_);

  // When the next Flush() has something to push; InfiniteFuture if nothing
  // waits. A change outside its group's window is flushed by the call that made
  // it, and nobody need wait for this unless there are many pushes.
  absl::Time NextDeadline() const ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what is dirty, and all later changes: the broker goes down and its
  // clients are about to hear of it.
  void StartDraining() ABSL_LOCKS_EXCLUDED(mu_);

  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A group that has been pushed, until its window is over.
  struct Window {
    absl::Time ends;
    // It is dirty, and due at the end of the window.
    bool is_dirty = false;
  };

  // A group whose members are being pushed to: the next ones.
  struct Round {
    std::string group;
    MemberCursor cursor = 0;
  };

  // Finds what is due at `now`. Returns whether there is a group to push to.
  bool BeginFlushLocked(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The group is due, and its window opens.
  void MakeDueLocked(std::string group, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells `on_deadline_` of the next deadline, if that is earlier than what it
  // was told.
  void TellDeadline(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time NextDeadlineLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False if there is none.
  bool TakeRoundLocked(Round* round) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool has_rounds_locked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !due_.empty() || !begun_.empty();
  }

  const Options options_;
  const DeadlineListener on_deadline_;

  mutable absl::Mutex mu_;
  // Groups that no flush has seen since they changed. At most one entry a
  // registered group, or one that has just gone; so has `due_`.
  absl::flat_hash_set<std::string> dirty_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<std::string> due_ ABSL_GUARDED_BY(mu_);
  // Of groups that were due within the last window; the flushes after its end
  // drop it.
  absl::flat_hash_map<std::string, Window> windows_ ABSL_GUARDED_BY(mu_);
  // The ends of all `windows_`, in order.
  std::deque<std::pair<absl::Time, std::string>> ends_ ABSL_GUARDED_BY(mu_);
  // The ends of those whose group is dirty.
  absl::btree_set<std::pair<absl::Time, std::string>> waiting_
      ABSL_GUARDED_BY(mu_);
  // What `on_deadline_` was told last.
  absl::Time told_deadline_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
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
