// Who pays for the open channels.
#ifndef BROKER_REGISTRY_CHANNEL_PAYERS_H_
#define BROKER_REGISTRY_CHANNEL_PAYERS_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/registry/principals.h"
#include "common/payer.h"
#include "common/rate_limit.h"

namespace rmq {

// How many channels each payer has, and how often they changed what they state.
// There is an entry for each payer that has a channel, and for at most
// kMostWithoutChannel others, whose last channel closed before their rate of
// changes was fully available again: who closes its channels and comes back
// finds its rate as it was. Beyond that number the one goes whose rate is
// available first.
//
// Not thread-safe: a part of TableState.
class ChannelPayers {
 public:
  static constexpr size_t kMostWithoutChannel = 10'000;

  // `changes`: of the statements of one payer's channels. `principals` numbers
  // the payers that are principals, and is borrowed: the number of one without
  // a channel is kept in use.
  ChannelPayers(const Rate& changes, Principals* principals)
      : changes_(changes), principals_(*principals) {}

  // While the payer's number is in use.
  void Add(const Payer& payer);
  // The counterpart of an Add(). While the payer's number is in use.
  void Remove(const Payer& payer, absl::Time now);
  // How many channels the payer has.
  size_t channels(const Payer& payer) const;
  // How many payers have an entry.
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

  // A payer without a channel.
  struct Waiting {
    absl::Time changes_full_at;
    Payer payer;

    friend bool operator<(const Waiting& a, const Waiting& b) {
      if (a.changes_full_at != b.changes_full_at) {
        return a.changes_full_at < b.changes_full_at;
      }
      return std::make_pair(a.payer.number, a.payer.is_principal) <
             std::make_pair(b.payer.number, b.payer.is_principal);
    }
  };

  // Forgets the one whose rate is available first.
  void ForgetFirst();

  const Rate changes_;
  Principals& principals_;
  absl::flat_hash_map<Payer, Entry> payers_;
  // Those without a channel: each has one use of its principal's number.
  absl::btree_set<Waiting> waiting_;
  // Of all entries there have been.
  absl::Time latest_full_at_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_PAYERS_H_
