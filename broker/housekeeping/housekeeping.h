// Finds what expired, and takes out what closed.
//
// Reference: ClientHousekeepingService.java.
#ifndef BROKER_HOUSEKEEPING_HOUSEKEEPING_H_
#define BROKER_HOUSEKEEPING_HOUSEKEEPING_H_

#include <cstddef>
#include <cstdint>

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
// the edge calls Tick() each `period`.
class Housekeeping {
 public:
  struct Options {
    // Time between ticks. Must be positive. A silent channel is found at most
    // this much after its expiry.
    absl::Duration period = absl::Seconds(10);

    absl::Status Validate() const;
  };

  // `options` must validate. `now` is where the first period begins.
  Housekeeping(const Options& options, ClientTable* table,
               ConsumerIdsNotifier* notifier, absl::Time now);

  const Options& options() const { return options_; }

  // The periodic pass. One that comes late by more than a period shows that
  // this process was away (stopped, starved, suspended) and could hear nobody:
  // every channel counts as heard at `now` before the scan. Differs: Java then
  // expires all its clients at once.
  void Tick(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Expires every channel silent for strictly longer than the channel expiry,
  // and every group that a channel's later statements left out for as long;
  // with the events and pushes of any other removal. Works in pieces of
  // kPieceChannels, and pushes after each kPiecesBeforePushes. Reference:
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
  static constexpr size_t kPiecesBeforePushes = 8;

 private:
  const Options options_;
  ClientTable& table_;
  ConsumerIdsNotifier& notifier_;

  absl::Mutex mu_;
  absl::Time last_tick_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_HOUSEKEEPING_H_
