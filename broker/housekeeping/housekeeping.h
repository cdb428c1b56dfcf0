// Finds channels that expired, and removes channels that closed.
//
// Reference: ClientHousekeepingService.java.
#ifndef BROKER_HOUSEKEEPING_HOUSEKEEPING_H_
#define BROKER_HOUSEKEEPING_HOUSEKEEPING_H_

#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "common/due_task.h"

namespace rmq {

// Thread-safe. Borrows the table and the notifier, which outlive it. Starts no
// thread: the edge begins a pass when NextTick() has come. A silent channel is
// then found at most a second after its expiry.
class Housekeeping {
 public:
  struct Options {
    // The longest time between ticks. Must be positive.
    absl::Duration period = absl::Seconds(10);

    absl::Status Validate() const;
  };

  // The rest of a pass. Used by one thread.
  class Pass {
   public:
    bool is_over() const { return !more_to_scan_ && to_end_.empty(); }

   private:
    friend class Housekeeping;

    bool more_to_scan_ = false;
    // When the changes that a long scan has made until then are pushed.
    absl::Time push_at_;
    // Channels that expired, in order. The streams of the first `ended_` have
    // ended.
    std::vector<ClientChannelPtr> to_end_;
    size_t ended_ = 0;
  };

  // `options` must validate. `now` is where the first period begins. `on_due`,
  // which may be null, is called when NextTick() becomes earlier by the request
  // of a client. Only one Housekeeping a table.
  Housekeeping(const Options& options, ClientTable* table,
               ConsumerIdsNotifier* notifier, absl::Time now,
               DueListener on_due = nullptr);

  const Options& options() const { return options_; }

  // When the next tick is due: when the first second of deadlines is over, and
  // at the latest the shorter of `period` and the lateness bound after the last
  // tick. The lateness bound is a quarter of the shortest expiry in force, but
  // at least kLeastLateness and at most kMostLateness.
  absl::Time NextTick() const ABSL_LOCKS_EXCLUDED(mu_);

  // A whole pass, at once: BeginTick(), then all its steps.
  void Tick(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Begins a pass. If `pass` is not over, the two continue as one. A tick that
  // is later than it was due by more than the lateness bound shows that this
  // process was away (stopped, starved, suspended) and could hear nobody: then
  // every channel counts as heard at `now` before the scan. An absence that is
  // not noticed lasts for less than half of the shortest expiry, so whoever
  // heartbeats four times an expiry outlives it. Differs: Java expires all its
  // clients at once.
  void BeginTick(absl::Time now, Pass* pass) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes one step of a pass; `now` is that of its beginning or later. A step
  // scans kPiecesInAStep pieces. After the last piece the changed groups are
  // pushed, and then each step ends the streams of up to kEndsInAStep expired
  // channels. So the remaining members of a group are pushed once, however many
  // others expired. There are two exceptions: a scan that takes longer than a
  // period pushes each period, and a step that delivered a change of another
  // call pushes at its end. An edge that rests between steps has time for live
  // clients while very many expire.
  void ContinueScan(absl::Time now, Pass* pass);

  // Makes all remaining steps.
  void FinishScan(absl::Time now, Pass* pass);

  // Expires every channel that has been silent for strictly longer than the
  // channel expiry, and every group that its channel has left out for longer
  // than that. The events and pushes are those of any other removal; the
  // notifier may leave some pushes for later. Reference: #scanExceptionChannel.
  // Differs: a stale group on a live channel expires alone; members are pushed,
  // and groups are cleaned up.
  void Scan(absl::Time now);

  // Called when the channel's stream is over, for whatever reason: closes the
  // channel, removes it from all its groups, and pushes to their members. Does
  // nothing if the channel was closed already. Reference:
  // #onChannelClose, #onChannelException, #onChannelIdle. Differs: O(groups of
  // the channel).
  void OnChannelClose(ClientChannel& channel, RemovalReason reason,
                      absl::Time now);

  // How many channels a scan looks at under one hold of the lock. Few, because
  // all of them may have expired, and a removal costs twenty times a look.
  static constexpr size_t kPieceChannels = 32;
  static constexpr size_t kPiecesInAStep = 8;
  // Few, because ending a stream writes to it, which costs more than all else.
  static constexpr size_t kEndsInAStep = 32;

  // The least and the greatest lateness bound. With a shorter expiry than four
  // times the least one, an absence that is not noticed may expire clients.
  static constexpr absl::Duration kLeastLateness = absl::Milliseconds(250);
  static constexpr absl::Duration kMostLateness = absl::Seconds(10);

 private:
  void BeginScan(absl::Time now, Pass* pass);
  // The longest time to the next tick.
  absl::Duration LongestWait(absl::Duration shortest_expiry) const;
  void OnSooner(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  ClientTable& table_;
  ConsumerIdsNotifier& notifier_;

  const DueListener on_due_;

  mutable absl::Mutex mu_;
  // When the next tick is due, whatever expires.
  absl::Time tick_by_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_HOUSEKEEPING_H_
