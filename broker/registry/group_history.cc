#include "broker/registry/group_history.h"

#include <algorithm>
#include <utility>

namespace rmq {

size_t GroupHistory::Bound(size_t members) {
  return std::clamp(2 * members, kFewest, kMost);
}

void GroupHistory::Add(Departure departure, uint64_t epoch, size_t bound) {
  if (departures_ == nullptr) {
    departures_ = std::make_unique<std::deque<Departure>>();
  }
  departures_->push_back(std::move(departure));
  while (departures_->size() > bound) {
    // The lists of earlier epochs lack it from here on. That of the present one
    // stays.
    oldest_ = std::max(oldest_, std::min(departures_->front().left, epoch));
    departures_->pop_front();
  }
}

std::vector<const Departure*> GroupHistory::After(uint64_t epoch) const {
  std::vector<const Departure*> after;
  if (departures_ == nullptr) return after;
  auto first = std::upper_bound(departures_->begin(), departures_->end(), epoch,
                                [](uint64_t at, const Departure& departure) {
                                  return at < departure.left;
                                });
  for (; first != departures_->end(); ++first) after.push_back(&*first);
  return after;
}

std::vector<const Departure*> GroupHistory::ThereAt(uint64_t epoch,
                                                    ChannelId cursor) const {
  std::vector<const Departure*> there = After(epoch);
  there.erase(std::remove_if(there.begin(), there.end(),
                             [&](const Departure* departure) {
                               return departure->joined > epoch ||
                                      departure->channel <= cursor;
                             }),
              there.end());
  // Stable: the departures of one channel stay in order.
  std::stable_sort(there.begin(), there.end(),
                   [](const Departure* a, const Departure* b) {
                     return a->channel < b->channel;
                   });
  return there;
}

}  // namespace rmq
