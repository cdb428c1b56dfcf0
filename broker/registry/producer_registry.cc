#include "broker/registry/producer_registry.h"

#include <string>

#include "absl/algorithm/container.h"

namespace rmq {

bool ProducerRegistry::Register(absl::string_view name, bool take_new,
                                const Registrant& who, size_t* hint,
                                std::vector<ClientEvent>* events) {
  ProducerGroup* group = groups_.Find(name);
  if (group != nullptr) {
    if (Membership* known = GroupMembers::Find(who.channel, *group, hint)) {
      known->stated = true;
      return true;
    }
  }
  if (!take_new) return false;
  if (group == nullptr) group = &groups_.FindOrCreate(name);
  GroupMembers::Join(*group, who);
  clients_.MoveToBack(who.client, who.channel);
  ClientEvent& event = events->emplace_back();
  event.type = EventType::kClientRegister;
  event.kind = GroupKind::kProducer;
  event.revision = who.revision;
  event.group = group->name;
  event.client_id = std::string(who.client.client_id());
  event.channel = who.channel.self_;
  event.language = who.language;
  event.version = who.version;
  return true;
}

void ProducerRegistry::Remove(ClientChannel& channel, Membership& membership,
                              RemovalReason reason, absl::string_view client_id,
                              absl::Time heard_floor, uint64_t revision,
                              std::vector<ClientEvent>* events) {
  ProducerGroup& group = static_cast<ProducerGroup&>(*membership.group);
  const auto add = [&](EventType type) -> ClientEvent& {
    ClientEvent& event = events->emplace_back();
    event.type = type;
    event.kind = GroupKind::kProducer;
    event.reason = reason;
    event.revision = revision;
    event.group = group.name;
    return event;
  };
  ClientEvent& left = add(EventType::kClientUnregister);
  left.client_id = std::string(client_id);
  left.channel = channel.self_;
  left.language = membership.language;
  left.version = membership.version;
  left.last_heard = std::max(channel.LastStated(membership), heard_floor);

  GroupMembers::Leave(channel, membership, clients_);
  if (!group.members.empty()) return;
  add(EventType::kUnregister);
  groups_.Erase(group);
}

bool ProducerRegistry::IsProducer(const ClientChannel& channel,
                                  const ClientEntry& client) {
  return absl::c_any_of(
      channel.memberships_, [&](const Membership& membership) {
        return membership.group->kind == GroupKind::kProducer &&
               &channel.ClientOf(membership) == &client;
      });
}

ClientChannel* ProducerRegistry::NextAvailable(absl::string_view name) {
  ProducerGroup* const group = groups_.Find(name);
  if (group == nullptr) return nullptr;
  ClientChannel* channel = nullptr;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto next = group->members.upper_bound(group->last_chosen);
    if (next == group->members.end()) next = group->members.begin();
    channel = *next;
    group->last_chosen = channel->id();
    if (channel->writable()) break;
  }
  return channel;
}

}  // namespace rmq
