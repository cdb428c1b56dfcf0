#include "broker/registry/client_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/held_statement.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

// Changes of a statement that may come at once, in seconds' worth.
constexpr int32_t kChangesAtOnce = 3;
constexpr int32_t kMostStatementChanges = 1000;

}  // namespace

absl::Status ClientTable::Options::Validate() const {
  if (channel_expiry <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("channel_expiry must be positive, got ",
                     absl::FormatDuration(channel_expiry)));
  }
  if (max_channels == 0) {
    return absl::InvalidArgumentError("max_channels must be at least 1, got 0");
  }
  if (max_statement_changes < 0 ||
      max_statement_changes > kMostStatementChanges) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_statement_changes must be 0 to ",
                     kMostStatementChanges, ", got ", max_statement_changes));
  }
  return absl::OkStatus();
}

ClientTable::ClientTable(const Options& options,
                         std::vector<ClientEventListener*> listeners)
    : TableQueries(std::move(listeners)),
      options_(options),
      statement_change_rate_(options.max_statement_changes,
                             kChangesAtOnce * options.max_statement_changes),
      statement_tokens_(options.statement_token_key) {}

ClientTable::~ClientTable() {
  MutexLock lock(&mu_);
  while (ClientChannel* channel = expiry_.Any()) {
    expiry_.Remove(*channel);
    // Others may hold the channel for longer; what it has stated is shared in
    // the registry.
    channel->memberships_.clear();
    channel->self_.reset();
  }
}

absl::Status ClientTable::CheckRoom() const {
  MutexLock lock(&mu_);
  return CheckRoomLocked();
}

absl::Status ClientTable::CheckRoomLocked() const {
  if (channels_ < options_.max_channels) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "no room for another channel: max_channels is ", options_.max_channels));
}

absl::Status ClientTable::Open(ClientChannelPtr channel, absl::Time now) {
  MutexLock lock(&mu_);
  return OpenLocked(std::move(channel), now);
}

absl::Status ClientTable::OpenLocked(ClientChannelPtr channel, absl::Time now) {
  const absl::Status room = CheckRoomLocked();
  if (!room.ok()) return room;
  channel->id_ = ++last_channel_id_;
  channel->opened_at_ns_ = absl::ToUnixNanos(now);
  channel->liveness_.Renew(now);
  expiry_.File(*channel, now + options_.channel_expiry);
  ++channels_;
  ClientChannel& opened = *channel;
  opened.self_ = std::move(channel);
  return absl::OkStatus();
}

