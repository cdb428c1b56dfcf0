#include "broker/registry/client_directory.h"

#include <algorithm>

namespace rmq {

ClientEntry* ClientDirectory::Find(absl::string_view client_id) const {
  const auto found = entries_.find(client_id);
  return found == entries_.end() ? nullptr : found->second.get();
}

ClientEntry& ClientDirectory::Use(absl::string_view client_id,
                                  ClientChannel& channel) {
  ClientEntry* entry = Find(client_id);
  if (entry == nullptr) {
    auto owned = std::make_unique<ClientEntry>(client_id);
    entry = owned.get();
    entries_.emplace(entry->client_id, std::move(owned));
  }
  if (channel.client_ != entry &&
      std::find(entry->channels.begin(), entry->channels.end(), &channel) ==
          entry->channels.end()) {
    entry->channels.push_back(&channel);
  }
  return *entry;
}

void ClientDirectory::Release(ClientEntry& entry, ClientChannel& channel) {
  if (channel.client_ == &entry) return;
  for (const Membership& membership : channel.memberships_) {
    if (membership.client == &entry) return;
  }
  const auto place =
      std::find(entry.channels.begin(), entry.channels.end(), &channel);
  if (place != entry.channels.end()) entry.channels.erase(place);
  if (entry.stand_in == &channel) entry.stand_in = nullptr;
  if (entry.channels.empty()) {
    // A copy: the key dies with the entry.
    const std::string client_id = entry.client_id;
    entries_.erase(client_id);
  }
}

}  // namespace rmq
