// How channels leave: the part of TableState that removes.
#include <memory>
#include <string>
#include <utility>

#include "broker/registry/channel_groups.h"
#include "broker/registry/statement.h"
#include "broker/registry/table_state.h"
#include "common/client_network.h"
#include "common/payer.h"

namespace rmq {
namespace {

// The group of `membership`, which is one of the channel's, is among those that
// its client has unregistered.
void NoteUnregistered(const Membership& membership, ChannelRecord& channel) {
  auto& noted = channel.MutableExceptions().unregistered;
  if (noted == nullptr) noted = std::make_unique<ChannelGroups>();
  noted->language = membership.language;
  noted->version = membership.version;
  noted->Add(membership.group->name,
             membership.group->kind == GroupKind::kConsumer
                 ? &noted->consumers
                 : &noted->producers);
}

}  // namespace

void TableState::Unregister(ChannelRecord& channel, absl::string_view client_id,
                            absl::Span<const absl::string_view> producer_groups,
                            absl::Span<const absl::string_view> consumer_groups,
                            TableChange* change) {
  UnregisterAll(channel, client_id, GroupKind::kProducer, producer_groups,
                change);
  UnregisterAll(channel, client_id, GroupKind::kConsumer, consumer_groups,
                change);
  RemoveIdle(channel, RemovalReason::kUnregistered, change);
}

void TableState::UnregisterAll(ChannelRecord& channel,
                               absl::string_view client_id, GroupKind kind,
                               absl::Span<const absl::string_view> groups,
                               TableChange* change) {
  for (absl::string_view name : groups) {
    const RegisteredGroup* const group = FindGroup(kind, name);
    if (group == nullptr) continue;
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(channel, *group, &hint);
    if (membership == nullptr) continue;
    if (closed_.keeps_any()) NoteUnregistered(*membership, channel);
    RemoveMembership(channel, *membership, RemovalReason::kUnregistered,
                     client_id, change);
  }
}

void TableState::RemoveMembership(ChannelRecord& channel,
                                  Membership& membership, RemovalReason reason,
                                  TableChange* change) {
  // A copy: the entry may go with the membership.
  const std::string client_id(channel.ClientOf(membership).client_id());
  RemoveMembership(channel, membership, reason, client_id, change);
}

void TableState::RemoveMembership(ChannelRecord& channel,
                                  Membership& membership, RemovalReason reason,
                                  absl::string_view client_id,
                                  TableChange* change) {
  if (!membership.left_out) {
    channel.statement_token.store(0, std::memory_order_relaxed);
  }
  channel.ForgetTold(*membership.group);
  if (membership.group->kind == GroupKind::kConsumer) {
    consumers_.Remove(channel, membership, reason, client_id, change);
  } else {
    producers_.Remove(channel, membership, reason, client_id, change);
  }
}

void TableState::NoteClosed(const ChannelRecord& channel, RemovalReason reason,
                            absl::Time now) {
  // By its name: the number of a principal without channels is another's.
  const Payer payer =
      rmq::PayerOf(clients_.principals().NameOf(channel.principal),
                   ClientNetworkOf(channel.port->remote_address()));
  closed_.Note(channel, PrincipalOf(channel), payer, reason, now);
}

void TableState::Remove(ChannelRecord& channel, RemovalReason reason,
                        TableChange* change) {
  if (channel.client != nullptr) NoteClosed(channel, reason, change->now());
  TakeOut(channel, reason, change);
}

void TableState::TakeOut(ChannelRecord& channel, RemovalReason reason,
                         TableChange* change) {
  // From the back, so that nothing moves.
  while (!channel.memberships.empty()) {
    RemoveMembership(channel, channel.memberships.back(), reason, change);
  }
  channel.statement_token.store(0, std::memory_order_relaxed);
  if (ClientEntry* const client = std::exchange(channel.client, nullptr)) {
    const bool is_duplicate = client->HasStreamsOfSeveral();
    clients_.Release(*client, channel);
    // Other streams use it still.
    if (is_duplicate) duplicates_.Update(*client, change->now());
  }
  expiry_.Remove(channel);
  if (channel.port == nullptr) return;
  open_.erase(&channel);
  if (CountsPayers()) payers_.Remove(PayerOf(channel), change->now());
  clients_.principals().Drop(
      std::exchange(channel.principal, Principals::kAnonymous));
  // Callers and events hold references: the channel is not destroyed here.
  channel.port.reset();
}

bool TableState::IsHeldByAnother(const ClientEntry* entry,
                                 absl::string_view principal) const {
  if (entry == nullptr) return false;
  const absl::string_view holder = clients_.OwnerOf(*entry);
  return !holder.empty() && holder != principal;
}

absl::string_view TableState::PrincipalOf(const ChannelRecord& channel) const {
  const absl::string_view opened_by =
      clients_.principals().NameOf(channel.principal);
  return opened_by.empty() && channel.client != nullptr
             ? clients_.OwnerOf(*channel.client)
             : opened_by;
}

bool TableState::MayActAs(const ClientEntry* entry,
                          const ClientPrincipal& principal) const {
  return principal.is_trial || !IsHeldByAnother(entry, principal.name);
}

bool TableState::RefuseIfOfAnother(ChannelRecord& channel,
                                   const HeartbeatStatement& statement,
                                   RegisterResult* result,
                                   TableChange* change) {
  if (!clients_.HasOwners() ||
      MayActAs(clients_.Find(statement.client_id), statement.principal)) {
    return false;
  }
  result->outcome = RegisterResult::Outcome::kOfAnother;
  if (GoesWithLastGroup(channel.kind)) {
    RemoveIdle(channel, RemovalReason::kUnregistered, change);
  } else if (channel.client == nullptr) {
    channel.liveness.Close();
    Remove(channel, RemovalReason::kDisconnected, change);
  }
  return true;
}

bool TableState::CloseStrangers(absl::string_view client_id,
                                ClientEntry::Place* place,
                                std::vector<ClientChannelPtr>* closed,
                                TableChange* change) {
  const ClientEntry* const client = clients_.Find(client_id);
  if (client == nullptr || clients_.OwnerOf(*client).empty()) return false;
  const Principals::Number owner =
      clients_.principals().Find(clients_.OwnerOf(*client));
  // Its place may have been another one when others were looked at.
  if (client->has_one_channel()) *place = ClientEntry::kBeforeAll;
  // Removed afterwards: the entry goes with its last channel.
  Records strangers;
  const ChannelRecord* last = nullptr;
  for (size_t looks = 0; looks < kMaxLooks; ++looks) {
    ChannelRecord* const channel = client->Next(place);
    last = channel;
    if (channel == nullptr) break;
    // If another call is closing it, that call removes and ends it.
    if (channel->client == client && channel->principal != owner &&
        channel->memberships.empty() && channel->liveness.Close()) {
      strangers.push_back(channel);
    }
  }
  for (ChannelRecord* const stranger : strangers) {
    closed->push_back(stranger->port);
    Remove(*stranger, RemovalReason::kDisconnected, change);
  }
  return last != nullptr;
}

void TableState::LeaveRefusedGroups(ChannelRecord& channel,
                                    const HeartbeatStatement& statement,
                                    TableChange* change) {
  for (const ConsumerStatement& consumer : statement.consumers) {
    if (consumer.refusal.empty()) continue;
    const RegisteredGroup* const group =
        consumers_.groups().Find(consumer.group);
    if (group == nullptr) continue;
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(channel, *group, &hint);
    if (membership == nullptr) continue;
    RemoveMembership(channel, *membership, RemovalReason::kUnregistered,
                     change);
  }
}

bool TableState::RefuseIfHeld(ChannelRecord& channel,
                              const HeartbeatStatement& statement,
                              RegisterResult* result, TableChange* change) {
  const bool is_unary = GoesWithLastGroup(channel.kind);
  // A stream that has been let in stays until it is closed.
  if (!is_unary && channel.client != nullptr) return false;
  const auto find = [&](ChannelKind kind) {
    return holds_.Find({statement.client_id, kind, statement.incarnation,
                        statement.principal.pays_as()},
                       change->now());
  };
  const ClientHold* hold = find(channel.kind);
  // The same process by the other kind of call. A stream without incarnation
  // may be that of any process.
  if (hold == nullptr && is_unary) hold = find(ChannelKind::kStream);
  if (hold == nullptr && !is_unary && statement.incarnation == 0) {
    hold = find(ChannelKind::kStandIn);
  }
  if (hold == nullptr) return false;
  result->outcome = RegisterResult::Outcome::kHeld;
  result->hold = *hold;
  if (is_unary) {
    RemoveIdle(channel, RemovalReason::kKicked, change);
  } else if (channel.liveness.Close()) {
    Remove(channel, RemovalReason::kKicked, change);
  }
  return true;
}

void TableState::RemoveIdle(ChannelRecord& channel, RemovalReason reason,
                            TableChange* change) {
  if (GoesWithLastGroup(channel.kind) && channel.memberships.empty() &&
      channel.liveness.Close()) {
    Remove(channel, reason, change);
  }
}

bool TableState::Close(ChannelRecord& channel, RemovalReason reason,
                       TableChange* change) {
  if (channel.port == nullptr) return false;
  // The caller may hold no other reference.
  const ClientChannelPtr reference = channel.port;
  const bool closed = channel.liveness.Close();
  // If another call is closing the channel, it is about to remove it; a removal
  // here changes nothing for that call.
  Remove(channel, reason, change);
  return closed;
}

}  // namespace rmq
