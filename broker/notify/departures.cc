#include "broker/notify/departures.h"

#include <utility>

namespace rmq {

void Departures::Note(const ClientEvent& event) {
  if (event.kind != GroupKind::kConsumer) return;
  if (event.type == EventType::kClientUnregister) {
    const bool says_nothing = event.reason == RemovalReason::kExpired ||
                              event.reason == RemovalReason::kDisconnected;
    if (!says_nothing || size_ == kMost) return;
    unannounced_[event.group].push_back(event.last_heard);
    ++size_;
  } else if (event.type == EventType::kChange) {
    auto node = unannounced_.extract(event.group);
    if (node.empty()) return;
    Times& waiting = waiting_[event.group];
    waiting.insert(waiting.end(), node.mapped().begin(), node.mapped().end());
  }
}

void Departures::EndDelivery() {
  for (const auto& [group, times] : unannounced_) size_ -= times.size();
  unannounced_.clear();
}

std::vector<absl::Time> Departures::Take(const std::string& group) {
  auto node = waiting_.extract(group);
  if (node.empty()) return {};
  size_ -= node.mapped().size();
  return std::move(node.mapped());
}

void Departures::Clear() {
  unannounced_.clear();
  waiting_.clear();
  size_ = 0;
}

}  // namespace rmq
