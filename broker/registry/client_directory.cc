#include "broker/registry/client_directory.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace rmq {
namespace {

// The place of a channel that is the only one of its client.
constexpr ClientEntry::Place kOnlyPlace = 1;

// Streams that are looked at to find one that is open. A stream that is closed
// is about to be removed, so nearly all are open.
constexpr int kStreamLooks = 8;

constexpr uint64_t kLastIncarnation = std::numeric_limits<uint64_t>::max();

}  // namespace

// Each client has one.
static_assert(sizeof(ClientEntry) == 24, "who holds the id takes no more room");

ClientEntry::ClientEntry(absl::string_view client_id)
    : length_(static_cast<uint32_t>(client_id.size())) {
  std::copy(client_id.begin(), client_id.end(),
            reinterpret_cast<char*>(this + 1));
}

ClientEntry::Ptr ClientEntry::New(absl::string_view client_id) {
  void* const memory = ::operator new(sizeof(ClientEntry) + client_id.size());
  return Ptr(new (memory) ClientEntry(client_id));
}

void ClientEntry::Deleter::operator()(ClientEntry* entry) const {
  entry->~ClientEntry();
  ::operator delete(entry);
}

bool ClientEntry::IsBoundStream(const ChannelRecord& channel) const {
  return channel.client == this && channel.incarnation != 0 &&
         channel.kind == ChannelKind::kStream;
}

bool ClientEntry::IsBoundStandIn(const ChannelRecord& channel) const {
  return channel.client == this && channel.kind == ChannelKind::kStandIn;
}

ChannelRecord* ClientEntry::Next(Place* place) const {
  if (many_ == nullptr) {
    if (*place >= kOnlyPlace) return nullptr;
    *place = kOnlyPlace;
    return only_;
  }
  const auto next = many_->by_place.upper_bound(*place);
  if (next == many_->by_place.end()) return nullptr;
  *place = next->first;
  return next->second;
}

ChannelRecord* ClientEntry::Previous(Place* place) const {
  if (many_ == nullptr) {
    if (*place <= kOnlyPlace) return nullptr;
    *place = kOnlyPlace;
    return only_;
  }
  auto previous = many_->by_place.lower_bound(*place);
  if (previous == many_->by_place.begin()) return nullptr;
  --previous;
  *place = previous->first;
  return previous->second;
}

absl::InlinedVector<ChannelRecord*, 1> ClientEntry::Streams(
    const ClientProcess& process) const {
  const auto [incarnation, principal] = process;
  absl::InlinedVector<ChannelRecord*, 1> streams;
  if (many_ == nullptr) {
    if (IsBoundStream(*only_) && only_->incarnation == incarnation &&
        only_->principal == principal) {
      streams.push_back(only_);
    }
    return streams;
  }
  const ByProcess& all = many_->by_process;
  const auto end = all.upper_bound({principal, incarnation, kAfterAll});
  for (auto at = all.lower_bound({principal, incarnation, kBeforeAll});
       at != end; ++at) {
    streams.push_back(many_->by_place.at(std::get<2>(*at)));
  }
  return streams;
}

bool ClientEntry::HasStreamsOfSeveral() const {
  if (many_ == nullptr || many_->by_process.empty()) return false;
  const auto& [first_principal, first, place] = *many_->by_process.begin();
  const auto& [last_principal, last, other] = *many_->by_process.rbegin();
  return first_principal != last_principal || first != last;
}

size_t ClientEntry::incarnated_streams() const {
  if (many_ != nullptr) return many_->by_process.size();
  return IsBoundStream(*only_) ? 1 : 0;
}

bool ClientEntry::IsOnlyOfAnother(const ClientProcess& process) const {
  return IsBoundStream(*only_) && only_->principal == process.principal &&
         only_->incarnation != process.incarnation;
}

ChannelRecord* ClientEntry::StreamOfAnother(
    const ClientProcess& process) const {
  if (many_ == nullptr) {
    return IsOnlyOfAnother(process) && !only_->liveness.closed() ? only_
                                                                 : nullptr;
  }
  const auto [incarnation, principal] = process;
  const ByProcess& all = many_->by_process;
  const auto begin = all.lower_bound({principal, 0, kBeforeAll});
  const auto end = all.upper_bound({principal, kLastIncarnation, kAfterAll});
  auto next = all.upper_bound({principal, incarnation, kAfterAll});
  for (int looks = 0; begin != end && looks < kStreamLooks; ++looks, ++next) {
    if (next == end) next = begin;
    const auto& [its_principal, its_incarnation, place] = *next;
    if (its_incarnation == incarnation) return nullptr;  // Once round.
    ChannelRecord* const stream = many_->by_place.at(place);
    if (!stream->liveness.closed()) return stream;
  }
  return nullptr;
}

std::vector<ChannelRecord*> ClientEntry::StreamsOfOthers(
    const ClientProcess& process) const {
  std::vector<ChannelRecord*> streams;
  if (many_ == nullptr) {
    if (IsOnlyOfAnother(process)) streams.push_back(only_);
    return streams;
  }
  const auto [incarnation, principal] = process;
  const ByProcess& all = many_->by_process;
  const auto end = all.upper_bound({principal, kLastIncarnation, kAfterAll});
  for (auto at = all.lower_bound({principal, 0, kBeforeAll}); at != end;) {
    const auto& [its_principal, its_incarnation, place] = *at;
    if (its_incarnation == incarnation) {
      at = all.upper_bound({principal, incarnation, kAfterAll});
      continue;
    }
    streams.push_back(many_->by_place.at(place));
    ++at;
  }
  return streams;
}

