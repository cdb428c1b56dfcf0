// Pushes to the members of a consumer group that its consumer ids have changed.
//
// Each kChange event makes its group dirty. A flush makes a round of pushes to
// each dirty group, one push a channel. So changes that come together make one
// push a member, and the push after the last change is never missed. A group
// that has had a round has the next one a window later at the earliest: the
// first change is pushed at once, the changes within the window are pushed
// together at its end. A flush makes a bounded number of pushes; the remaining
// ones are made piece by piece, and groups that become due meanwhile queue
// behind them.
//
// All pushes of a round lead to one epoch, that of a snapshot which is read at
// its beginning. What the round tells a channel depends on what the channel has
// acknowledged:
// - nothing: who is there, if a client id has come or gone, else a bare push.
//   So a channel that never acknowledges gets a push for each change, as
//   RocketMQ's do.
// - an earlier epoch: what has changed since then.
// - this epoch: nothing, or a bare push if the group's topics have changed.
// A round of a group that is not dirty, but of which members are to be pushed
// again, is made to these members only.
//
// Rounds of one group follow each other, so that a channel never gets the push
// of an earlier round after that of a later one.
//
// Reference: DefaultConsumerIdsChangeListener.java. Differs: coalesced, and it
// says what has changed.
#ifndef BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
#define BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/notify/departures.h"
#include "broker/notify/detection_times.h"
#include "broker/notify/push_content.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/membership_push.h"
#include "common/mutex_lock.h"

namespace rmq {

// Thread-safe. A listener of the table's events.
class ConsumerIdsNotifier final : public ClientEventListener {
 public:
  struct Options {
    // The least time between two rounds of pushes to a group: how long a change
    // may wait for others. It may be up to a tenth longer, since windows that
    // end at about the same time end together. 0: a change waits no longer than
    // until the end of the processor call, or of the piece of housekeeping,
    // that made it. At most kLongestWindow.
    absl::Duration notify_window = absl::ZeroDuration();
    // The broker-wide switch. False: nothing is ever pushed.
    // Reference: BrokerConfig#notifyConsumerIdsChangedEnable.
    bool enabled = true;

    absl::Status Validate() const;
  };

  struct Counts {
    int64_t changes = 0;    // kChange events received.
    int64_t coalesced = 0;  // Of these, merged into one that waits already.
    int64_t pushes = 0;     // Calls of ClientChannel::Push().
    std::array<int64_t, kPushKinds> pushes_of_kind = {};  // By PushKind.
    int64_t resent = 0;  // Of the pushes, those to channels told again.
    // Of the members that EXPIRED or were DISCONNECTED, once each, when the
    // next round of their group makes its first push. Nothing if it makes none.
    DetectionTimes detection;
  };

  // Called by any thread, with no lock held, when NextDeadline() has become
  // earlier. The argument is the new deadline; a yet earlier one may follow.
  using DeadlineListener = std::function<void(absl::Time)>;

  // `options` must validate. `on_deadline` may be null.
  explicit ConsumerIdsNotifier(const Options& options,
                               DeadlineListener on_deadline = nullptr)
      : options_(options), on_deadline_(std::move(on_deadline)) {}

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  void OnEventsDelivered() override ABSL_LOCKS_EXCLUDED(mu_);

  // Members of `group` wait in the table to be pushed again: see
  // ClientTable::MarkUnacknowledged(). A later flush does so.
  void Resend(absl::string_view group) ABSL_LOCKS_EXCLUDED(mu_);

  // Pushes to the dirty groups whose window is over at `now`. A group's window
  // opens with the flush that makes its round due. Looks at no more than
  // kMostPushes members; if some are left, the next ones are looked at kPause
  // later. Reads the groups' channels from `table` and calls them with no lock
  // held.
  void Flush(ClientTable& table, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // A push is a write of some ten microseconds. Clients that share a thread
  // with a group of thousands do not wait for all its pushes.
  static constexpr size_t kMostPushes = 128;
  static constexpr absl::Duration kPause = absl::Milliseconds(1);

  static constexpr absl::Duration kLongestWindow = absl::Minutes(10);

  // A window ends at the next multiple of its length divided by this. So the
  // windows of a thousand groups cost ten wake-ups a window, not a thousand,
  // and their pushes are written together.
  static constexpr int kEndsInAWindow = 10;

  // Whether, since the last call of this method, a Flush() came while another
  // call was delivering the table's events. Such a flush could not see all
  // changes of its own caller, so the call that delivers them has to flush too.
  // A call that flushes after each delivery need not ask.
  bool TakeMissedFlush() ABSL_LOCKS_EXCLUDED(mu_);

  // When the next Flush() has something to push; InfiniteFuture if nothing
  // waits. A change outside its group's window is flushed by the call that made
  // it, and does not show here unless there are many pushes.
  absl::Time NextDeadline() const ABSL_LOCKS_EXCLUDED(mu_);

  // From now on nothing is pushed: the clients are about to be told to go.
  // Groups that have changed, and that still do, stay dirty until they end.
  void StartDraining() ABSL_LOCKS_EXCLUDED(mu_);
  // The next flush pushes to the groups that are dirty. No detection is
  // measured across a drain.
  void StopDraining() ABSL_LOCKS_EXCLUDED(mu_);

  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

  // Groups that no flush has seen since they changed, or that wait for the end
  // of a drain.
  size_t dirty_groups() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return dirty_.size();
  }

