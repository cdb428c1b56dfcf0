#include "common/rpc/server/deadline_watch.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

DeadlineWatch::Ticket DeadlineWatch::Add(std::weak_ptr<Waiter> waiter,
                                         ClientNetwork network,
                                         absl::Time since, absl::Time now) {
  return AddEntry(0, {std::move(waiter), network}, since, now);
}

DeadlineWatch::Ticket DeadlineWatch::AddEntry(uint64_t number, Entry entry,
                                              absl::Time since,
                                              absl::Time now) {
  Place place(since + options_.limit, number);
  Entry gives_way;
  size_t most = options_.capacity;
  {
    MutexLock lock(&mu_);
    if (number == 0) {
      place.second = ++last_number_;
    } else {
      const auto renewed = renewed_.find(number);
      if (renewed == renewed_.end()) return {};
      renewed->second = place.first;
    }
    if (entries_.empty()) {
      last_check_ = now;
      // Nothing was checked until now, so whether this process was stopped is
      // not known.
      if (place.first < now) back_since_ = now;
    }
    const ClientNetwork network = entry.network;
    entries_.emplace_hint(entries_.end(), place, std::move(entry));
    if (options_.capacity != kNoLimit) {
      absl::btree_set<Place>& its = by_network_[network];
      its.insert(its.end(), place);
      if (its.size() > options_.capacity / 2) {
        most = options_.capacity / 2;
        gives_way = TakeLocked(entries_.find(*its.begin()));
      } else if (entries_.size() > options_.capacity) {
        gives_way = TakeLocked(entries_.begin());
      }
    }
  }
  on_due_(place.first);
  if (const std::shared_ptr<Waiter> longest = gives_way.waiter.lock()) {
    longest->EndIfWaiting(OverLimit(absl::StrCat(
        "at most ", most, " calls ",
        most == options_.capacity ? "" : "of one address ",
        "may wait for their clients, and this one had waited for longest")));
  }
  return place;
}

void DeadlineWatch::Remove(const Ticket& ticket) {
  // Destroyed without the lock: it may be the last reference to the waiter's
  // memory.
  Entry removed;
  MutexLock lock(&mu_);
  auto found = entries_.find(ticket);
  if (found == entries_.end()) {
    const auto renewed = renewed_.find(ticket.second);
    if (renewed == renewed_.end()) return;
    found = entries_.find(Place(renewed->second, ticket.second));
    renewed_.erase(renewed);
  }
  if (found != entries_.end()) removed = TakeLocked(found);
}

absl::Time DeadlineWatch::Check(absl::Time now) {
  {
    MutexLock lock(&mu_);
    if (now - std::exchange(last_check_, now) > options_.limit) {
      back_since_ = now;
    }
  }
  while (true) {
    Entry due;
    uint64_t number;
    {
      MutexLock lock(&mu_);
      if (entries_.empty() || FirstDeadlineLocked() > now) {
        return NextDueLocked();
      }
      number = entries_.begin()->first.second;
      due = TakeLocked(entries_.begin());
      renewed_[number] = absl::InfiniteFuture();
    }
    absl::Time since = absl::InfiniteFuture();
    if (const std::shared_ptr<Waiter> waiter = due.waiter.lock()) {
      since = waiter->EndIfWaitingSince(options_.what, now - options_.limit);
    }
    if (since != absl::InfiniteFuture()) {
      AddEntry(number, std::move(due), since, now);
    } else {
      MutexLock lock(&mu_);
      renewed_.erase(number);
    }
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
  Entry first;
  {
    MutexLock lock(&mu_);
    if (entries_.empty()) return false;
    first = TakeLocked(entries_.begin());
  }
  if (const std::shared_ptr<Waiter> waiter = first.waiter.lock()) {
    waiter->EndIfWaiting(status);
  }
  return true;
}

size_t DeadlineWatch::size() const {
  MutexLock lock(&mu_);
  return entries_.size();
}

DeadlineWatch::Entry DeadlineWatch::TakeLocked(Entries::iterator found) {
  const Place taken = found->first;
  Entry entry = std::move(found->second);
  entries_.erase(found);
  renewed_.erase(taken.second);
  const auto its = by_network_.find(entry.network);
  if (its != by_network_.end()) {
    its->second.erase(taken);
    if (its->second.empty()) by_network_.erase(its);
  }
  return entry;
}

}  // namespace rmq
