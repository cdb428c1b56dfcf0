#include "broker/registry/producer_registry.h"

#include "absl/algorithm/container.h"
#include "broker/registry/client_channel.h"

namespace rmq {

bool ProducerRegistry::Register(absl::string_view name, bool take_new,
                                const Registrant& who, size_t* hint,
                                TableChange* change) {
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
  change->AddJoined(*group, who);
  return true;
}

void ProducerRegistry::Remove(ChannelRecord& channel, Membership& membership,
                              RemovalReason reason, absl::string_view client_id,
                              TableChange* change) {
  ProducerGroup& group = static_cast<ProducerGroup&>(*membership.group);
  change->AddLeft(channel, membership, reason, client_id);
  GroupMembers::Leave(channel, membership, clients_);
  if (!group.members.empty()) return;
  change->AddGroupGone(group, reason);
  groups_.Erase(group);
}

bool ProducerRegistry::IsProducer(const ChannelRecord& channel,
                                  const ClientEntry& client) {
  return absl::c_any_of(channel.memberships, [&](const Membership& membership) {
    return membership.group->kind == GroupKind::kProducer &&
           &channel.ClientOf(membership) == &client;
  });
}

ChannelRecord* ProducerRegistry::NextAvailable(absl::string_view name) {
  ProducerGroup* const group = groups_.Find(name);
  if (group == nullptr) return nullptr;
  ChannelRecord* channel = nullptr;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    auto next = group->members.upper_bound(group->last_chosen);
    if (next == group->members.end()) next = group->members.begin();
    channel = *next;
    group->last_chosen = channel->id;
    if (channel->port->writable()) break;
  }
  return channel;
}

}  // namespace rmq
