// Tells all clients to go, and when to come back.
#ifndef BROKER_HOUSEKEEPING_DRAIN_H_
#define BROKER_HOUSEKEEPING_DRAIN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "common/due_task.h"

namespace rmq {

enum class DrainState {
  kServing,   // Clients are let in.
  kDraining,  // Clients are told to go, and none is let in.
  kDrained,   // All have gone, and none is let in.
};

// How far a drain has come.
struct DrainProgress {
  DrainState state = DrainState::kServing;
  // The number of the latest drain; 0: there was none.
  uint64_t drain = 0;
  // Open channels when that drain began, and now.
  size_t clients_at_start = 0;
  size_t clients_left = 0;
  // How many channels that drain has closed: all of them, once it is over.
  size_t closed = 0;
  absl::Time started;
  // When the last client is told to go.
  absl::Time ends;
  // How many calls have begun a drain or given it another duration, and the
  // duration that the last one gave.
  uint64_t begun = 0;
  absl::Duration duration;
  // When that drain was over or was cancelled.
  absl::Time ended;
  // The broker goes down: the drain cannot be cancelled.
  bool is_last = false;
  // Grows with each call of OnDrainProgress() that is due.
  uint64_t report = 0;
};

// Called with no lock held, by one thread at a time. Must not block.
class DrainListener {
 public:
  virtual ~DrainListener() = default;

  // Called when a drain begins, is given another duration, is over or is
  // cancelled, and each second while it goes on. The last call tells how it is
  // now; earlier calls may have been left out.
  virtual void OnDrainProgress(const DrainProgress& progress) = 0;

  // The drain has begun: ends up to `max` streams that are no channels yet.
  // Returns whether more are left.
  virtual bool EndNewcomers(size_t max, absl::Time now) = 0;
};

// The drain of a broker: its state, and the task that closes the channels.
//
//   kServing --Begin()--> kDraining --no channel is left--> kDrained
//      ^                      |                                |
//      +------Cancel()--------+--------------Cancel()----------+
//
// Channels are closed one by one, spread evenly over the duration: of L
// channels that are left, one each L-th part of the time that is left. If
// clients leave by themselves, the others have more time. Each closed channel
// ends with kDrained and the time after which its client should come back.
//
// When clients should come back. A client that comes while the broker drains is
// turned away, so it should come after the end; and all clients together would
// be a crowd that a broker that has just started serves slowly. So each client
// that is told to go, or is turned away, gets a slot of its own: the first slot
// is kReturnDelay after the end, and each further one kReturnSpacing later. But
// nobody is told to stay away for longer than kLongestStay and the slots'
// spread: a drain of an hour may be cancelled, and then clients are missed.
// Those that come too early are turned away to the next slots, so that at most
// 1 / kReturnSpacing clients a second ask in vain.
//
// While the broker drains nothing is pushed: a member that leaves this broker
// for a restart goes on with its work, and the others would rebalance once for
// each member. What has changed is pushed once when the drain is cancelled.
//
// Thread-safe. Starts no thread: a timer runs it.
class Drain final : public DueTask {
 public:
  // Channels that one Run() closes. Few, because ending a stream writes to it,
  // and clients that are left wait meanwhile.
  static constexpr size_t kPieceChannels = 32;
  // The shortest time between runs that close channels, unless some are
  // overdue.
  static constexpr absl::Duration kGranularity = absl::Milliseconds(10);
  // The time between calls of OnDrainProgress().
  static constexpr absl::Duration kProgressPeriod = absl::Seconds(1);

  static constexpr absl::Duration kReturnDelay = absl::Seconds(1);
  static constexpr absl::Duration kReturnSpacing = absl::Milliseconds(2);
  // The spread of the slots; then they begin anew.
  static constexpr absl::Duration kReturnSpread = absl::Minutes(5);
  static constexpr absl::Duration kLongestStay = absl::Minutes(1);

  // How slowly the last drain closes channels at most.
  static constexpr absl::Duration kSlowestSpacing = absl::Milliseconds(10);

