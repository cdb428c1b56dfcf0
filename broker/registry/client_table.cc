#include "broker/registry/client_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/consumer_registry.h"
#include "common/mutex_lock.h"
#include "common/validation.h"

namespace rmq {

ClientTable::ClientTable(const Options& options,
                         std::vector<ClientEventListener*> listeners)
    : TableQueries(options, std::move(listeners)), options_(options) {}

absl::Status ClientTable::CheckRoom(absl::string_view principal,
                                    absl::string_view remote_address) {
  MutexLock lock(&mu_);
  return state_.CheckRoom(principal, remote_address);
}

absl::Status ClientTable::Open(ClientChannelPtr channel, absl::Time now,
                               absl::string_view principal) {
  MutexLock lock(&mu_);
  ChannelRecord& record = channel->record_;
  return state_.Open(record, std::move(channel), principal, now);
}

RegisterResult ClientTable::Register(ClientChannel& channel,
                                     const AdmittedStatement& admitted,
                                     absl::Time now) {
  events_.AwaitRoom();
  RegisterResult result;
  std::vector<ClientChannelPtr> replaced;
  Committed committed;
  bool is_sooner;
  {
    MutexLock lock(&mu_);
    const ExpiryOutlook before = state_.Outlook();
    TableChange change = state_.BeginChange(now);
    result = state_.Register(channel.record_, admitted, &replaced, &change);
    committed = CommitLocked(std::move(change));
    const ExpiryOutlook after = state_.Outlook();
    is_sooner =
        after.next_due < before.next_due || after.shortest < before.shortest;
  }
  if (is_sooner && on_sooner_) on_sooner_(now);
  Finish(committed, now);
  for (const ClientChannelPtr& old : replaced) {
    const bool is_of_another =
        old->record_.incarnation != channel.record_.incarnation;
    old->End({RemovalReason::kReplaced, absl::ZeroDuration(),
              is_of_another ? absl::StrCat("another process uses it, from ",
                                           channel.remote_address())
                            : ""});
  }
  if (result.outcome == RegisterResult::Outcome::kReplaced) {
    channel.End(RemovalReason::kReplaced);
  }
  if (result.took_id) CloseStrangers(admitted.statement->client_id, now);
  return result;
}

void ClientTable::CloseStrangers(absl::string_view client_id, absl::Time now) {
  ClientEntry::Place place = ClientEntry::kBeforeAll;
  for (bool more = true; more;) {
    std::vector<ClientChannelPtr> closed;
    {
      MutexLock lock(&mu_);
      TableChange change = state_.BeginChange(now);
      more = state_.CloseStrangers(client_id, &place, &closed, &change);
      // They are in no group, so there are no events.
      (void)CommitLocked(std::move(change));
    }
    for (const ClientChannelPtr& stranger : closed) {
      stranger->End({RemovalReason::kDisconnected, absl::ZeroDuration(),
                     absl::StrCat("another user holds the client id ",
                                  Quoted(client_id))});
    }
  }
}

std::vector<ClientWarning> ClientTable::Warnings(ClientChannel& channel) {
  if (!may_warn_.load(std::memory_order_acquire)) return {};
  MutexLock lock(&mu_);
  if (channel.record_.port == nullptr) return {};
  return state_.TakeWarnings(channel.record_, /*only_news=*/false);
}

std::vector<ClientWarning> ClientTable::TakeNewWarnings(
    ClientChannel& channel) {
  MutexLock lock(&mu_);
  if (channel.record_.port == nullptr) return {};
  return state_.TakeWarnings(channel.record_, /*only_news=*/true);
}

bool ClientTable::Unregister(
    ClientChannel& channel, absl::string_view client_id,
    absl::Span<const absl::string_view> producer_groups,
    absl::Span<const absl::string_view> consumer_groups, absl::Time now,
    const ClientPrincipal& principal) {
  events_.AwaitRoom();
  Committed committed;
  {
    MutexLock lock(&mu_);
    if (!state_.MayActAs(channel.record_.client, principal)) return false;
    TableChange change = state_.BeginChange(now);
    state_.Unregister(channel.record_, client_id, producer_groups,
                      consumer_groups, &change);
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return true;
}

bool ClientTable::Close(ClientChannel& channel, RemovalReason reason,
                        absl::Time now) {
  // The bit first: from here on no heartbeat can bring the channel back.
  if (!channel.record_.liveness.Close()) return false;
  events_.AwaitRoom();
  Committed committed;
  {
    MutexLock lock(&mu_);
    TableChange change = state_.BeginChange(now);
    state_.Remove(channel.record_, reason, &change);
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return true;
}

void ClientTable::CloseChannels(absl::Span<const ClientChannelPtr> channels,
                                RemovalReason reason, absl::Time now,
                                std::vector<ClientChannelPtr>* closed) {
  events_.AwaitRoom();
  Committed committed;
  {
    MutexLock lock(&mu_);
    TableChange change = state_.BeginChange(now);
    for (const ClientChannelPtr& channel : channels.subspan(0, kMaxPiece)) {
      if (state_.Close(channel->record_, reason, &change)) {
        closed->push_back(channel);
      }
    }
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
}

bool ClientTable::CloseSome(RemovalReason reason, size_t max_channels,
                            absl::Time now,
                            std::vector<ClientChannelPtr>* closed) {
  events_.AwaitRoom();
  Committed committed;
  bool more;
  {
    MutexLock lock(&mu_);
    TableChange change = state_.BeginChange(now);
    for (size_t left = max_channels; left > 0 && !state_.open().empty();) {
      ChannelRecord& first = **state_.open().begin();
      ClientChannelPtr channel = first.port;
      if (!state_.Close(first, reason, &change)) continue;
      closed->push_back(std::move(channel));
      --left;
    }
    more = !state_.open().empty();
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return more;
}

void ClientTable::HoldMatching(const ChannelFilter& filter,
                               const ClientHold& hold, absl::Time now,
                               ChannelId* cursor,
                               std::vector<ClientChannelPtr>* matching) {
  MutexLock lock(&mu_);
  const auto take =
      [&](const ChannelRecord& channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        // If another call is closing the channel, its client is gone.
        if (channel.liveness.closed()) return;
        const absl::string_view opened_by =
            state_.clients().principals().NameOf(channel.principal);
        state_.holds().Add({channel.client->client_id(), channel.kind,
                            channel.incarnation, opened_by},
                           hold, now);
        matching->push_back(channel.port);
      };
  SearchOpen(state_, filter, ListOrder::kOldestFirst, /*max_found=*/kMaxPiece,
             /*max_work=*/kMaxPiece, cursor, take);
}

size_t ClientTable::ReleaseSome(absl::string_view client_id, absl::Time now,
                                bool* more) {
  MutexLock lock(&mu_);
  return state_.holds().Release(client_id, kMaxPiece, now, more);
}

absl::StatusOr<ClientChannelPtr> ClientTable::FindOrOpenStandIn(
    absl::string_view client_id, ClientChannelPtr channel, absl::Time now,
    absl::string_view principal) {
  MutexLock lock(&mu_);
  const ClientChannelPtr known = state_.FindStandIn(client_id);
  if (known != nullptr && (!known->record_.memberships.empty() ||
                           state_.clients().principals().NameOf(
                               known->record_.principal) == principal)) {
    return known;
  }
  const absl::Status opened =
      state_.Open(channel->record_, channel, principal, now);
  if (!opened.ok()) return opened;
  if (known != nullptr) {
    TableChange change = state_.BeginChange(now);
    state_.Close(known->record_, RemovalReason::kDisconnected, &change);
    // It is in no group, so there are no events.
    (void)CommitLocked(std::move(change));
  }
  state_.BindStandIn(channel->record_, client_id);
  return channel;
}

ClientChannelPtr ClientTable::NextAvailableProducer(absl::string_view group) {
  MutexLock lock(&mu_);
  return state_.NextAvailableProducer(group);
}

ExpiryOutlook ClientTable::Outlook() const {
  MutexLock lock(&mu_);
  return state_.Outlook();
}

AcknowledgeOutcome ClientTable::Acknowledge(ClientChannel& channel,
                                            absl::string_view group,
                                            uint64_t epoch, absl::Time now,
                                            bool* push_is_due) {
  MutexLock lock(&mu_);
  return AcknowledgeEpoch(state_.consumers().groups().Find(group),
                          channel.record_, epoch, now, push_is_due);
}

void ClientTable::ListPushTargets(const PushRound& round, absl::Time now,
                                  size_t max, MemberCursor* cursor,
                                  std::vector<PushTarget>* targets) {
  MutexLock lock(&mu_);
  ConsumerGroup* const group = state_.consumers().groups().Find(round.group);
  if (group == nullptr) {
    *cursor = 0;
    return;
  }
  ListTargetsOf(*group, round, now, std::min(max, kMaxPiece), cursor, targets);
}

std::vector<std::string> ClientTable::MarkUnacknowledged(
    ClientChannel& channel) {
  MutexLock lock(&mu_);
  std::vector<std::string> groups = MarkUnacknowledgedIn(channel.record_);
  // It may have come since the client was told.
  if (state_.HasNews(channel.record_)) {
    channel.record_.liveness.SetAttention(true);
  }
  return groups;
}

void ClientTable::RaiseHeardFloor(absl::Time now) {
  MutexLock lock(&mu_);
  state_.RaiseHeardFloor(now);
}

void ClientTable::BeginScan(absl::Time now) {
  MutexLock lock(&mu_);
  state_.BeginScan(now);
}

bool ClientTable::ScanSome(absl::Time now, size_t max_channels,
                           std::vector<ClientChannelPtr>* ended) {
  events_.AwaitRoom();
  Committed committed;
  bool more = true;
  {
    MutexLock lock(&mu_);
    TableChange change = state_.BeginChange(now);
    for (size_t looked = 0; more && looked < max_channels; ++looked) {
      more = state_.ExpireNext(ended, &change);
    }
    more |= state_.ReportInconsistencies(max_channels, &change);
    state_.holds().DropEnded(now, static_cast<int>(kMaxPiece));
    committed = CommitLocked(std::move(change));
  }
  Finish(committed, now);
  return more;
}

ClientTable::Committed ClientTable::CommitLocked(TableChange change) {
  state_.EndChange(change);
  if (change.repeats_matter()) {
    statement_changes_.fetch_add(1, std::memory_order_release);
  }
  may_warn_.store(state_.MayWarn(), std::memory_order_release);
  const bool has_events = change.has_events();
  if (has_events) events_.Append(std::move(change).TakeEvents());
  return {has_events, state_.HasUnsettled()};
}

void ClientTable::Finish(Committed committed, absl::Time now) {
  bool has_events = committed.has_events;
  while (committed.has_unsettled) {
    MutexLock lock(&mu_);
    TableChange change = state_.BeginChange(now);
    state_.Settle(&change);
    committed = CommitLocked(std::move(change));
    has_events |= committed.has_events;
  }
  if (has_events) events_.Deliver();
}

}  // namespace rmq