RegisterResult ClientTable::Register(ClientChannel& channel,
                                     const AdmittedStatement& admitted,
                                     absl::Time now) {
  events_.AwaitRoom();
  RegisterResult result;
  std::vector<ClientChannelPtr> replaced;
  Committed committed;
  {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    result = RegisterLocked(channel, admitted, now, &replaced, &change);
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  for (const ClientChannelPtr& old : replaced) {
    old->End(RemovalReason::kReplaced);
  }
  if (result.outcome == RegisterResult::Outcome::kReplaced) {
    channel.End(RemovalReason::kReplaced);
  }
  return result;
}

RegisterResult ClientTable::RegisterLocked(
    ClientChannel& channel, const AdmittedStatement& admitted, absl::Time now,
    std::vector<ClientChannelPtr>* replaced, TableChange* change) {
  const HeartbeatStatement& statement = *admitted.statement;
  RegisterResult result;
  const absl::optional<absl::Time> heard_before = channel.liveness_.Renew(now);
  if (!heard_before.has_value()) return result;  // kClosed

  const absl::Time changes_full_at = channel.exceptions_ == nullptr
                                         ? absl::InfinitePast()
                                         : channel.exceptions_->changes_full_at;
  // Looked for beforehand only where it would be one too many.
  if (!statement_change_rate_.Allows(now, changes_full_at) &&
      ChangesStatementLocked(channel, admitted)) {
    result.outcome = RegisterResult::Outcome::kTooManyChanges;
    result.try_again_at = statement_change_rate_.AllowsFrom(changes_full_at);
    return result;
  }

  ClientEntry& client = clients_.Use(statement.client_id, channel);
  if (channel.client_ == nullptr) {
    if (statement.incarnation != 0) {
      *replaced = FindStreamsLocked(client, statement.incarnation);
      for (const ClientChannelPtr& other : *replaced) {
        if (!IsNewer(*other, channel, statement.stream_number)) continue;
        // This one's first heartbeat was overtaken by a newer stream's.
        replaced->clear();
        clients_.Release(client, channel);
        channel.liveness_.Close();
        RemoveChannelLocked(channel, RemovalReason::kReplaced, change);
        result.outcome = RegisterResult::Outcome::kReplaced;
        return result;
      }
    }
    clients_.Bind(client, channel, statement.incarnation);
    channel.stream_number_ = statement.stream_number;
  }
  // If another call is closing a stream, that call takes it out and ends it.
  replaced->erase(std::remove_if(replaced->begin(), replaced->end(),
                                 [](const ClientChannelPtr& old) {
                                   return !old->liveness_.Close();
                                 }),
                  replaced->end());

  for (Membership& membership : channel.memberships_) {
    membership.stated = false;
  }
  const Registrant who{channel,
                       client,
                       statement.language,
                       statement.version,
                       ++full_heartbeats_,
                       *replaced};
  size_t hint = 0;
  const uint64_t restatements = consumers_.restatements();
  for (const AdmittedConsumer& consumer : admitted.consumers) {
    NoteStatementChange(consumers_.Register(
        *consumer.statement, consumer.notify_consumer_ids_changed, who, &hint,
        change));
  }
  if (options_.max_statement_changes > 0 &&
      consumers_.restatements() != restatements) {
    statement_change_rate_.Take(now, &channel.exceptions().changes_full_at);
  }
  for (absl::string_view group : statement.producer_groups) {
    if (!producers_.Register(group, admitted.take_new_producers, who, &hint,
                             change)) {
      result.rejected_producers.push_back(group);
    }
  }
  NoteLeftOutLocked(channel, *heard_before, change);
  // If no record came to use it. `client` may be gone from here on.
  clients_.Release(client, channel);
  DropLeftOutLocked(channel, change);

  // After the new one has joined, so that no group empties in between.
  for (const ClientChannelPtr& old : *replaced) {
    RemoveChannelLocked(*old, RemovalReason::kReplaced, change);
  }
  RemoveIdleStandInLocked(channel, RemovalReason::kUnregistered, change);

  const bool all_registered =
      admitted.consumers.size() == statement.consumers.size() &&
      result.rejected_producers.empty();
  if (all_registered) result.statement_token = statement_tokens_.Next();
  channel.statement_token_.store(result.statement_token,
                                 std::memory_order_relaxed);
  result.outcome = RegisterResult::Outcome::kRegistered;
  return result;
}

bool ClientTable::ChangesStatementLocked(
    ClientChannel& channel, const AdmittedStatement& admitted) const {
  size_t hint = 0;
  for (const AdmittedConsumer& consumer : admitted.consumers) {
    const ConsumerGroup* const group =
        consumers_.groups().Find(consumer.statement->group);
    if (group == nullptr) continue;
    const Membership* const membership =
        GroupMembers::Find(channel, *group, &hint);
    if (membership != nullptr && !HeldStatementPool::ChangesNothing(
                                     membership->held, *consumer.statement)) {
      return true;
    }
  }
  return false;
}

bool ClientTable::IsNewer(const ClientChannel& other,
                          const ClientChannel& channel,
                          uint64_t stream_number) {
  if (other.stream_number_ != 0 && stream_number != 0 &&
      other.stream_number_ != stream_number) {
    return other.stream_number_ > stream_number;
  }
  return other.id_ > channel.id_;
}

std::vector<ClientChannelPtr> ClientTable::FindStreamsLocked(
    const ClientEntry& client, uint64_t incarnation) const {
  std::vector<ClientChannelPtr> streams;
  for (ClientChannel* channel : client.Streams(incarnation)) {
    if (!channel->closed()) streams.push_back(channel->self_);
  }
  return streams;
}

void ClientTable::Unregister(
    ClientChannel& channel, absl::string_view client_id,
    absl::Span<const absl::string_view> producer_groups,
    absl::Span<const absl::string_view> consumer_groups, absl::Time now) {
  events_.AwaitRoom();
  Committed committed;
  {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    UnregisterLocked(channel, client_id, GroupKind::kProducer, producer_groups,
                     &change);
    UnregisterLocked(channel, client_id, GroupKind::kConsumer, consumer_groups,
                     &change);
    RemoveIdleStandInLocked(channel, RemovalReason::kUnregistered, &change);
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
}

void ClientTable::UnregisterLocked(ClientChannel& channel,
                                   absl::string_view client_id, GroupKind kind,
                                   absl::Span<const absl::string_view> groups,
                                   TableChange* change) {
  for (absl::string_view name : groups) {
    const RegisteredGroup* const group = FindGroupLocked(kind, name);
    if (group == nullptr) continue;
    size_t hint = 0;
    Membership* const membership = GroupMembers::Find(channel, *group, &hint);
    if (membership == nullptr) continue;
    RemoveMembershipLocked(channel, *membership, RemovalReason::kUnregistered,
                           client_id, change);
  }
}

void ClientTable::NoteLeftOutLocked(ClientChannel& channel,
                                    absl::Time heard_before,
                                    TableChange* change) {
  for (Membership& membership : channel.memberships_) {
    if (membership.left_out != membership.stated) continue;  // As before.
    membership.left_out = !membership.stated;
    if (!membership.left_out) {
      channel.exceptions_->left_out.erase(membership.group);
      continue;
    }
    channel.exceptions().left_out.emplace(membership.group, heard_before);
    if (membership.group->kind == GroupKind::kConsumer) {
      NoteStatementChange(consumers_.NoteLeftOut(channel, membership, change));
    }
  }
  channel.DropExceptionsIfNone();
}

void ClientTable::DropLeftOutLocked(ClientChannel& channel,
                                    TableChange* change) {
  auto& memberships = channel.memberships_;
  for (size_t i = 0; channel.left_out_groups() > kMaxLeftOutGroups;) {
    if (!memberships[i].left_out) {
      ++i;
      continue;
    }
    // A copy: the entry may go with the membership.
    const std::string client_id(channel.ClientOf(memberships[i]).client_id());
    RemoveMembershipLocked(channel, memberships[i], RemovalReason::kExpired,
                           client_id, change);
  }
}

bool ClientTable::Close(ClientChannel& channel, RemovalReason reason,
                        absl::Time now) {
  // The bit first: from here on no heartbeat can bring the channel back.
  if (!channel.liveness_.Close()) return false;
  events_.AwaitRoom();
  Committed committed;
  {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    RemoveChannelLocked(channel, reason, &change);
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return true;
}

void ClientTable::RemoveMembershipLocked(ClientChannel& channel,
                                         Membership& membership,
                                         RemovalReason reason,
                                         absl::string_view client_id,
                                         TableChange* change) {
  if (!membership.left_out) {
    channel.statement_token_.store(0, std::memory_order_relaxed);
  }
  if (membership.group->kind == GroupKind::kConsumer) {
    NoteStatementChange(
        consumers_.Remove(channel, membership, reason, client_id, change));
  } else {
    producers_.Remove(channel, membership, reason, client_id, change);
  }
}

void ClientTable::RemoveChannelLocked(ClientChannel& channel,
                                      RemovalReason reason,
                                      TableChange* change) {
  // From the back, so that nothing moves.
  while (!channel.memberships_.empty()) {
    Membership& last = channel.memberships_.back();
    // A copy: the entry may go with the membership.
    const std::string client_id(channel.ClientOf(last).client_id());
    RemoveMembershipLocked(channel, last, reason, client_id, change);
  }
  channel.statement_token_.store(0, std::memory_order_relaxed);
  if (ClientEntry* client = std::exchange(channel.client_, nullptr)) {
    clients_.Release(*client, channel);
  }
  expiry_.Remove(channel);
  if (channel.self_ == nullptr) return;
  --channels_;
  // Callers and events hold references: the channel is not destroyed here.
  channel.self_.reset();
}

void ClientTable::RemoveIdleStandInLocked(ClientChannel& channel,
                                          RemovalReason reason,
                                          TableChange* change) {
  if (channel.kind_ == ClientChannel::Kind::kStandIn &&
      channel.memberships_.empty() && channel.liveness_.Close()) {
    RemoveChannelLocked(channel, reason, change);
  }
}

absl::StatusOr<ClientChannelPtr> ClientTable::FindOrOpenStandIn(
    absl::string_view client_id, ClientChannelPtr channel, absl::Time now) {
  MutexLock lock(&mu_);
  ClientChannelPtr known = FindStandInLocked(client_id);
  if (known != nullptr) return known;
  const absl::Status opened = OpenLocked(channel, now);
  if (!opened.ok()) return opened;
  clients_.Bind(clients_.Use(client_id, *channel), *channel,
                /*incarnation=*/0);
  return channel;
}

bool ClientTable::CloseSome(RemovalReason reason, size_t max_channels,
                            absl::Time now,
                            std::vector<ClientChannelPtr>* closed) {
  events_.AwaitRoom();
  Committed committed;
  bool more;
  {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    for (size_t i = 0; i < max_channels; ++i) {
      ClientChannel* const any = expiry_.Any();
      if (any == nullptr) break;
      const ClientChannelPtr channel = any->self_;
      // One that another call closes just now is about to be taken out by it;
      // taking it out here too changes nothing for that call.
      if (channel->liveness_.Close()) closed->push_back(channel);
      RemoveChannelLocked(*channel, reason, &change);
    }
    more = channels_ > 0;
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return more;
}

void ClientTable::RaiseHeardFloor(absl::Time now) {
  MutexLock lock(&mu_);
  heard_floor_ = std::max(heard_floor_, now);
}

void ClientTable::BeginScan(absl::Time now) {
  MutexLock lock(&mu_);
  expiry_.CollectDue(now);
}

bool ClientTable::ScanSome(absl::Time now, size_t max_channels,
                           std::vector<ClientChannelPtr>* ended) {
  events_.AwaitRoom();
  Committed committed;
  bool more = true;
  {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    for (size_t looked = 0; looked < max_channels; ++looked) {
      ClientChannel* const channel = expiry_.PopDue();
      if (channel == nullptr) {
        more = false;
        break;
      }
      ClientChannelPtr closed = ExpireLocked(*channel, now, &change);
      if (closed != nullptr) ended->push_back(std::move(closed));
    }
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return more;
}

ClientChannelPtr ClientTable::ExpireLocked(ClientChannel& channel,
                                           absl::Time now,
                                           TableChange* change) {
  const absl::Duration expiry = options_.channel_expiry;
  const absl::Time limit = now - expiry;
  // Strictly longer than the expiry: heard before the limit, not at it.
  if (heard_floor_ < limit && channel.liveness_.CloseIfLastHeardBefore(limit)) {
    ClientChannelPtr reference = channel.self_;
    RemoveChannelLocked(channel, RemovalReason::kExpired, change);
    return reference;
  }
  if (channel.closed()) {
    // By another call, which is about to take it out.
    expiry_.File(channel, now + expiry);
    return nullptr;
  }

  channel.ForgetPastChanges(now);
  absl::Time earliest = std::max(channel.last_heard(), heard_floor_);
  if (channel.left_out_groups() == 0) {
    expiry_.File(channel, earliest + expiry);
    return nullptr;
  }
  auto& memberships = channel.memberships_;
  for (size_t i = memberships.size(); i-- > 0;) {
    if (!memberships[i].left_out) continue;
    const absl::Time stated =
        std::max(channel.LastStated(memberships[i]), heard_floor_);
    if (stated < limit) {
      const std::string client_id(channel.ClientOf(memberships[i]).client_id());
      RemoveMembershipLocked(channel, memberships[i], RemovalReason::kExpired,
                             client_id, change);
    } else {
      earliest = std::min(earliest, stated);
    }
  }
  if (channel.kind_ == ClientChannel::Kind::kStandIn) {
    ClientChannelPtr reference = channel.self_;
    RemoveIdleStandInLocked(channel, RemovalReason::kExpired, change);
    if (channel.closed()) return reference;
  }
  expiry_.File(channel, earliest + expiry);
  return nullptr;
}

void ClientTable::NoteStatementChange(bool is_one) {
  if (is_one) statement_changes_.fetch_add(1, std::memory_order_release);
}

TableChange ClientTable::BeginLocked(absl::Time now) {
  consumers_.AllowLooks(kMaxPiece);
  return TableChange(revision_ + 1, now, heard_floor_);
}

ClientTable::Committed ClientTable::CommitLocked(TableChange change) {
  const bool has_events = change.has_events();
  if (has_events) {
    ++revision_;
    events_.Append(std::move(change).TakeEvents());
  }
  return {has_events, consumers_.HasUnsettled()};
}

void ClientTable::Finish(Committed committed, absl::Time now) {
  bool has_events = committed.has_events;
  while (committed.has_unsettled) {
    MutexLock lock(&mu_);
    TableChange change = BeginLocked(now);
    NoteStatementChange(consumers_.Settle(&change));
    committed = CommitLocked(std::move(change));
    has_events |= committed.has_events;
  }
  if (has_events) events_.Deliver();
}

ClientChannelPtr ClientTable::NextAvailableProducer(absl::string_view group) {
  MutexLock lock(&mu_);
  ClientChannel* const channel = producers_.NextAvailable(group);
  return channel == nullptr ? nullptr : channel->self_;
}

}  // namespace rmq
