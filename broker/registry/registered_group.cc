#include "broker/registry/registered_group.h"

#include <utility>

namespace rmq {

Membership* GroupMembers::Find(ChannelRecord& channel,
                               const RegisteredGroup& group, size_t* hint) {
  auto& memberships = channel.memberships;
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
  Membership& membership = who.channel.memberships.emplace_back();
  membership.group = &group;
  membership.version = who.version;
  membership.language = who.language;
  SetClient(who.channel, membership, who.client);
  group.members.insert(&who.channel);
  return membership;
}

void GroupMembers::SetClient(ChannelRecord& channel, Membership& membership,
                             ClientEntry& client) {
  const bool is_other = &client != channel.client;
  if (is_other) {
    channel.MutableExceptions().other_clients[membership.group] = &client;
  } else if (membership.has_other_client) {
    channel.exceptions->other_clients.erase(membership.group);
    channel.DropExceptionsIfEmpty();
  }
  membership.has_other_client = is_other;
}

MemberStatement GroupMembers::Leave(ChannelRecord& channel,
                                    Membership& membership,
                                    ClientDirectory& clients) {
  ClientEntry& client = channel.ClientOf(membership);
  MemberStatement statement = std::move(membership.statement);
  membership.group->members.erase(&channel);
  if (channel.exceptions != nullptr) {
    channel.exceptions->left_out.erase(membership.group);
    channel.exceptions->other_clients.erase(membership.group);
    channel.DropExceptionsIfEmpty();
  }
  // The order of the rest is kept: see `hint` above.
  channel.memberships.erase(channel.memberships.begin() +
                            (&membership - channel.memberships.data()));
  clients.Release(client, channel);
  return statement;
}

}  // namespace rmq
