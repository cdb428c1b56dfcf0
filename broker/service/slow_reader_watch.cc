#include "broker/service/slow_reader_watch.h"

#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

void SlowReaderWatch::Add(std::weak_ptr<WatchedWriter> writer, uint64_t write,
                          absl::Time started) {
  MutexLock lock(&mu_);
  entries_.push_back({std::move(writer), write, started + limit_});
}

absl::Time SlowReaderWatch::Check(absl::Time now) {
  while (true) {
    Entry due;
    {
      MutexLock lock(&mu_);
      if (entries_.empty()) return absl::InfiniteFuture();
      if (entries_.front().deadline > now) return entries_.front().deadline;
      due = std::move(entries_.front());
      entries_.pop_front();
    }
    if (const auto writer = due.writer.lock()) {
      writer->CutOffIfPending(due.write);
    }
  }
}

}  // namespace rmq
