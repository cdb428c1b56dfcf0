#include "broker/service/slow_reader_watch.h"

#include <algorithm>
#include <utility>

#include "common/mutex_lock.h"

namespace rmq {

void SlowReaderWatch::Add(std::weak_ptr<WatchedWriter> writer, absl::Time since,
                          absl::Time now) {
  const absl::Time deadline = since + limit_;
  {
    MutexLock lock(&mu_);
    if (entries_.empty()) {
      last_check_ = now;
      // Nobody looked until now: whether this process was away is not known.
      if (deadline < now) back_since_ = now;
    }
    entries_.push({deadline, std::move(writer)});
  }
  alarm_.BringForward(deadline);
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
      if (entries_.top().deadline > now) {
        // Well before the limit is over: a late wake-up is no absence.
        return std::min(entries_.top().deadline, now + limit_ / 2);
      }
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
    if (since != absl::InfiniteFuture()) Add(std::move(due.writer), since, now);
  }
}

}  // namespace rmq
