// Finds what expired, and takes out what closed.
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

namespace rmq {

// Thread-safe. What it is given is borrowed and outlives it. Starts no thread:
// the edge begins a pass each `period`.
class Housekeeping {
 public:
  struct Options {
    // Time between ticks. Must be positive. A silent channel is found at most
    // this much after its expiry.
    absl::Duration period = absl::Seconds(10);

    absl::Status Validate() const;
  };

  // What is left to do of a pass. Used by one thread.
  class Pass {
   public:
    bool is_over() const { return !more_to_scan_ && to_end_.empty(); }

   private:
    friend class Housekeeping;

    bool more_to_scan_ = false;
    // When the changes that a long scan has made so far are pushed.
    absl::Time push_at_;
    // Those taken out whose streams are to end, in order; the first `ended_`
    // have.
    std::vector<ClientChannelPtr> to_end_;
    size_t ended_ = 0;
  };

  // `options` must validate. `now` is where the first period begins.
  Housekeeping(const Options& options, ClientTable* table,
               ConsumerIdsNotifier* notifier, absl::Time now);

  const Options& options() const { return options_; }

  // The periodic pass, at once: BeginTick(), then all its steps.
  void Tick(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Begins a periodic pass; if `pass` is not over, the two go on as one. One
  // that comes late by more than a period shows that this process was away
  // (stopped, starved, suspended) and could hear nobody: every channel counts
  // as heard at `now` before the scan. Differs: Java then expires all its
  // clients at once.
  void BeginTick(absl::Time now, Pass* pass) ABSL_LOCKS_EXCLUDED(mu_);

  // A step of a pass, `now` being that of its beginning or later: looks at
  // kPiecesInAStep pieces; when all have been looked at, tells the groups that
  // have changed, and ends kEndsInAStep of the channels that expired at most.
  // So whoever is left of a group is told once, however many others expired,
  // unless the scan takes longer than a period, or delivered a change that
  // another call made meanwhile: that one is pushed after the step. An edge
  // that waits a little between steps has time for those that live while very
  // many expire.
  void ContinueScan(absl::Time now, Pass* pass);

  // All steps that are left.
  void FinishScan(absl::Time now, Pass* pass);

  // Expires every channel silent for strictly longer than the channel expiry,
  // and every group that a channel's later statements left out for as long;
  // with the events and pushes of any other removal; at once, but for pushes
  // that the notifier leaves for later. Reference:
  // #scanExceptionChannel. Differs: a group that is stale on a live channel
  // expires alone; peers are told, groups are cleaned up.
  void Scan(absl::Time now);

  // The channel's stream is over, whichever way: takes it out of all its groups
  // and tells their members. Does nothing if it was closed already. Reference:
  // #onChannelClose, #onChannelException, #onChannelIdle. Differs: O(groups of
  // the channel).
  void OnChannelClose(ClientChannel& channel, RemovalReason reason,
                      absl::Time now);

  // What a scan looks at in one piece, under one lock: few, since all of them
  // may have expired, and taking one out costs twenty times a look.
  static constexpr size_t kPieceChannels = 32;
  static constexpr size_t kPiecesInAStep = 8;
  // To end a stream is to write to it, which costs more than all else.
  static constexpr size_t kEndsInAStep = 32;

 private:
  void BeginScan(absl::Time now, Pass* pass);

  const Options options_;
  ClientTable& table_;
  ConsumerIdsNotifier& notifier_;

  absl::Mutex mu_;
  absl::Time last_tick_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_HOUSEKEEPING_H_
