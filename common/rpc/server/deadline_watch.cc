#include "common/rpc/server/deadline_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

DeadlineWatch::Ticket DeadlineWatch::Add(std::weak_ptr<Waiter> waiter,
                                         absl::Time since, absl::Time now) {
  Ticket ticket(since + options_.limit, 0);
  std::weak_ptr<Waiter> gives_way;
  {
    MutexLock lock(&mu_);
    if (entries_.empty()) {
      last_check_ = now;
      // Nothing was checked until now, so whether this process was stopped is
      // not known.
      if (ticket.first < now) back_since_ = now;
    }
    ticket.second = ++last_number_;
    entries_.emplace_hint(entries_.end(), ticket, std::move(waiter));
    if (entries_.size() > options_.capacity) gives_way = TakeFirstLocked();
  }
  on_due_(ticket.first);
  if (const std::shared_ptr<Waiter> longest = gives_way.lock()) {
    longest->EndIfWaiting(
        OverLimit(absl::StrCat("at most ", options_.capacity,
                               " calls may wait for their clients, and this "
                               "one had waited for longest")));
  }
  return ticket;
}

void DeadlineWatch::Remove(const Ticket& ticket) {
  // Destroyed without the lock: it may be the last reference to the waiter's
  // memory.
  std::weak_ptr<Waiter> removed;
  MutexLock lock(&mu_);
  const auto found = entries_.find(ticket);
  if (found == entries_.end()) return;
  removed = std::move(found->second);
  entries_.erase(found);
}

absl::Time DeadlineWatch::Check(absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (now - std::exchange(last_check_, now) > options_.limit) {
      back_since_ = now;
    }
  }
  while (true) {
    std::weak_ptr<Waiter> due;
    {
      MutexLock lock(&mu_);
      if (entries_.empty() || FirstDeadlineLocked() > now) {
        return NextDueLocked();
      }
      due = TakeFirstLocked();
    }
    const std::shared_ptr<Waiter> waiter = due.lock();
    if (waiter == nullptr) continue;
    const absl::Time since =
        waiter->EndIfWaitingSince(options_.what, now - options_.limit);
    if (since != absl::InfiniteFuture()) Add(std::move(due), since, now);
  }
}

absl::Time DeadlineWatch::NextDueLocked() const {
  if (entries_.empty()) return absl::InfiniteFuture();
  // Well before the limit is over, so that a wake-up that is a little late does
  // not look like a stopped process.
  return std::min(FirstDeadlineLocked(), last_check_ + options_.limit / 2);
}

absl::Time DeadlineWatch::FirstDeadlineLocked() const {
  return std::max(entries_.begin()->first.first, back_since_ + options_.limit);
}

bool DeadlineWatch::EndFirst(const CallStatus& status) {
  std::weak_ptr<Waiter> first;
  {
    MutexLock lock(&mu_);
    if (entries_.empty()) return false;
    first = TakeFirstLocked();
  }
  if (const std::shared_ptr<Waiter> waiter = first.lock()) {
    waiter->EndIfWaiting(status);
  }
  return true;
}

size_t DeadlineWatch::size() const {
  MutexLock lock(&mu_);
  return entries_.size();
}

std::weak_ptr<Waiter> DeadlineWatch::TakeFirstLocked() {
  std::weak_ptr<Waiter> first = std::move(entries_.begin()->second);
  entries_.erase(entries_.begin());
  return first;
}

}  // namespace rmq
