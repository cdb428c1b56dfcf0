#include "broker/registry/table_state.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/registry/member_statement.h"
#include "common/client_network.h"

namespace rmq {
namespace {

// Changes of a statement that may come at once, in seconds' worth.
constexpr int32_t kChangesAtOnce = 3;

// Whether a heartbeat states nothing but groups that its client's principal may
// not be in.
bool IsRefusedEverything(const HeartbeatStatement& statement) {
  return !statement.consumers.empty() && statement.producer_groups.empty() &&
         absl::c_none_of(statement.consumers,
                         [](const ConsumerStatement& consumer) {
                           return consumer.refusal.empty();
                         });
}

// Whether `other`, an open stream, was opened by its client after the stream of
// `channel`, whose first heartbeat has `stream_number`.
bool IsNewer(const ChannelRecord& other, const ChannelRecord& channel,
             uint64_t stream_number) {
  if (other.stream_number != 0 && stream_number != 0 &&
      other.stream_number != stream_number) {
    return other.stream_number > stream_number;
  }
  return other.id > channel.id;
}

}  // namespace

TableState::TableState(const TableOptions& options, bool unchanged_register)
    : options_(options),
      statement_change_rate_(options.max_statement_changes,
                             kChangesAtOnce * options.max_statement_changes),
      consumers_(&clients_, unchanged_register),
      producers_(&clients_),
      expiry_(options),
      payers_(Rate(options.max_statement_changes_per_address,
                   kChangesAtOnce * options.max_statement_changes_per_address),
              &clients_.principals()),
      closed_(options.recently_closed),
      statement_tokens_(options.statement_token_key) {}

TableState::~TableState() {
  for (ChannelRecord* const channel : open_) {
    // Others may hold the channel for longer; what it has stated is shared in
    // the registry.
    channel->memberships.clear();
    channel->port.reset();
  }
}

const RegisteredGroup* TableState::FindGroup(GroupKind kind,
                                             absl::string_view group) const {
  if (kind == GroupKind::kConsumer) return consumers_.groups().Find(group);
  return producers_.groups().Find(group);
}

ClientChannelPtr TableState::FindStandIn(absl::string_view client_id) const {
  const ClientEntry* const client = clients_.Find(client_id);
  const ChannelRecord* const stand_in =
      client == nullptr ? nullptr : client->stand_in();
  return stand_in == nullptr ? nullptr : stand_in->port;
}

absl::Status TableState::CheckRoom(absl::string_view principal,
                                   absl::string_view remote_address) {
  if (open_.size() >= options_.max_channels) {
    ++refusals_.by_max_channels;
    return absl::ResourceExhaustedError(
        absl::StrCat("no room for another channel: max_channels is ",
                     options_.max_channels));
  }
  const size_t most = options_.channels_per_address();
  if (most == 0) return absl::OkStatus();
  const Payer payer =
      principal.empty()
          ? rmq::PayerOf(principal, ClientNetworkOf(remote_address))
          : Payer{clients_.principals().Find(principal), /*is_principal=*/true};
  if (payers_.channels(payer) < most) return absl::OkStatus();
  ++refusals_.by_max_channels_per_address;
  return absl::ResourceExhaustedError(
      absl::StrCat("no room for another channel from ",
                   PayerForMessage(principal, remote_address),
                   ": max_channels_per_address is ", most));
}

Payer TableState::PayerOf(const ChannelRecord& channel) {
  if (channel.principal == Principals::kAnonymous) {
    return rmq::PayerOf("", ClientNetworkOf(channel.port->remote_address()));
  }
  return {channel.principal, /*is_principal=*/true};
}

TableChange TableState::BeginChange(absl::Time now) {
  consumers_.AllowLooks(kMaxLooks);
  return TableChange(revision_ + 1, now, heard_floor_, options_.channel_expiry);
}

void TableState::EndChange(const TableChange& change) {
  if (change.takes_revision()) ++revision_;
  if (change.has_events()) last_event_revision_ = change.revision();
}

absl::Status TableState::Open(ChannelRecord& record, ClientChannelPtr channel,
                              absl::string_view principal, absl::Time now) {
  const absl::Status room = CheckRoom(principal, channel->remote_address());
  if (!room.ok()) return room;
  record.id = ++last_channel_id_;
  record.opened_at_ns = absl::ToUnixNanos(now);
  record.liveness.Renew(now);
  record.port = std::move(channel);
  record.principal = clients_.principals().Take(principal);
  if (CountsPayers()) payers_.Add(PayerOf(record));
  expiry_.File(record, now, now);
  open_.insert(open_.end(), &record);
  return absl::OkStatus();
}

void TableState::BindStandIn(ChannelRecord& channel,
                             absl::string_view client_id) {
  clients_.Bind(clients_.Use(client_id, channel), channel, /*incarnation=*/0);
}

RegisterResult TableState::Register(ChannelRecord& channel,
                                    const AdmittedStatement& admitted,
                                    std::vector<ClientChannelPtr>* replaced,
                                    TableChange* change) {
  const HeartbeatStatement& statement = *admitted.statement;
  const absl::Time now = change->now();
  RegisterResult result;
  if (channel.liveness.closed()) return result;  // kClosed
  if (RefuseIfOfAnother(channel, statement, &result, change)) return result;
  // Before it counts as heard: what a held client says keeps nothing alive.
  if (!holds_.empty() && RefuseIfHeld(channel, statement, &result, change)) {
    return result;
  }
  const absl::optional<absl::Time> heard_before = channel.liveness.Renew(now);
  if (!heard_before.has_value()) return result;  // kClosed
  // However often the statement changes.
  LeaveRefusedGroups(channel, statement, change);

  if (RefuseIfTooOften(channel, admitted, now, &result)) return result;

  ClientEntry& client = clients_.Use(statement.client_id, channel);
  Records older;
  if (channel.client == nullptr &&
      !BindStream(channel, client, statement, &older, &result, change)) {
    clients_.Release(client, channel);
    channel.liveness.Close();
    Remove(channel, RemovalReason::kReplaced, change);
    return result;
  }
  if (!statement.principal.name.empty() && !IsRefusedEverything(statement)) {
    result.took_id =
        !statement.principal.is_trial && clients_.OwnerOf(client).empty();
    clients_.SetOwner(client, statement.principal.name);
  }
  for (const ChannelRecord* const old : older) {
    replaced->push_back(old->port);
    // While it is in its groups.
    NoteClosed(*old, RemovalReason::kReplaced, now);
  }
  result.channel_expiry =
      options_.ExpiryFor(statement.requested_channel_expiry);
  const bool expires_sooner = expiry_.Set(channel, result.channel_expiry);
  channel.SetLabels(statement.labels);
  channel.ForgetUnregistered();

  for (Membership& membership : channel.memberships) {
    membership.stated = false;
    // One program is behind a channel, also in groups that it leaves out.
    membership.language = statement.language;
    membership.version = statement.version;
  }
  RegisterGroups(admitted,
                 {channel, client, statement.language, statement.version,
                  ++full_heartbeats_, older},
                 &result, change);
  NoteLeftOut(channel, *heard_before, change);
  // If no membership came to use it. `client` may be gone from here on.
  clients_.Release(client, channel);
  DropExcessLeftOut(channel, change);
  if (expires_sooner) FileAnew(channel, now);

  // After the new one has joined, so that no group empties in between.
  for (ChannelRecord* const old : older) {
    TakeOut(*old, RemovalReason::kReplaced, change);
  }
  RemoveIdle(channel, RemovalReason::kUnregistered, change);

  const bool all_registered =
      admitted.consumers.size() == statement.consumers.size() &&
      result.rejected_producers.empty() && result.inconsistent.empty();
  if (all_registered) result.statement_token = statement_tokens_.Next();
  channel.statement_token.store(result.statement_token,
                                std::memory_order_relaxed);
  if (channel.port != nullptr) {
    result.warnings = TakeWarnings(channel, /*only_news=*/false);
    if (!result.other_address.empty()) {
      result.warnings.push_back(
          TakeOverWarning(statement.client_id, result.other_address));
    }
  }
  if (!statement.principal.pays_as().empty() && channel.left_out_groups() > 0) {
    for (const Membership& membership : channel.memberships) {
      if (membership.left_out &&
          membership.group->kind == GroupKind::kConsumer) {
        result.left_out_consumers.push_back(membership.group->name);
      }
    }
  }
  result.outcome = RegisterResult::Outcome::kRegistered;
  return result;
}

bool TableState::RefuseIfTooOften(ChannelRecord& channel,
                                  const AdmittedStatement& admitted,
                                  absl::Time now,
                                  RegisterResult* result) const {
  const bool is_over =
      !statement_change_rate_.Allows(now, channel.changes_full_at());
  // Null if it has been closed.
  const absl::Time payer_may_at =
      payers_.MayBeOver(now) && channel.port != nullptr
          ? payers_.MayChangeAt(PayerOf(channel), now)
          : now;
  // Compared beforehand only where a change would be one too many.
  if ((!is_over && payer_may_at <= now) ||
      !ChangesStatement(channel, admitted)) {
    return false;
  }
  result->outcome = RegisterResult::Outcome::kTooManyChanges;
  result->is_payer_over = !is_over;
  result->try_again_at =
      is_over ? statement_change_rate_.AllowsFrom(channel.changes_full_at())
              : payer_may_at;
  return true;
}

bool TableState::ChangesStatement(ChannelRecord& channel,
                                  const AdmittedStatement& admitted) const {
  size_t hint = 0;
  for (const AdmittedConsumer& consumer : admitted.consumers) {
    const ConsumerGroup* const group =
        consumers_.groups().Find(consumer.statement->group);
    if (group == nullptr) continue;
    const Membership* const membership =
        GroupMembers::Find(channel, *group, &hint);
    if (membership != nullptr &&
        !MemberStatementPool::ChangesNothing(membership->statement,
                                             *consumer.statement)) {
      return true;
    }
  }
  return false;
}

bool TableState::BindStream(ChannelRecord& channel, ClientEntry& client,
                            const HeartbeatStatement& statement,
                            Records* replaced, RegisterResult* result,
                            TableChange* change) {
  Records older;
  if (statement.incarnation != 0) {
    older = client.Streams({statement.incarnation, channel.principal});
  }
  for (const ChannelRecord* const other : older) {
    if (!other->liveness.closed() &&
        IsNewer(*other, channel, statement.stream_number)) {
      // A newer stream's first heartbeat overtook this one.
      result->outcome = RegisterResult::Outcome::kReplaced;
      return false;
    }
  }
  if (!BindAmongOthers(channel, client, statement.incarnation,
                       /*is_known=*/!older.empty(), replaced, result, change)) {
    return false;
  }
  for (ChannelRecord* const old : older) {
    // If another call is closing a stream, that call removes and ends it.
    if (old->liveness.Close()) replaced->push_back(old);
  }
  channel.stream_number = statement.stream_number;
  return true;
}

void TableState::RegisterGroups(const AdmittedStatement& admitted,
                                const Registrant& who, RegisterResult* result,
                                TableChange* change) {
  size_t hint = 0;
  const uint64_t restatements = consumers_.restatements();
  for (const AdmittedConsumer& consumer : admitted.consumers) {
    std::string rejection = consumers_.DescribeRejection(consumer, who.channel,
                                                         who.replaced, &hint);
    if (!rejection.empty()) {
      result->inconsistent.push_back(
          {consumer.statement->group, std::move(rejection)});
      continue;
    }
    const uint64_t epoch = consumers_.Register(
        *consumer.statement, consumer.notify_consumer_ids_changed,
        consumer.consistency.grace, who, &hint, change);
    result->group_epochs.push_back({consumer.statement->group, epoch});
  }
  if (consumers_.restatements() != restatements) {
    if (options_.max_statement_changes > 0) {
      statement_change_rate_.Take(
          change->now(), &who.channel.MutableExceptions().changes_full_at);
    }
    if (options_.max_statement_changes_per_address > 0 &&
        who.channel.port != nullptr) {
      payers_.NoteChange(PayerOf(who.channel), change->now());
    }
  }
  for (absl::string_view group : admitted.statement->producer_groups) {
    if (!producers_.Register(group, admitted.take_new_producers, who, &hint,
                             change)) {
      result->rejected_producers.push_back(group);
    }
  }
}

void TableState::NoteLeftOut(ChannelRecord& channel, absl::Time heard_before,
                             TableChange* change) {
  for (Membership& membership : channel.memberships) {
    if (membership.left_out != membership.stated) continue;  // As before.
    membership.left_out = !membership.stated;
    if (!membership.left_out) {
      channel.exceptions->left_out.erase(membership.group);
      continue;
    }
    channel.MutableExceptions().left_out.emplace(membership.group,
                                                 heard_before);
    if (membership.group->kind == GroupKind::kConsumer) {
      consumers_.NoteLeftOut(channel, membership, change);
    }
  }
  channel.DropExceptionsIfEmpty();
}

void TableState::FileAnew(ChannelRecord& channel, absl::Time now) {
  absl::Time earliest = now;
  if (channel.exceptions != nullptr) {
    for (const auto& [group, stated] : channel.exceptions->left_out) {
      earliest = std::min(earliest, std::max(stated, heard_floor_));
    }
  }
  expiry_.FileAnew(channel, earliest, now);
}

void TableState::DropExcessLeftOut(ChannelRecord& channel,
                                   TableChange* change) {
  auto& memberships = channel.memberships;
  for (size_t i = 0; channel.left_out_groups() > kMaxLeftOutGroups;) {
    if (memberships[i].left_out) {
      RemoveMembership(channel, memberships[i], RemovalReason::kExpired,
                       change);
    } else {
      ++i;
    }
  }
}

ClientChannelPtr TableState::NextAvailableProducer(absl::string_view group) {
  const ChannelRecord* const channel = producers_.NextAvailable(group);
  return channel == nullptr ? nullptr : channel->port;
}

void TableState::RaiseHeardFloor(absl::Time now) {
  heard_floor_ = std::max(heard_floor_, now);
}

bool TableState::ExpireNext(std::vector<ClientChannelPtr>* ended,
                            TableChange* change) {
  ChannelRecord* const due = expiry_.PopDue();
  if (due == nullptr) return false;
  ChannelRecord& channel = *due;
  const absl::Time now = change->now();
  const absl::Time limit = now - expiry_.Of(channel);
  // Strictly longer than the expiry: heard before the limit, not at it.
  if (heard_floor_ < limit && channel.liveness.CloseIfLastHeardBefore(limit)) {
    ended->push_back(channel.port);
    Remove(channel, RemovalReason::kExpired, change);
    return true;
  }
  if (channel.liveness.closed()) {
    // By another call, which is about to remove it.
    expiry_.File(channel, now, now);
    return true;
  }

  channel.ForgetPastChanges(now);
  absl::Time earliest = std::max(channel.liveness.last_heard(), heard_floor_);
  if (channel.left_out_groups() > 0) {
    earliest = ExpireLeftOut(channel, limit, earliest, change);
    const ClientChannelPtr reference = channel.port;
    RemoveIdle(channel, RemovalReason::kExpired, change);
    if (channel.port == nullptr) {
      ended->push_back(reference);
      return true;
    }
  }
  expiry_.File(channel, earliest, now);
  return true;
}

absl::Time TableState::ExpireLeftOut(ChannelRecord& channel, absl::Time limit,
                                     absl::Time earliest, TableChange* change) {
  auto& memberships = channel.memberships;
  for (size_t i = memberships.size(); i-- > 0;) {
    if (!memberships[i].left_out) continue;
    const absl::Time stated =
        std::max(channel.LastStated(memberships[i]), heard_floor_);
    if (stated < limit) {
      RemoveMembership(channel, memberships[i], RemovalReason::kExpired,
                       change);
    } else {
      earliest = std::min(earliest, stated);
    }
  }
  return earliest;
}

}  // namespace rmq
