#include "broker/service/slow_reader_watch.h"

#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

void SlowReaderWatch::Add(std::weak_ptr<WatchedWriter> writer,
                          absl::Time since) {
  MutexLock lock(&mu_);
  entries_.push({since + limit_, std::move(writer)});
}

absl::Time SlowReaderWatch::Check(absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (now - std::exchange(last_check_, now) > limit_) back_since_ = now;
  }
  while (true) {
    Entry due;
    {
      MutexLock lock(&mu_);
      if (entries_.empty()) return absl::InfiniteFuture();
      if (entries_.top().deadline > now) return entries_.top().deadline;
      due = entries_.top();
      entries_.pop();
      if (back_since_ + limit_ > now) {
        due.deadline = back_since_ + limit_;
        entries_.push(std::move(due));
        continue;
      }
    }
    const std::shared_ptr<WatchedWriter> writer = due.writer.lock();
    if (writer == nullptr) continue;
    const absl::Time since = writer->CutOffIfPendingSince(now - limit_);
    if (since != absl::InfiniteFuture()) Add(std::move(due.writer), since);
  }
}

}  // namespace rmq
