#include "broker/registry/client_holds.h"

namespace rmq {
namespace {

// How many ended holds a call drops at most.
constexpr int kDropsInACall = 16;

}  // namespace

ClientHolds::Key ClientHolds::KeyOf(absl::string_view client_id,
                                    ChannelKind kind, uint64_t incarnation) {
  const bool is_stand_in = kind == ChannelKind::kStandIn;
  return {std::string(client_id), is_stand_in, is_stand_in ? 0 : incarnation};
}

void ClientHolds::Add(absl::string_view client_id, ChannelKind kind,
                      uint64_t incarnation, const ClientHold& hold,
                      absl::Time now) {
  DropEnded(now, kDropsInACall);
  if (hold.until <= now) return;
  const auto [entry, is_new] =
      holds_.try_emplace(KeyOf(client_id, kind, incarnation), hold);
  if (!is_new) {
    by_end_.erase({entry->second.until, &entry->first});
    entry->second = hold;
  }
  by_end_.insert({hold.until, &entry->first});
  if (holds_.size() > most_) DropFirst();
}

const ClientHold* ClientHolds::Find(absl::string_view client_id,
                                    ChannelKind kind, uint64_t incarnation,
                                    absl::Time now) {
  if (holds_.empty()) return nullptr;
  DropEnded(now, kDropsInACall);
  const auto found = holds_.find(KeyOf(client_id, kind, incarnation));
  return found == holds_.end() || found->second.until <= now ? nullptr
                                                             : &found->second;
}

void ClientHolds::DropEnded(absl::Time now, int max) {
  for (int i = 0; i < max && !by_end_.empty() && by_end_.begin()->first <= now;
       ++i) {
    DropFirst();
  }
}

void ClientHolds::DropFirst() {
  const Key* const key = by_end_.begin()->second;
  by_end_.erase(by_end_.begin());
  holds_.erase(holds_.find(*key));
}

}  // namespace rmq