std::vector<ChannelRecord*> ClientEntry::IncarnatedStreams(size_t max) const {
  std::vector<ChannelRecord*> streams;
  if (many_ == nullptr) {
    if (max > 0 && IsBoundStream(*only_)) streams.push_back(only_);
    return streams;
  }
  for (const auto& [principal, incarnation, place] : many_->by_process) {
    if (streams.size() == max) break;
    streams.push_back(many_->by_place.at(place));
  }
  return streams;
}

ChannelRecord* ClientEntry::stand_in() const {
  if (many_ != nullptr) return many_->stand_in;
  return IsBoundStandIn(*only_) ? only_ : nullptr;
}

bool ClientEntry::Has(const ChannelRecord& channel) const {
  return many_ == nullptr ? only_ == &channel
                          : many_->places.contains(&channel);
}

void ClientEntry::Add(ChannelRecord& channel) {
  if (many_ == nullptr) {
    if (only_ == nullptr) {
      only_ = &channel;
      return;
    }
    BecomeMany();
  }
  Append(channel);
}

void ClientEntry::BecomeMany() {
  ChannelRecord& only = *std::exchange(only_, nullptr);
  many_ = std::make_unique<Many>();
  Append(only);
  for (const Membership& membership : only.memberships) {
    if (membership.joined == 0 || &only.ClientOf(membership) != this) continue;
    many_->groups.emplace(membership.group,
                          Presence{membership.joined, 1, only.id});
  }
}

ClientEntry::Presence ClientEntry::EnterGroup(const RegisteredGroup& group,
                                              const ChannelRecord& channel,
                                              uint64_t epoch) {
  if (many_ == nullptr) return {epoch, 1, channel.id};
  Presence& presence = many_->groups[&group];
  if (++presence.channels == 1) presence.joined = epoch;
  if (channel.id < presence.last) presence.out_of_order = true;
  presence.last = std::max(presence.last, channel.id);
  return presence;
}

ClientEntry::Presence ClientEntry::LeaveGroup(const RegisteredGroup& group) {
  if (many_ == nullptr) return {};
  const auto found = many_->groups.find(&group);
  --found->second.channels;
  const Presence presence = found->second;
  if (presence.channels == 0) many_->groups.erase(found);
  return presence;
}

void ClientEntry::Remove(const ChannelRecord& channel) {
  if (many_ == nullptr) {
    if (only_ == &channel) only_ = nullptr;
    return;
  }
  const auto found = many_->places.find(&channel);
  if (found == many_->places.end()) return;
  Erase(channel, found->second);
  if (many_->by_place.size() > 1) return;
  only_ = many_->by_place.begin()->second;
  many_ = nullptr;
}

void ClientEntry::Append(ChannelRecord& channel) {
  const Place place = ++many_->last;
  many_->by_place.emplace_hint(many_->by_place.end(), place, &channel);
  many_->places.insert_or_assign(&channel, place);
  NoteBinding(channel, place);
}

void ClientEntry::Erase(const ChannelRecord& channel, Place place) {
  many_->by_place.erase(place);
  many_->places.erase(&channel);
  many_->by_process.erase({channel.principal, channel.incarnation, place});
  if (many_->stand_in == &channel) many_->stand_in = nullptr;
}

void ClientEntry::NoteBinding(ChannelRecord& channel, Place place) {
  if (IsBoundStream(channel)) {
    many_->by_process.emplace(channel.principal, channel.incarnation, place);
  } else if (IsBoundStandIn(channel)) {
    many_->stand_in = &channel;
  }
}

ClientEntry* ClientDirectory::Find(absl::string_view client_id) const {
  const auto found = entries_.find(client_id);
  return found == entries_.end() ? nullptr : found->get();
}

ClientEntry& ClientDirectory::Use(absl::string_view client_id,
                                  ChannelRecord& channel) {
  ClientEntry* entry = Find(client_id);
  if (entry == nullptr) {
    entry = entries_.insert(ClientEntry::New(client_id)).first->get();
  }
  if (channel.client != entry && !entry->Has(channel)) entry->Add(channel);
  return *entry;
}

void ClientDirectory::Bind(ClientEntry& entry, ChannelRecord& channel,
                           uint64_t incarnation) {
  channel.client = &entry;
  channel.incarnation = incarnation;
  if (entry.many_ == nullptr) return;
  entry.NoteBinding(channel, entry.many_->places.at(&channel));
}

void ClientDirectory::MoveToBack(ClientEntry& entry, ChannelRecord& channel) {
  if (entry.many_ == nullptr) return;
  const ClientEntry::Place place = entry.many_->places.at(&channel);
  if (place == entry.many_->last) return;
  entry.Erase(channel, place);
  entry.Append(channel);
}

void ClientDirectory::SetOwner(ClientEntry& entry,
                               absl::string_view principal) {
  if (OwnerOf(entry) == principal) return;
  const Principals::Number before =
      std::exchange(entry.owner_, principals_.Take(principal));
  principals_.Drop(before);
}

void ClientDirectory::Release(ClientEntry& entry, ChannelRecord& channel) {
  if (channel.client == &entry) return;
  if (channel.exceptions != nullptr) {
    for (const auto& [group, other] : channel.exceptions->other_clients) {
      if (other == &entry) return;
    }
  }
  entry.Remove(channel);
  if (entry.only_ != nullptr || entry.many_ != nullptr) return;
  principals_.Drop(entry.owner_);
  entries_.erase(entries_.find(entry.client_id()));
}

}  // namespace rmq
