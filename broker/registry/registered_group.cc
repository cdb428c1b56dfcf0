#include "broker/registry/registered_group.h"

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

void GroupMembers::Join(RegisteredGroup& group, const Registrant& who) {
  Membership membership;
  membership.group = &group;
  membership.client = &who.client;
  membership.version = who.version;
  membership.language = who.language;
  who.channel.memberships_.push_back(membership);
  group.members.insert(&who.channel);
}

void GroupMembers::Leave(ClientChannel& channel, Membership& membership,
                         ClientDirectory& clients) {
  ClientEntry& client = *membership.client;
  membership.group->members.erase(&channel);
  if (membership.left_out) {
    channel.left_out_->erase(membership.group);
    if (channel.left_out_->empty()) channel.left_out_ = nullptr;
  }
  // The order of the rest is kept: see `hint` above.
  channel.memberships_.erase(channel.memberships_.begin() +
                             (&membership - channel.memberships_.data()));
  clients.Release(client, channel);
}

}  // namespace rmq
