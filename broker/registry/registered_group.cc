#include "broker/registry/registered_group.h"

#include <utility>

namespace rmq {

Membership* GroupMembers::Find(ClientChannel& channel,
                               const RegisteredGroup& group, size_t* hint) {
  auto& memberships = channel.memberships_;
  const size_t count = memberships.size();
  for (size_t looked = 0, at = *hint; looked < count; ++looked, ++at) {
    if (at >= count) at = 0;
    if (memberships[at].group == &group) {
      *hint = at + 1;
      return &memberships[at];
    }
  }
  return nullptr;
}

Membership& GroupMembers::Join(RegisteredGroup& group, const Registrant& who) {
  Membership& membership = who.channel.memberships_.emplace_back();
  membership.group = &group;
  membership.version = who.version;
  membership.language = who.language;
  SetClient(who.channel, membership, who.client);
  group.members.insert(&who.channel);
  return membership;
}

void GroupMembers::SetClient(ClientChannel& channel, Membership& membership,
                             ClientEntry& client) {
  const bool is_other = &client != channel.client_;
  if (is_other) {
    channel.exceptions().other_clients[membership.group] = &client;
  } else if (membership.has_other_client) {
    channel.exceptions_->other_clients.erase(membership.group);
    channel.DropExceptionsIfNone();
  }
  membership.has_other_client = is_other;
}

HeldStatement GroupMembers::Leave(ClientChannel& channel,
                                  Membership& membership,
                                  ClientDirectory& clients) {
  ClientEntry& client = channel.ClientOf(membership);
  HeldStatement held = std::move(membership.held);
  membership.group->members.erase(&channel);
  if (channel.exceptions_ != nullptr) {
    channel.exceptions_->left_out.erase(membership.group);
    channel.exceptions_->other_clients.erase(membership.group);
    channel.DropExceptionsIfNone();
  }
  // The order of the rest is kept: see `hint` above.
  channel.memberships_.erase(channel.memberships_.begin() +
                             (&membership - channel.memberships_.data()));
  clients.Release(client, channel);
  return held;
}

}  // namespace rmq
