// How long each channel may be silent, and which channels may have expired.
#ifndef BROKER_REGISTRY_CHANNEL_EXPIRIES_H_
#define BROKER_REGISTRY_CHANNEL_EXPIRIES_H_

#include <cstddef>
#include <map>

#include "absl/time/time.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/expiry_index.h"
#include "broker/registry/table_options.h"

namespace rmq {

// When housekeeping has to look at the table.
struct ExpiryOutlook {
  // The first time at which something may have expired, or at which an
  // inconsistent group is to be reported; InfiniteFuture if there is nothing.
  // What may be looked at already is left out.
  absl::Time next_due = absl::InfiniteFuture();
  // The shortest expiry of an open channel, or the table's own if that is
  // shorter.
  absl::Duration shortest = absl::InfiniteDuration();
};

// Joins the expiry of each channel and the ExpiryIndex. A channel has the
// table's expiry or one that its client has asked for; the latter stands in
// ChannelRecord::Exceptions.
//
// Not thread-safe. Channels are borrowed: remove one before it dies.
class ChannelExpiries {
 public:
  explicit ChannelExpiries(const TableOptions& options)
      : usual_(options.channel_expiry) {}

  absl::Duration Of(const ChannelRecord& channel) const {
    return channel.Expiry(usual_);
  }

  // Gives a channel its expiry, which must be positive. Returns whether that is
  // shorter than before: then the channel must be filed anew.
  bool Set(ChannelRecord& channel, absl::Duration expiry);

  // Files a channel that was last heard, or last stated one of its groups, at
  // `heard`. It is filed at `now` if it may have expired before.
  void File(ChannelRecord& channel, absl::Time heard, absl::Time now);
  // The same for a channel that may be filed elsewhere.
  void FileAnew(ChannelRecord& channel, absl::Time heard, absl::Time now);

  // Forgets a channel: nothing if it is not known.
  void Remove(ChannelRecord& channel);

  // See ExpiryIndex.
  void CollectDue(absl::Time now) { index_.CollectDue(now); }
  ChannelRecord* PopDue() { return index_.PopDue(); }

  ExpiryOutlook Outlook() const;

 private:
  void Forget(absl::Duration expiry);

  const absl::Duration usual_;
  ExpiryIndex index_;
  // How many channels have each expiry other than usual_.
  std::map<absl::Duration, size_t> requested_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_EXPIRIES_H_
