// What the table's lock guards: the channels, the groups that they are in, and
// when they expire.
#ifndef BROKER_REGISTRY_TABLE_STATE_H_
#define BROKER_REGISTRY_TABLE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/registry/admitted_statement.h"
#include "broker/registry/channel_expiries.h"
#include "broker/registry/channel_payers.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_holds.h"
#include "broker/registry/client_warning.h"
#include "broker/registry/closed_channels.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/registry/producer_registry.h"
#include "broker/registry/registered_group.h"
#include "broker/registry/statement.h"
#include "broker/registry/statement_tokens.h"
#include "broker/registry/table_change.h"
#include "broker/registry/table_options.h"
#include "common/payer.h"
#include "common/rate_limit.h"

namespace rmq {

// The state machine behind ClientTable, whose public methods say what each
// change means. A method with a `change` adds its events there.
//
// Invariants, between two changes: each open channel is in open(), holds its
// own reference (ChannelRecord::port) and is filed in the expiry index; each
// membership of a channel is in its group's members, and the other way round.
//
// Not thread-safe: ClientTable guards it by its lock.
class TableState {
 public:
  // See ClientTable::kMaxLeftOutGroups.
  static constexpr size_t kMaxLeftOutGroups = 256;
  // How many members a change may look at to find who comes next in a group, or
  // channels of a client to find strangers.
  static constexpr size_t kMaxLooks = 1000;

  // `unchanged_register` as for ConsumerRegistry.
  TableState(const TableOptions& options, bool unchanged_register);
  ~TableState();
  TableState(const TableState&) = delete;
  TableState& operator=(const TableState&) = delete;

  // --- Reading ---

  const TableOptions& options() const { return options_; }
  const ClientDirectory& clients() const { return clients_; }
  const ConsumerRegistry& consumers() const { return consumers_; }
  const ProducerRegistry& producers() const { return producers_; }
  const DuplicateClients& duplicates() const { return duplicates_; }
  const ClosedChannels& closed() const { return closed_; }
  const ClientHolds& holds() const { return holds_; }
  // Of the last change that made events; 0: none has.
  uint64_t last_event_revision() const { return last_event_revision_; }
  // Open channels, stand-ins included. A channel keeps its place while others
  // come and go, so the channels can be read in pieces.
  const absl::btree_set<ChannelRecord*, ByChannelId>& open() const {
    return open_;
  }

  // Whether somebody else than `principal` holds the client id of `entry`
  // (null: nobody does). What is anonymous is held by nobody.
  bool IsHeldByAnother(const ClientEntry* entry,
                       absl::string_view principal) const;
  // Whether `principal` may act as the client of `entry`: a user may take over
  // what nobody holds.
  bool MayActAs(const ClientEntry* entry,
                const ClientPrincipal& principal) const;
  // Who opened a channel; who holds its client id, if that is not known, as
  // while rules are tried out. Empty: anonymous.
  absl::string_view PrincipalOf(const ChannelRecord& channel) const;
  // Null if there is no such group.
  const RegisteredGroup* FindGroup(GroupKind kind,
                                   absl::string_view group) const;
  // The stand-in of `client_id`, or null.
  ClientChannelPtr FindStandIn(absl::string_view client_id) const;
  // Of channels, by the limit that refused them.
  struct Refusals {
    int64_t by_max_channels = 0;
    int64_t by_max_channels_per_address = 0;
  };
  const Refusals& refusals() const { return refusals_; }
  // When housekeeping has to look at the table.
  ExpiryOutlook Outlook() const;

  // --- Changes ---

  // Begins a change, or one piece of a long one.
  TableChange BeginChange(absl::Time now);
  // Counts the change if it takes a revision.
  void EndChange(const TableChange& change);
  // Whether a group waits for its members to be looked at, and the look, which
  // takes a change of its own.
  bool HasUnsettled() const { return consumers_.HasUnsettled(); }
  void Settle(TableChange* change) { consumers_.Settle(change); }

