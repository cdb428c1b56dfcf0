#include "broker/watch/watches.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status Watches::Options::Validate() const {
  if (max_watches < 1 || max_watches > kMostWatches) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_watches must be 1 to ", kMostWatches, ", got ", max_watches));
  }
  return EventHistory::Options::Validate();
}

Watches::Watches(const Options& options, const TableQueries* table,
                 EventHistory* history, DueListener on_due)
    : options_(options),
      table_(*table),
      history_(*history),
      on_due_(std::move(on_due)) {
  history->set_listener([this] { OnNews(); });
}

CallStatus Watches::Open(WatchFilter filter, uint64_t from_revision, Wake wake,
                         std::unique_ptr<Watch>* watch) {
  uint64_t number;
  {
    MutexLock lock(&mu_);
    number = ++last_number_;
    watches_[number].wake = std::make_shared<const Wake>(std::move(wake));
    open_.store(static_cast<int64_t>(watches_.size()));
  }
  // After that, so that the watch is woken for all events that it does not find
  // in the history now.
  std::unique_ptr<Watch> opened(new Watch(this, number, std::move(filter)));
  if (from_revision == 0) {
    opened->watcher_.BeginWithSnapshot();
  } else {
    CallStatus status = opened->watcher_.BeginAt(from_revision);
    if (!status.ok()) return status;
  }
  *watch = std::move(opened);
  return {};
}

Watches::Counts Watches::counts() const {
  return {open_.load(), events_.load(std::memory_order_relaxed), slow_.load()};
}

absl::Time Watches::NextDue() {
  if (has_news_.load()) return absl::InfinitePast();
  absl::Time due = absl::InfiniteFuture();
  MutexLock lock(&mu_);
  for (const auto& [number, entry] : watches_) {
    due = std::min(due, entry.next_progress);
    if (entry.has_news) {
      due = std::min(due, std::max(entry.next_news, next_wakes_));
    }
  }
  return due;
}

void Watches::Run(absl::Time now) {
  const bool has_news = has_news_.exchange(false);
  std::vector<std::shared_ptr<const Wake>> wakes;
  {
    MutexLock lock(&mu_);
    size_t may_wake =
        now < next_wakes_ ? 0 : std::max(kWokenAtOnce, watches_.size() / 100);
    for (auto& [number, entry] : watches_) {
      entry.has_news |= has_news;
      const bool makes_progress = entry.next_progress <= now;
      const bool passes_news =
          entry.has_news && entry.next_news <= now && may_wake > 0;
      if (!passes_news && !makes_progress) continue;
      wakes.push_back(entry.wake);
      // Until the watch says when: its client may not be reading.
      if (makes_progress) entry.next_progress = now + Watcher::kProgressPeriod;
      if (!passes_news) continue;
      entry.has_news = false;
      entry.next_news = now + kWakePeriod;
      --may_wake;
      next_wakes_ = now + kWakeGap;
    }
  }
  for (const auto& wake : wakes) (*wake)();
}

void Watches::OnNews() {
  if (open_.load() == 0 || has_news_.exchange(true)) return;
  if (on_due_) on_due_(absl::InfinitePast());
}

Watches::Watch::Watch(Watches* watches, uint64_t number, WatchFilter filter)
    : watches_(*watches),
      number_(number),
      watcher_(&watches->table_, &watches->history_, std::move(filter)) {}

Watches::Watch::~Watch() {
  Entry entry;  // Its function goes when the lock is released.
  MutexLock lock(&watches_.mu_);
  const auto found = watches_.watches_.find(number_);
  entry = std::move(found->second);
  watches_.watches_.erase(found);
  watches_.open_.store(static_cast<int64_t>(watches_.watches_.size()));
}

Watcher::Step Watches::Watch::Next(absl::Time now) {
  Watcher::Step step = watcher_.Next(now);
  switch (step.kind) {
    case Watcher::Step::Kind::kProgress: {
      MutexLock lock(&watches_.mu_);
      watches_.watches_.at(number_).next_progress = watcher_.NextProgress();
      break;
    }
    case Watcher::Step::Kind::kEvent:
      watches_.events_.fetch_add(1, std::memory_order_relaxed);
      break;
    case Watcher::Step::Kind::kEnd: watches_.slow_.fetch_add(1); break;
    case Watcher::Step::Kind::kNothing:
    case Watcher::Step::Kind::kSnapshot: break;
  }
  return step;
}

}  // namespace rmq
