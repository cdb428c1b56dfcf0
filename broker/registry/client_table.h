// Who is connected: the channels, their groups, and the events of both.
//
// ClientTable is the lock over TableState. A full heartbeat is applied under
// one hold of the lock and has one revision. A light heartbeat does not come
// here: see ClientChannel::RenewLight(). Each change leaves as ClientEvents,
// which are delivered in order and with no lock held: before the call that made
// them returns, or by another call that is delivering already.
//
// Reference: ConsumerManager.java and ProducerManager.java.
#ifndef BROKER_REGISTRY_CLIENT_TABLE_H_
#define BROKER_REGISTRY_CLIENT_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/acknowledge.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/channel_expiries.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_holds.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/push_round.h"
#include "broker/registry/table_change.h"
#include "broker/registry/table_options.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/table_state.h"

namespace rmq {

// Thread-safe. Listeners are called with no lock held and may call back in.
// Ownership: the table holds a reference to every open channel; listeners are
// borrowed and outlive the table.
class ClientTable : public TableQueries {
 public:
  using Options = TableOptions;

  // `options` must validate.
  ClientTable(const Options& options,
              std::vector<ClientEventListener*> listeners);

  const Options& options() const { return options_; }

  // --- Channels ---

  // How many groups that its later statements left out a channel keeps until
  // they expire.
  static constexpr size_t kMaxLeftOutGroups = TableState::kMaxLeftOutGroups;