  struct Counts {
    // Whether clients are turned away.
    bool draining = false;
    // Channels that all drains have closed.
    uint64_t drained = 0;
  };

  // Borrows both. `on_due`, which may be null, is called when NextDue() becomes
  // earlier.
  Drain(ClientTable* table, ConsumerIdsNotifier* notifier,
        DueListener on_due = nullptr);

  // Borrowed. Called once, before other threads use the drain.
  void set_listener(DrainListener* listener) { listener_ = listener; }

  // Begins a drain at `now`, which ends `duration` (not negative) later. While
  // the broker drains already, the channels that are left are spread over
  // `duration` from `now`. False, and nothing happens, after BeginLast().
  bool Begin(absl::Duration duration, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // The same, of a broker that goes down: no Begin() or Cancel() follows. Takes
  // no longer than `longest`, and closes at least one channel each
  // kSlowestSpacing: it ends with the last client.
  void BeginLast(absl::Duration longest, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Lets clients in, and has pushed what has changed meanwhile. Does nothing if
  // the broker serves. False, and nothing happens, after BeginLast().
  bool Cancel(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Closes all channels that are left, whatever is due.
  void CloseAll(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // How a client that comes at `now` is turned away; none if it is let in.
  // Reads an atomic while the broker serves.
  absl::optional<ChannelEnd> TurnAway(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  DrainProgress progress() const ABSL_LOCKS_EXCLUDED(mu_);
  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

  // DueTask. A run that comes late closes what is due, in pieces.
  absl::Time NextDue() override ABSL_LOCKS_EXCLUDED(mu_);
  void Run(absl::Time now) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void BeginLocked(absl::Duration duration, size_t left, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The time between two channels if `left` are left.
  absl::Duration SpacingLocked(size_t left) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes as many channels as are due at `now`, of `left`.
  size_t TakeDueLocked(size_t left, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // When the next client should come back.
  absl::Duration TakeReturnLocked(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Closes up to `max` channels for the drain of the number, and ends them.
  // Reports the end of the drain if these were the last ones. Returns whether
  // more are left.
  bool CloseSome(uint64_t drain, size_t max, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // No channel is left: the drain of the number is over, unless another call
  // still closes some. That call then says so. Returns whether it is over since
  // now; the caller reports it.
  bool EndIfAllGoneLocked(uint64_t drain, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the listener how it is now.
  void Report() ABSL_LOCKS_EXCLUDED(mu_);

  ClientTable& table_;
  ConsumerIdsNotifier& notifier_;
  const DueListener on_due_;
  DrainListener* listener_ = nullptr;

  // Whether clients are turned away. Written under mu_, read without.
  std::atomic<bool> turns_away_{false};

  mutable absl::Mutex mu_;
  // Its `clients_left` is that of the last look at the table.
  DrainProgress progress_ ABSL_GUARDED_BY(mu_);
  // How many calls have taken channels from the table, maybe, and have not
  // counted them.
  int closing_ ABSL_GUARDED_BY(mu_) = 0;
  // Meanwhile a call has found that none is left.
  bool none_is_left_ ABSL_GUARDED_BY(mu_) = false;
  // A thread is in Run().
  bool is_running_ ABSL_GUARDED_BY(mu_) = false;
  // There may be streams that are no channels yet.
  bool has_newcomers_ ABSL_GUARDED_BY(mu_) = false;
  // The time up to which the channels that were due have been closed.
  absl::Time closed_up_to_ ABSL_GUARDED_BY(mu_);
  // When Run() was called last, and has something to do next.
  absl::Time next_due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  absl::Time next_report_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // The slot that was given last.
  absl::Time last_return_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  uint64_t drained_ ABSL_GUARDED_BY(mu_) = 0;
  // A thread is calling the listener; what it tells is no longer true.
  bool is_reporting_ ABSL_GUARDED_BY(mu_) = false;
  bool reports_again_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_DRAIN_H_
