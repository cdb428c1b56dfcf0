// Tells the members of a consumer group that its consumer ids have changed.
//
// Every kChange event makes its group dirty; a flush pushes once to each
// channel of each dirty group, as the group is then. So changes that come
// together make one push a member, and a push after the last change is never
// missed.
//
// Reference: DefaultConsumerIdsChangeListener.java. Differs: coalesced.
#ifndef BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
#define BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
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

  // Called when NextDeadline() has become the time that it is given. By
  // whichever thread, with no lock held.
  using DeadlineListener = std::function<void(absl::Time)>;

  // `options` must validate. `on_deadline` may be null.
  explicit ConsumerIdsNotifier(const Options& options,
                               DeadlineListener on_deadline = nullptr)
      : options_(options), on_deadline_(std::move(on_deadline)) {}

  void OnClientEvent(const ClientEvent& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

  // Pushes what is dirty, if the window of its first change is over at `now`.
  // The first flush that sees a change opens its window.
  // Reads the groups' channels from `table` in bounded pieces and calls them
  // with no lock held.
  void Flush(const ClientTable& table, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // When the next Flush() has something to push; InfiniteFuture if nothing is
  // dirty. With a window of zero every change is flushed by the call that made
  // it, and nobody need wait for this.
  absl::Time NextDeadline() const ABSL_LOCKS_EXCLUDED(mu_);

  // Drops what is dirty, and all later changes: the broker goes down and its
  // clients are about to hear of it.
  void StartDraining() ABSL_LOCKS_EXCLUDED(mu_);

  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const Options options_;
  const DeadlineListener on_deadline_;

  mutable absl::Mutex mu_;
  // At most one entry a registered group, or one that has just gone.
  absl::flat_hash_set<std::string> dirty_ ABSL_GUARDED_BY(mu_);
  // When Flush() opened the window; InfiniteFuture if it has not.
  absl::Time dirty_since_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  Counts counts_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_NOTIFY_CONSUMER_IDS_NOTIFIER_H_
