// Cuts off clients that do not read what is written to them.
#ifndef BROKER_SERVICE_SLOW_READER_WATCH_H_
#define BROKER_SERVICE_SLOW_READER_WATCH_H_

#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace rmq {

// A stream whose writes can be told apart by a number.
class WatchedWriter {
 public:
  virtual ~WatchedWriter() = default;
  // Ends the stream if the write of that number is still pending. Thread-safe.
  virtual void CutOffIfPending(uint64_t write) = 0;
};

// A stream reports a pending write only when something has to wait behind it:
// streams that are read cost nothing here. Thread-safe.
class SlowReaderWatch {
 public:
  // How long a write may be pending. Must be positive.
  explicit SlowReaderWatch(absl::Duration limit) : limit_(limit) {}

  // `write` of `writer`, pending since `started`, keeps something waiting. At
  // most one report a write.
  void Add(std::weak_ptr<WatchedWriter> writer, uint64_t write,
           absl::Time started) ABSL_LOCKS_EXCLUDED(mu_);

  // Cuts off whose write has been pending for the limit at `now`. Returns when
  // to come back; InfiniteFuture if nothing is watched.
  absl::Time Check(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    std::weak_ptr<WatchedWriter> writer;
    uint64_t write;
    absl::Time deadline;
  };

  const absl::Duration limit_;
  absl::Mutex mu_;
  // About in the order of their deadlines: an entry behind a later one waits
  // for it, which is no longer than the write took to be noticed.
  std::deque<Entry> entries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_SERVICE_SLOW_READER_WATCH_H_
