#include "broker/registry/client_directory.h"

#include <algorithm>
#include <new>

namespace rmq {

ClientEntry::ClientEntry(absl::string_view client_id)
    : length_(client_id.size()) {
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

absl::InlinedVector<ClientChannel*, 4> ClientEntry::channels() const {
  absl::InlinedVector<ClientChannel*, 4> channels;
  if (first_ != nullptr) channels.push_back(first_);
  if (more_ != nullptr) {
    channels.insert(channels.end(), more_->begin(), more_->end());
  }
  return channels;
}

ClientChannel* ClientEntry::stand_in() const {
  for (ClientChannel* channel : channels()) {
    if (channel->kind_ == ClientChannel::Kind::kStandIn &&
        channel->client_ == this) {
      return channel;
    }
  }
  return nullptr;
}

bool ClientEntry::Has(const ClientChannel& channel) const {
  if (first_ == &channel) return true;
  return more_ != nullptr &&
         std::find(more_->begin(), more_->end(), &channel) != more_->end();
}

void ClientEntry::Add(ClientChannel& channel) {
  if (first_ == nullptr) {
    first_ = &channel;
    return;
  }
  if (more_ == nullptr) more_ = std::make_unique<std::vector<ClientChannel*>>();
  more_->push_back(&channel);
}

void ClientEntry::Remove(const ClientChannel& channel) {
  if (first_ == &channel) {
    first_ = more_ == nullptr ? nullptr : more_->front();
    if (more_ != nullptr) more_->erase(more_->begin());
  } else if (more_ != nullptr) {
    more_->erase(std::remove(more_->begin(), more_->end(), &channel),
                 more_->end());
  }
  if (more_ != nullptr && more_->empty()) more_ = nullptr;
}

ClientEntry* ClientDirectory::Find(absl::string_view client_id) const {
  const auto found = entries_.find(client_id);
  return found == entries_.end() ? nullptr : found->get();
}

ClientEntry& ClientDirectory::Use(absl::string_view client_id,
                                  ClientChannel& channel) {
  ClientEntry* entry = Find(client_id);
  if (entry == nullptr) {
    entry = entries_.insert(ClientEntry::New(client_id)).first->get();
  }
  if (channel.client_ != entry && !entry->Has(channel)) entry->Add(channel);
  return *entry;
}

void ClientDirectory::MoveToBack(ClientEntry& entry, ClientChannel& channel) {
  if (entry.more_ == nullptr || entry.more_->back() == &channel) return;
  entry.Remove(channel);
  entry.Add(channel);
}

void ClientDirectory::Release(ClientEntry& entry, ClientChannel& channel) {
  if (channel.client_ == &entry) return;
  if (channel.exceptions_ != nullptr) {
    for (const auto& [group, other] : channel.exceptions_->other_clients) {
      if (other == &entry) return;
    }
  }
  entry.Remove(channel);
  if (entry.first_ == nullptr) entries_.erase(entries_.find(entry.client_id()));
}

}  // namespace rmq