  // ResourceExhausted, and a refusal is counted, if there is no room for
  // another channel of `principal` (empty: anonymous) at `remote_address`.
  absl::Status CheckRoom(absl::string_view principal,
                         absl::string_view remote_address);
  // `record` is that of `channel`.
  absl::Status Open(ChannelRecord& record, ClientChannelPtr channel,
                    absl::string_view principal, absl::Time now);
  void BindStandIn(ChannelRecord& channel, absl::string_view client_id);

  // `replaced` gets the streams that were closed; the caller ends them.
  RegisterResult Register(ChannelRecord& channel,
                          const AdmittedStatement& admitted,
                          std::vector<ClientChannelPtr>* replaced,
                          TableChange* change);
  void Unregister(ChannelRecord& channel, absl::string_view client_id,
                  absl::Span<const absl::string_view> producer_groups,
                  absl::Span<const absl::string_view> consumer_groups,
                  TableChange* change);
  // Closes the channels of a client that are in no group, and that others have
  // opened than who holds the id: they tried it before, and would keep it from
  // being free when its holder goes. Looks at up to kMaxLooks channels after
  // `*place`, and moves it. `closed` gets them; the caller ends them. Returns
  // whether there may be more.
  bool CloseStrangers(absl::string_view client_id, ClientEntry::Place* place,
                      std::vector<ClientChannelPtr>* closed,
                      TableChange* change);
  // Takes a channel that is closed out of everything.
  void Remove(ChannelRecord& channel, RemovalReason reason,
              TableChange* change);
  // Closes and removes a channel. False if it was closed, or not open yet; if
  // another call is closing it, that call ends it.
  bool Close(ChannelRecord& channel, RemovalReason reason, TableChange* change);

  // Whom Register() turns away.
  ClientHolds& holds() { return holds_; }

  // The warnings about the client of an open channel, which counts as told.
  // `only_news`: those that it has not been told.
  std::vector<ClientWarning> TakeWarnings(ChannelRecord& channel,
                                          bool only_news);
  // Whether there may be a warning that the client has not been told.
  bool HasNews(const ChannelRecord& channel) const;
  // Whether there may be a warning about some client.
  bool MayWarn() const {
    return duplicates_.size() > 0 || consumers_.inconsistent().reported() > 0;
  }
  // Reports inconsistent groups whose grace is over: at most `max`. Returns
  // whether there are more.
  bool ReportInconsistencies(size_t max, TableChange* change);

  void RaiseHeardFloor(absl::Time now);
  void BeginScan(absl::Time now) { expiry_.CollectDue(now); }
  // Looks at the next due channel: expires what of it has expired and files it
  // again. `ended` gets the channel if it was closed itself. False if no
  // channel is due.
  bool ExpireNext(std::vector<ClientChannelPtr>* ended, TableChange* change);

  // See ClientTable::NextAvailableProducer().
  ClientChannelPtr NextAvailableProducer(absl::string_view group);

 private:
  using Records = absl::InlinedVector<ChannelRecord*, 1>;

