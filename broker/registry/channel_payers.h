// Who pays for the open channels.
#ifndef BROKER_REGISTRY_CHANNEL_PAYERS_H_
#define BROKER_REGISTRY_CHANNEL_PAYERS_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/payer.h"
#include "common/rate_limit.h"

namespace rmq {

// How many channels each payer has, and how often they changed what they state.
// There is an entry for each payer that has a channel, so the memory is bounded
// by the channels.
//
// Not thread-safe: a part of TableState.
class ChannelPayers {
 public:
  // `changes`: of the statements of one payer's channels.
  explicit ChannelPayers(const Rate& changes) : changes_(changes) {}

  void Add(const Payer& payer) { ++payers_[payer].channels; }
  // The counterpart of an Add().
  void Remove(const Payer& payer);
  // How many channels the payer has.
  size_t channels(const Payer& payer) const;
  // How many payers have any.
  size_t size() const { return payers_.size(); }

  // Whether a further change may be one too many for some payer. So who changes
  // nothing is looked up only while somebody changes often.
  bool MayBeOver(absl::Time now) const {
    return !changes_.Allows(now, latest_full_at_);
  }
  // When a channel of the payer may change its statement: `now`, or later.
  absl::Time MayChangeAt(const Payer& payer, absl::Time now) const;
  // Counts a change of a channel of the payer, if it is within the rate.
  void NoteChange(const Payer& payer, absl::Time now);

 private:
  struct Entry {
    uint32_t channels = 0;
    // When the rate is fully available again; see Rate.
    absl::Time changes_full_at = absl::InfinitePast();
  };

  const Rate changes_;
  absl::flat_hash_map<Payer, Entry> payers_;
  // Of all entries there have been.
  absl::Time latest_full_at_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_PAYERS_H_
