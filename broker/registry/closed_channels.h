// The channels that were closed lately, and why.
#ifndef BROKER_REGISTRY_CLOSED_CHANNELS_H_
#define BROKER_REGISTRY_CLOSED_CHANNELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/channel_summary.h"
#include "common/member_change.h"

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

// Keeps the last `max` channels, and counts all. Not thread-safe.
class ClosedChannels {
 public:
  // 0: keeps none.
  explicit ClosedChannels(size_t max) : max_(max) {}

  // `channel` is bound to a client, is in its groups still, and is being closed
  // for `reason`. `principal`: of its client. A stream that ends after it has
  // unregistered its last group is UNREGISTERED. A stand-in that never was in a
  // group is passed over.
  void Note(const ChannelRecord& channel, absl::string_view principal,
            RemovalReason reason, absl::Time now);

  // In the order of closing.
  const std::deque<ClosedChannelPtr>& kept() const { return kept_; }
  // How many were closed since the start, by reason.
  const std::array<int64_t, kRemovalReasons>& counts() const { return counts_; }
  bool keeps_any() const { return max_ > 0; }

 private:
  const size_t max_;
  uint64_t last_number_ = 0;
  std::deque<ClosedChannelPtr> kept_;
  std::array<int64_t, kRemovalReasons> counts_ = {};
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLOSED_CHANNELS_H_
