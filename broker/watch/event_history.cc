#include "broker/watch/event_history.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {

absl::Status EventHistory::Options::Validate() const {
  if (watch_history >= kFewestEvents && watch_history <= kMostEvents) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("watch_history must be ", kFewestEvents, " to ", kMostEvents,
                   ", got ", watch_history));
}

void EventHistory::OnClientEvent(const ClientEvent& event) {
  KeptEventPtr kept;
  if (event.type != EventType::kChange) {
    kept = std::make_shared<const KeptEvent>(event);
  }
  MutexLock lock(&mu_);
  newest_ = event.revision;
  // A revision that is too large for the history alone is not in it at all.
  if (kept == nullptr || kept->revision < range_.oldest) return;
  bytes_ += kept->bytes();
  events_.push_back(std::move(kept));
  while (events_.size() > most_events_ || bytes_ > most_bytes_) {
    ForgetFirstLocked();
  }
}

void EventHistory::OnEventsDelivered() {
  {
    MutexLock lock(&mu_);
    if (range_.last == newest_) return;
    range_.last = newest_;
    delivered_ = first_ + events_.size();
  }
  if (on_news_) on_news_();
}

EventHistory::Range EventHistory::range() const {
  MutexLock lock(&mu_);
  return range_;
}

EventHistory::Position EventHistory::Find(uint64_t revision,
                                          Range* range) const {
  MutexLock lock(&mu_);
  *range = range_;
  // Of what is not delivered, some may have been forgotten already.
  if (revision > range_.last) return delivered_;
  const auto found =
      std::lower_bound(events_.begin(), events_.end(), revision,
                       [](const KeptEventPtr& event, uint64_t wanted) {
                         return event->revision < wanted;
                       });
  return first_ + static_cast<Position>(found - events_.begin());
}

bool EventHistory::Read(size_t max, Position* position,
                        std::vector<KeptEventPtr>* events, Range* range) const {
  MutexLock lock(&mu_);
  *range = range_;
  if (*position < first_) return false;
  const Position end =
      std::min<Position>(delivered_, *position + static_cast<Position>(max));
  for (; *position < end; ++*position) {
    events->push_back(events_[static_cast<size_t>(*position - first_)]);
  }
  return true;
}

EventHistory::Size EventHistory::size() const {
  MutexLock lock(&mu_);
  return {events_.size(), bytes_};
}

void EventHistory::ForgetFirstLocked() {
  const uint64_t revision = events_.front()->revision;
  while (!events_.empty() && events_.front()->revision == revision) {
    bytes_ -= events_.front()->bytes();
    events_.pop_front();
    ++first_;
  }
  range_.oldest = revision + 1;
}

}  // namespace rmq
