#include "tests/simulation/network/true_lists.h"

#include <algorithm>

namespace rmq::network {
namespace {

// FNV-1a, then mixed: sums of the hashes of different sets differ.
uint64_t Hash(absl::string_view id) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : id) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace

void Digest::Add(absl::string_view id) {
  ++count;
  sum += Hash(id);
}

void Digest::Remove(absl::string_view id) {
  --count;
  sum -= Hash(id);
}

Digest DigestOf(const std::set<std::string>& ids) {
  Digest digest;
  for (const std::string& id : ids) digest.Add(id);
  return digest;
}

void TrueLists::OnClientEvent(const ClientEvent& event) {
  if (event.kind != GroupKind::kConsumer) return;
  if (event.revision != revision_) {
    Settle();
    revision_ = event.revision;
  }
  if (event.type == EventType::kClientRegister) {
    Group& group = groups_[event.group];
    touched_.insert(event.group);
    group.ids[event.channel.get()] = event.client_id;
    if (++group.channels[event.client_id] == 1) {
      group.now.Add(event.client_id);
    }
  } else if (event.type == EventType::kClientUnregister) {
    Group& group = groups_[event.group];
    touched_.insert(event.group);
    // The event's client id is that of the request.
    const auto found = group.ids.find(event.channel.get());
    if (found == group.ids.end()) return;
    const auto channels = group.channels.find(found->second);
    if (--channels->second == 0) {
      group.now.Remove(found->second);
      group.channels.erase(channels);
    }
    group.ids.erase(found);
  }
}

void TrueLists::Settle() {
  for (const std::string& name : touched_) {
    Group& group = groups_[name];
    const Digest before =
        group.lists.empty() ? Digest() : group.lists.rbegin()->second;
    if (group.now == before) continue;
    group.lists[revision_] = group.now;
    ++changes_;
  }
  touched_.clear();
}

uint64_t TrueLists::EpochOf(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() || found->second.lists.empty()
             ? 0
             : found->second.lists.rbegin()->first;
}

absl::optional<Digest> TrueLists::At(const std::string& group,
                                     uint64_t epoch) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return absl::nullopt;
  const auto list = found->second.lists.find(epoch);
  if (list == found->second.lists.end()) return absl::nullopt;
  return list->second;
}

bool TrueLists::Had(const std::string& group, const Digest& list) const {
  const auto found = groups_.find(group);
  return found != groups_.end() &&
         std::any_of(found->second.lists.begin(), found->second.lists.end(),
                     [&list](const auto& at) { return at.second == list; });
}

}  // namespace rmq::network
