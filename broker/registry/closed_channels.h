// The channels that were closed lately, and why.
#ifndef BROKER_REGISTRY_CLOSED_CHANNELS_H_
#define BROKER_REGISTRY_CLOSED_CHANNELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/channel_summary.h"
#include "common/member_change.h"
#include "common/payer.h"

namespace rmq {

// A value.
struct ClosedChannel {
  // 1, 2, ... in the order of closing.
  uint64_t number = 0;
  ChannelSummary summary;
  absl::Time closed_at;
  RemovalReason reason = RemovalReason::kDisconnected;
};
using ClosedChannelPtr = std::shared_ptr<const ClosedChannel>;

// Keeps the last `max` channels, and counts all. No payer can fill more than
// half of a full list by channels that come and go: while as many as may be are
// kept, a payer that has more than half of them makes room for each further
// one, and one that has half of them makes room for its own. Otherwise the one
// that was closed first goes.
//
// Not thread-safe.
class ClosedChannels {
 public:
  struct Kept {
    ClosedChannelPtr channel;
    Payer payer;
    // The number of the payer's next one; meaningless of its last one.
    uint64_t next_of_payer = 0;
  };
  // By number.
  using KeptByNumber = absl::btree_map<uint64_t, Kept>;

  // 0: keeps none.
  explicit ClosedChannels(size_t max) : max_(max) {}

  // `channel` is bound to a client, is in its groups still, and is being closed
  // for `reason`. `principal`: of its client. `payer`: rmq::PayerOf() the
  // channel, which means the same as long as it is kept. A stream that ends
  // after it has unregistered its last group is UNREGISTERED. A stand-in that
  // never was in a group is passed over.
  void Note(const ChannelRecord& channel, absl::string_view principal,
            const Payer& payer, RemovalReason reason, absl::Time now);

  const KeptByNumber& kept() const { return kept_; }
  // How many were closed since the start, by reason.
  const std::array<int64_t, kRemovalReasons>& counts() const { return counts_; }
  bool keeps_any() const { return max_ > 0; }

 private:
  // What is kept of one payer's: the numbers of the first and the last.
  struct OfPayer {
    size_t channels = 0;
    uint64_t first = 0;
    uint64_t last = 0;
  };

  // Forgets one, for another one of `payer`.
  void MakeRoom(const Payer& payer);

  const size_t max_;
  uint64_t last_number_ = 0;
  KeptByNumber kept_;
  // None is empty.
  absl::flat_hash_map<Payer, OfPayer> of_payers_;
  // The payer that had more than half last.
  Payer largest_;
  std::array<int64_t, kRemovalReasons> counts_ = {};
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLOSED_CHANNELS_H_
