#include "broker/registry/client_holds.h"

namespace rmq {
namespace {

// How many ended holds a call drops at most.
constexpr int kDropsInACall = 16;

}  // namespace

ClientHolds::Key ClientHolds::KeyOf(const HeldClient& client) {
  const bool is_unary = GoesWithLastGroup(client.kind);
  return {std::string(client.client_id), is_unary,
          is_unary ? 0 : client.incarnation, std::string(client.principal)};
}

void ClientHolds::Add(const HeldClient& client, const ClientHold& hold,
                      absl::Time now) {
  DropEnded(now, kDropsInACall);
  if (hold.until <= now) return;
  const auto [entry, is_new] = holds_.try_emplace(KeyOf(client), hold);
  if (!is_new) {
    by_end_.erase({entry->second.until, &entry->first});
    entry->second = hold;
  }
  by_end_.insert({hold.until, &entry->first});
  if (holds_.size() > most_) DropFirst();
}

const ClientHold* ClientHolds::Find(const HeldClient& client, absl::Time now) {
  if (holds_.empty()) return nullptr;
  DropEnded(now, kDropsInACall);
  const auto found = holds_.find(KeyOf(client));
  return found == holds_.end() || found->second.until <= now ? nullptr
                                                             : &found->second;
}

void ClientHolds::DropEnded(absl::Time now, int max) {
  for (int i = 0; i < max && !by_end_.empty() && by_end_.begin()->first <= now;
       ++i) {
    DropFirst();
  }
}

size_t ClientHolds::Release(absl::string_view client_id, size_t max,
                            absl::Time now, bool* more) {
  size_t released = 0;
  auto next = client_id.empty()
                  ? holds_.begin()
                  : holds_.lower_bound({std::string(client_id), false, 0, ""});
  const auto is_one = [&] {
    return next != holds_.end() &&
           (client_id.empty() || std::get<0>(next->first) == client_id);
  };
  for (size_t i = 0; i < max && is_one(); ++i) {
    if (next->second.until > now) ++released;
    Drop(next++);
  }
  *more = is_one();
  return released;
}

void ClientHolds::Drop(Holds::iterator hold) {
  by_end_.erase({hold->second.until, &hold->first});
  holds_.erase(hold);
}

void ClientHolds::DropFirst() { Drop(holds_.find(*by_end_.begin()->second)); }

}  // namespace rmq
