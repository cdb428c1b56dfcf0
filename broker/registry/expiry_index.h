// Which channels may have expired: deadlines in buckets of one second.
//
// A heartbeat does not touch the index. A channel is filed at the earliest time
// at which it could expire. When that time comes, the table looks at the
// channel itself, and files it again if the channel was heard since. So a
// channel costs one look per expiry, however often it heartbeats, and a scan
// costs as much as is due.
#ifndef BROKER_REGISTRY_EXPIRY_INDEX_H_
#define BROKER_REGISTRY_EXPIRY_INDEX_H_

#include <cstdint>
#include <map>

#include "absl/time/time.h"
#include "broker/registry/channel_record.h"

namespace rmq {

// Invariant: a channel is in at most one bucket. It is linked through its own
// fields: filing and removing allocate nothing but buckets. Each bucket has a
// channel, so there are at most as many as channels, and as the longest expiry
// has seconds, and two.
// Not thread-safe. Channels are borrowed: remove one before it dies.
class ExpiryIndex {
 public:
  ExpiryIndex() { Clear(due_); }
  ExpiryIndex(const ExpiryIndex&) = delete;
  ExpiryIndex& operator=(const ExpiryIndex&) = delete;

  // Files a channel that is not filed.
  void File(ChannelRecord& channel, absl::Time deadline);

  // Removes a channel; nothing if it is not filed. O(1), but for the last one
  // of a bucket: O(log buckets).
  void Remove(ChannelRecord& channel);

  // Makes due what is filed at `now` or earlier, and the rest of the second
  // that `now` is in. What is filed after this call waits for the next call, so
  // a scan ends.
  void CollectDue(absl::Time now);

  // Removes and returns one due channel; null if there is none.
  ChannelRecord* PopDue();

  // The first time at which every deadline of the first bucket has passed;
  // InfiniteFuture if nothing waits in a bucket. What is due is left out.
  absl::Time NextDue() const;

 private:
  struct Bucket : ExpiryLink {
    int64_t second = 0;
  };

  static void Clear(ExpiryLink& ring) { ring.previous = ring.next = &ring; }
  // Returns the neighbours' ring if `link` was the last one in it, else null.
  static ExpiryLink* Unlink(ExpiryLink& link);

  // The first channel of a ring; null if it is empty.
  static ChannelRecord* FirstOf(const ExpiryLink& ring);

  // By second since 1970: the head of a ring through the channels of that
  // second. A std::map, because the rings point at their heads.
  std::map<int64_t, Bucket> buckets_;
  ExpiryLink due_;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_EXPIRY_INDEX_H_