  // Whether another principal holds the client id of a heartbeat; then a stream
  // without a client goes, and a stand-in without a group, and the outcome is
  // in `result`.
  bool RefuseIfOfAnother(ChannelRecord& channel,
                         const HeartbeatStatement& statement,
                         RegisterResult* result, TableChange* change);
  // Takes the channel out of the groups that it states and may not be in.
  void LeaveRefusedGroups(ChannelRecord& channel,
                          const HeartbeatStatement& statement,
                          TableChange* change);
  // Whether the client of a heartbeat is held; then the channel goes, unless it
  // is a stand-in that is in a group still, and the outcome is in `result`.
  bool RefuseIfHeld(ChannelRecord& channel, const HeartbeatStatement& statement,
                    RegisterResult* result, TableChange* change);
  // Who pays for an open channel.
  static Payer PayerOf(const ChannelRecord& channel);
  bool CountsPayers() const {
    return options_.channels_per_address() > 0 ||
           options_.max_statement_changes_per_address > 0;
  }
  // Whether a full heartbeat changes a statement before the channel, or its
  // payer, may do so again; then the outcome is in `result`.
  bool RefuseIfTooOften(ChannelRecord& channel,
                        const AdmittedStatement& admitted, absl::Time now,
                        RegisterResult* result) const;
  // Whether a full heartbeat would change the statement of a group that the
  // channel is in.
  bool ChangesStatement(ChannelRecord& channel,
                        const AdmittedStatement& admitted) const;
  // Binds `channel` to the client of its first full heartbeat. `replaced` gets
  // the older streams of that client, incarnation and principal. False, with
  // the outcome in `result`, if the stream must go: nothing is bound.
  bool BindStream(ChannelRecord& channel, ClientEntry& client,
                  const HeartbeatStatement& statement, Records* replaced,
                  RegisterResult* result, TableChange* change);
  // Binds the stream, and does what the policy says about streams of other
  // processes of its principal that use the same id. `is_known`: its process
  // has a stream of that id already. False if these stay and this one must go.
  bool BindAmongOthers(ChannelRecord& channel, ClientEntry& client,
                       uint64_t incarnation, bool is_known, Records* replaced,
                       RegisterResult* result, TableChange* change);
  void RegisterGroups(const AdmittedStatement& admitted, const Registrant& who,
                      RegisterResult* result, TableChange* change);
  // The channel's groups that its latest full heartbeat does not state are left
  // out from now on. `heard_before`: when the channel was heard before.
  void NoteLeftOut(ChannelRecord& channel, absl::Time heard_before,
                   TableChange* change);
  // Files anew a channel whose expiry has become shorter. It was heard at
  // `now`.
  void FileAnew(ChannelRecord& channel, absl::Time now);
  // Expires what is left out beyond kMaxLeftOutGroups.
  void DropExcessLeftOut(ChannelRecord& channel, TableChange* change);
  void UnregisterAll(ChannelRecord& channel, absl::string_view client_id,
                     GroupKind kind, absl::Span<const absl::string_view> groups,
                     TableChange* change);
  void RemoveMembership(ChannelRecord& channel, Membership& membership,
                        RemovalReason reason, TableChange* change);
  // The same; the event says `client_id`.
  void RemoveMembership(ChannelRecord& channel, Membership& membership,
                        RemovalReason reason, absl::string_view client_id,
                        TableChange* change);
  // Adds a channel to the closed ones while it is in its groups.
  void NoteClosed(const ChannelRecord& channel, RemovalReason reason,
                  absl::Time now);
  // Remove(), of a channel that the closed ones have already.
  void TakeOut(ChannelRecord& channel, RemovalReason reason,
               TableChange* change);
  void RemoveIdle(ChannelRecord& channel, RemovalReason reason,
                  TableChange* change);
  // Expires the memberships that were left out before `limit`. Returns when the
  // first of the others was stated, at most `earliest`.
  absl::Time ExpireLeftOut(ChannelRecord& channel, absl::Time limit,
                           absl::Time earliest, TableChange* change);

  const TableOptions options_;
  const Rate statement_change_rate_;

  // Before the registries, which use it.
  ClientDirectory clients_;
  DuplicateClients duplicates_;
  ConsumerRegistry consumers_;
  ProducerRegistry producers_;
  ChannelExpiries expiry_;
  absl::btree_set<ChannelRecord*, ByChannelId> open_;
  // Of open_; nothing unless CountsPayers().
  ChannelPayers payers_;
  Refusals refusals_;
  ClosedChannels closed_;
  ClientHolds holds_;
  ChannelId last_channel_id_ = 0;
  StatementTokens statement_tokens_;
  // Of the last change that took one.
  uint64_t revision_ = 0;
  uint64_t last_event_revision_ = 0;
  // How many were applied.
  uint64_t full_heartbeats_ = 0;
  absl::Time heard_floor_ = absl::InfinitePast();
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_TABLE_STATE_H_
