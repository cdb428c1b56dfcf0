// Closes all channels, because the broker goes down.
#ifndef BROKER_HOUSEKEEPING_DRAIN_H_
#define BROKER_HOUSEKEEPING_DRAIN_H_

#include <cstddef>

#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_table.h"

namespace rmq {

// One drain of the broker, in pieces: each closes some channels, whose streams
// end with RemovalReason::kDrained. Nobody is told that members leave, since
// all of them do. Used by one thread.
class Drain {
 public:
  // Channels that are closed under one lock of the table.
  static constexpr size_t kPieceChannels = 1000;

  // Borrows both. From now on `notifier` pushes nothing.
  Drain(ClientTable* table, ConsumerIdsNotifier* notifier);

  // Closes the next piece at `now`, and ends its streams. Returns whether
  // channels are left.
  bool CloseSome(absl::Time now);

  // The number of channels that were closed.
  size_t closed() const { return closed_; }

 private:
  ClientTable& table_;
  size_t closed_ = 0;
};

}  // namespace rmq

#endif  // BROKER_HOUSEKEEPING_DRAIN_H_
