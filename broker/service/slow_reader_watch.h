// Cuts off clients that do not read what is written to them.
#ifndef BROKER_SERVICE_SLOW_READER_WATCH_H_
#define BROKER_SERVICE_SLOW_READER_WATCH_H_

#include <memory>
#include <queue>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/service/alarm.h"

namespace rmq {

// A stream that writes one thing after the other.
class WatchedWriter {
 public:
  virtual ~WatchedWriter() = default;
  // Ends the stream if what it is writing has been pending since `limit` or
  // before. Otherwise returns since when; InfiniteFuture if nothing is pending,
  // and then it is no longer watched. Thread-safe.
  virtual absl::Time CutOffIfPendingSince(absl::Time limit) = 0;
};

// A stream reports a pending write when something has to wait behind it, or
// when it is its last: streams that are read cost nothing here. Thread-safe.
class SlowReaderWatch {
 public:
  // `limit`: how long a write may be pending. Must be positive. `alarm` wakes
  // who calls Check(); borrowed.
  SlowReaderWatch(absl::Duration limit, Alarm* alarm)
      : limit_(limit), alarm_(*alarm) {}

  // What `writer` is writing has been pending since `since`. The writer must
  // not be watched already, so that there is at most one entry each.
  void Add(std::weak_ptr<WatchedWriter> writer, absl::Time since,
           absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Cuts off whose write has been pending for the limit at `now`. Returns when
  // to come back; InfiniteFuture if nothing is watched. While something is, a
  // call that comes later than the limit after the last one shows that this
  // process was away, and could not see what was read meanwhile. All writes
  // count as begun at `now` then.
  absl::Time Check(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    absl::Time deadline;
    std::weak_ptr<WatchedWriter> writer;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.deadline > b.deadline;
    }
  };

  const absl::Duration limit_;
  Alarm& alarm_;
  absl::Mutex mu_;
  // Or when the first of what is watched was added, if that was later.
  absl::Time last_check_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  // When this process was last seen to have been away.
  absl::Time back_since_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // The earliest deadline on top.
  std::priority_queue<Entry, std::vector<Entry>, Later> entries_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_SERVICE_SLOW_READER_WATCH_H_