  // ResourceExhausted, as Open() has it, if there is no room for another
  // channel of `principal` (empty: anonymous) at `remote_address` at this
  // moment.
  absl::Status CheckRoom(absl::string_view principal,
                         absl::string_view remote_address)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Opens a channel that has not been opened before, of `principal` (empty:
  // anonymous). From now on its silence
  // counts. ResourceExhausted if max_channels are open, or
  // max_channels_per_address of the channel's principal, or from its address if
  // it is anonymous. A channel counts until it is removed.
  absl::Status Open(ClientChannelPtr channel, absl::Time now,
                    absl::string_view principal = {}) ABSL_LOCKS_EXCLUDED(mu_);

  // Applies a full heartbeat of an open channel: consumers first, then
  // producers, as Java. A group of an earlier statement that this statement
  // leaves out keeps the time at which it was last stated, and expires alone;
  // if there are more than kMaxLeftOutGroups, those that the channel joined
  // first expire at once. The first full heartbeat of a stream replaces older
  // streams of the same client and incarnation (not 0): they are closed and
  // ended with kReplaced. What another principal has bound to the id counts as
  // no other stream of it; it is closed once the id has a holder. Reference:
  // ClientManageProcessor#heartBeat. Differs:
  // atomic, so that no scan comes between a group and its new member; a closed
  // channel registers nothing; what a statement does not name is not renewed by
  // it, and a newer stream replaces the older one at once.
  RegisterResult Register(ClientChannel& channel,
                          const AdmittedStatement& admitted, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // A number that grows whenever something changes that every full heartbeat
  // sets anew: the modes of a consumer group, or its notification switch. If
  // the number is what it was before a channel's last statement, and the token
  // of that statement is current, then a heartbeat that repeats the statement
  // changes nothing but the time, and ClientChannel::RenewRepeated() is enough.
  uint64_t statement_changes() const {
    return statement_changes_.load(std::memory_order_acquire);
  }

  // All warnings about the client of `channel` that hold now, for the answer to
  // a full heartbeat that is not applied since it repeats the last one. Takes
  // no lock if there is no warning about any client.
  std::vector<ClientWarning> Warnings(ClientChannel& channel)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Those of them that the client has not been told. It counts as told.
  std::vector<ClientWarning> TakeNewWarnings(ClientChannel& channel)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Removes the channel from producer and consumer groups, in one change.
  // Groups that the channel is not in are ignored. A stand-in that is left
  // without a group is closed. Events have `client_id` as it is given here.
  // Returns false, and has done nothing, if another principal holds the client
  // id of the channel.
  // Reference: ClientManageProcessor#unregisterClient. Differs: an unregister
  // by a stranger makes no event; many groups at once.
  bool Unregister(ClientChannel& channel, absl::string_view client_id,
                  absl::Span<const absl::string_view> producer_groups,
                  absl::Span<const absl::string_view> consumer_groups,
                  absl::Time now, const ClientPrincipal& principal = {})
      ABSL_LOCKS_EXCLUDED(mu_);

  // Closes a channel and removes it from all its groups: O(its groups). True if
  // it was open. Does not call End(). Reference: #doChannelCloseEvent of both
  // managers. Differs: what the client has registered on a newer channel stays,
  // and no other group is looked at.
  bool Close(ClientChannel& channel, RemovalReason reason, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The same for up to kMaxPiece channels under one hold of the lock, in one
  // change. `closed` gets those that were open, in the order in which they are
  // given; the caller ends them.
  void CloseChannels(absl::Span<const ClientChannelPtr> channels,
                     RemovalReason reason, absl::Time now,
                     std::vector<ClientChannelPtr>* closed)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Closes up to `max_channels` channels, those that were opened first, and
  // removes them. Returns whether more are open. `closed` gets the channels;
  // the caller ends them.
  bool CloseSome(RemovalReason reason, size_t max_channels, absl::Time now,
                 std::vector<ClientChannelPtr>* closed)
      ABSL_LOCKS_EXCLUDED(mu_);

  // One piece of a kick: finds open channels that meet `filter` after `*cursor`
  // (0: from the beginning), in the order of opening, and holds their clients:
  // from now on Register() turns them away until `hold.until`. A client that
  // opens a channel meanwhile either is held, or has a channel that a later
  // piece finds. Adds the channels to `matching`; the caller closes them. Moves
  // the cursor; sets it to 0 after the last.
  void HoldMatching(const ChannelFilter& filter, const ClientHold& hold,
                    absl::Time now, ChannelId* cursor,
                    std::vector<ClientChannelPtr>* matching)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Lets clients in that HoldMatching() holds: up to kMaxPiece holds of the
  // client id, or of any client if it is empty. Returns how many there were.
  // `*more`: there may be more.
  size_t ReleaseSome(absl::string_view client_id, absl::Time now, bool* more)
      ABSL_LOCKS_EXCLUDED(mu_);

  // FindStandIn(); if there is none, `channel` is opened and becomes the
  // client's stand-in. ResourceExhausted as Open(). A stand-in that gets no
  // group by its first heartbeat goes at once. One that is in no group yet, and
  // that another principal has opened, is closed, and `channel` takes its
  // place: of several whose first heartbeats are under way, the one that gets
  // the id has opened its channel, and pays for it.
  absl::StatusOr<ClientChannelPtr> FindOrOpenStandIn(
      absl::string_view client_id, ClientChannelPtr channel, absl::Time now,
      absl::string_view principal = {}) ABSL_LOCKS_EXCLUDED(mu_);

  // --- Expiry (called by Housekeeping) ---

  // When to look at the table next.
  ExpiryOutlook Outlook() const ABSL_LOCKS_EXCLUDED(mu_);

  // Sets what is called, with no lock held, when a client has asked for a
  // shorter expiry than any before, or for one that makes something due earlier
  // than all else: Outlook() tells earlier times then. `now` is that of the
  // heartbeat. Called once, before other threads use the table.
  using SoonerListener = std::function<void(absl::Time now)>;
  void set_sooner_listener(SoonerListener listener) {
    on_sooner_ = std::move(listener);
  }

  // From now on no channel and no left-out group counts as heard before `now`:
  // the broker itself was away.
  void RaiseHeardFloor(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Begins a scan: what may have expired at `now` becomes due.
  void BeginScan(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Looks at up to `max_channels` due channels: expires those silent for longer
  // than the expiry, and memberships left out for longer; files the others
  // again. Reports as many inconsistent groups whose grace is over. Returns
  // whether more are due. `ended` gets the channels that were closed; the
  // caller ends them with kExpired.
  bool ScanSome(absl::Time now, size_t max_channels,
                std::vector<ClientChannelPtr>* ended) ABSL_LOCKS_EXCLUDED(mu_);

  // --- Pushes and acknowledgments ---

  // `channel` holds the list of the group's client ids at `epoch`. Never moves
  // back. `*push_is_due`: the channel is behind, and nothing that it has been
  // pushed in this membership tells it who is there: it is marked, and the
  // caller has the group pushed. A channel that stays behind is marked again at
  // its next heartbeat: see MarkUnacknowledged().
  AcknowledgeOutcome Acknowledge(ClientChannel& channel,
                                 absl::string_view group, uint64_t epoch,
                                 absl::Time now, bool* push_is_due)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) members after `*cursor` to which `round`
  // may push, in the order in which the channels were opened; moves the cursor,
  // and sets it to 0 after the last. Members that joined after the round's
  // epoch are left out. The caller pushes to them: their marks are taken back;
  // those that have acknowledged and are behind get attention() until they have
  // caught up.
  void ListPushTargets(const PushRound& round, absl::Time now, size_t max,
                       MemberCursor* cursor, std::vector<PushTarget>* targets)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Marks `channel` to be pushed again in the groups in which it is behind what
  // it should know. Returns these groups, which the caller has pushed. If there
  // are none, and no new warnings, the channel needs no attention() any more.
  std::vector<std::string> MarkUnacknowledged(ClientChannel& channel)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The group's channels in turn, the writable ones first; null if there is
  // none. Reference: ProducerManager#getAvailableChannel.
  ClientChannelPtr NextAvailableProducer(absl::string_view group)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Closes and ends who has tried a client id, in vain, that somebody holds
  // now.
  void CloseStrangers(absl::string_view client_id, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // What a change leaves to be done without the lock.
  struct Committed {
    bool has_events = false;
    bool has_unsettled = false;
  };
  // Ends a change, or a piece of one, and queues its events.
  Committed CommitLocked(TableChange change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Looks at members of large groups, in pieces, and delivers events.
  void Finish(Committed committed, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant after construction.
  const Options options_;
  SoonerListener on_sooner_;

  // Written under mu_, read without.
  std::atomic<uint64_t> statement_changes_{0};
  // Whether there may be a warning about some client.
  std::atomic<bool> may_warn_{false};
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CLIENT_TABLE_H_