 private:
  // Why a group needs a round.
  struct Needs {
    // It has changed: all members are pushed.
    bool change = false;
    // A client id has come or gone, or the topics have changed.
    bool members_changed = false;
    bool topics_changed = false;
    // Members wait to be pushed again.
    bool resend = false;

    bool any() const { return change || resend; }
    void Add(const Needs& more);
  };

  // A group that has had a round, until its window is over.
  struct Window {
    absl::Time ends;
    // What is due at the end of the window.
    Needs needs;
  };

  // A round that has begun, and the member after which it continues.
  struct Round {
    std::string group;
    Needs needs;
    // Null until the snapshot is read.
    std::unique_ptr<PushContent> content;
    MemberCursor cursor = 0;
    // The last signs of life of the members of whose end no push has told yet.
    std::vector<absl::Time> departed;
  };

  // The push of a round to one of the members; null: none.
  static std::shared_ptr<const MembershipPush> PushTo(const PushTarget& target,
                                                      const Round& round);
  // Pushes to the next `max` members of the round. Returns at how many it has
  // looked. The round is over if its cursor is 0 then.
  size_t PushSome(ClientTable& table, absl::Time now, size_t max, Round* round)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Finds what is due at `now`. Returns whether there is a group to push to.
  bool BeginFlushLocked(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes the group due and opens its window.
  void MakeDueLocked(std::string group, const Needs& needs, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The round is over: the group is due if it became so meanwhile.
  void EndRoundLocked(const std::string& group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Calls `on_deadline_` with the next deadline if that is earlier than the one
  // that was reported last.
  void ReportDeadline(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time NextDeadlineLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False if there is none.
  bool TakeRoundLocked(Round* round) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool has_rounds_locked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !due_.empty() || !begun_.empty();
  }

  const Options options_;
  const DeadlineListener on_deadline_;

  mutable absl::Mutex mu_;
  Departures departures_ ABSL_GUARDED_BY(mu_);
  // Groups that no flush has seen since they changed, or that wait for the end
  // of a drain. This and `due_` have at most one entry for each group that is
  // registered or has just gone.
  absl::flat_hash_map<std::string, Needs> dirty_ ABSL_GUARDED_BY(mu_);
  // Groups that have no round under way.
  absl::btree_map<std::string, Needs> due_ ABSL_GUARDED_BY(mu_);
  // Groups that have one, and what became due meanwhile.
  absl::flat_hash_map<std::string, Needs> under_way_ ABSL_GUARDED_BY(mu_);
  // Windows of the groups that were due lately; the flush after its end drops a
  // window.
  absl::flat_hash_map<std::string, Window> windows_ ABSL_GUARDED_BY(mu_);
  // The ends of all `windows_`, in order.
  std::deque<std::pair<absl::Time, std::string>> ends_ ABSL_GUARDED_BY(mu_);
  // The ends of those whose group is dirty.
  absl::btree_set<std::pair<absl::Time, std::string>> waiting_
      ABSL_GUARDED_BY(mu_);
  // The deadline that was reported last.
  absl::Time reported_deadline_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // Of the rounds under way those that no thread works on: at most one for each
  // thread that flushes.
  std::vector<Round> begun_ ABSL_GUARDED_BY(mu_);
  bool missed_flush_ ABSL_GUARDED_BY(mu_) = false;
  // If pushes are left over: when the next ones may be made.
  absl::Time paused_until_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  // While draining: the consumer group that ended last, and by which change.
  std::string ended_group_ ABSL_GUARDED_BY(mu_);
  uint64_t ended_at_ ABSL_GUARDED_BY(mu_) = 0;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
