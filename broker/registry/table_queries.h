// Look-ups of who is connected.
#ifndef BROKER_REGISTRY_TABLE_QUERIES_H_
#define BROKER_REGISTRY_TABLE_QUERIES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/closed_channels.h"
#include "broker/registry/event_queue.h"
#include "broker/registry/labels.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/subscription_table.h"
#include "broker/registry/table_state.h"
#include "broker/registry/warning_queries.h"
#include "common/client_types.h"

namespace rmq {

// A channel's record in a group, copied out.
struct MemberInfo {
  ClientChannelPtr channel;
  std::string client_id;
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  // When the channel last stated the group, in full or by token.
  absl::Time last_heard;
  // The channel's.
  LabelsPtr labels;
  // TableState::PrincipalOf() the channel.
  std::string principal = {};
};

// A consumer group, copied out.
struct ConsumerGroupInfo {
  std::string group;
  ConsumerModes modes;
  SubscriptionTablePtr subscriptions;
  size_t channels = 0;
  uint64_t epoch = 0;
};

// The epoch of a consumer group, copied out.
struct ConsumerGroupEpoch {
  std::string group;
  uint64_t epoch = 0;
};

struct ProducerGroupInfo {
  std::string group;
  size_t channels = 0;
};

// A member of a consumer group and what it has acknowledged, copied out.
struct MembershipMember {
  MemberInfo member;
  // The epoch at which the client id joined the group.
  uint64_t joined = 0;
  // The epoch that the channel acknowledged last; 0: none.
  uint64_t acknowledged = 0;
  // Since when the channel has been told, or has said, that there is a later
  // one; InfiniteFuture if it has not.
  absl::Time behind_since = absl::InfiniteFuture();
};

// A piece of the list of client ids at one epoch.
struct ClientIdList {
  enum class Outcome {
    kListed,
    kNoGroup,  // No consumer is in the group.
    kGone,     // The list at that epoch is not known, or not any more.
  };
  Outcome outcome = Outcome::kNoGroup;
  uint64_t epoch = 0;
  std::vector<std::string> client_ids;
};

// A channel's membership in a group and what it states there, copied out.
struct MembershipInfo {
  GroupKind kind = GroupKind::kConsumer;
  std::string group;
  // When the channel last stated the group, in full or by token.
  absl::Time last_stated;
  LanguageCode language = LanguageCode::kUnspecified;
  int32_t version = 0;
  // Of a consumer group.
  ConsumerModes modes;
  SubscriptionTable subscriptions;
};

// A channel of a client, copied out.
struct ClientChannelInfo {
  ClientChannelPtr channel;
  // TableState::PrincipalOf() the channel.
  std::string principal;
  LabelsPtr labels;
  std::vector<MembershipInfo> memberships;
};

// A member of a producer group or consumer group, copied out.
struct GroupedMember {
  std::string group;
  MemberInfo member;
};

// A piece of the list of memberships of one kind.
struct MembershipPiece {
  // By group, then by channel id.
  std::vector<GroupedMember> members;
  // There are no more behind these.
  bool is_last = false;
  // Of the last change with events when the piece was read: the piece has what
  // the events up to this revision say, and nothing of later ones.
  uint64_t revision = 0;
};

// Where a listing of a client's channels continues. The default is the
// beginning.
struct ClientCursor {
  // Of the client's channels: see ClientEntry::Place.
  uint64_t place = 0;
  // The channel that was listed last, and the membership at which it continues;
  // 0: the channel was read whole.
  ChannelId channel = 0;
  size_t membership = 0;

  bool is_beginning() const { return channel == 0; }
};

// The channel after which a listing of members continues. 0 is the beginning.
using MemberCursor = ChannelId;

// The part of ClientTable that reads. A caller that changes nothing takes a
// `const TableQueries&`. Each look-up returns copies of what holds at the time
// of the call.
//
// Thread-safe. A look-up holds the table's lock for at most kMaxPiece channels
// or groups at a time.
class TableQueries {
 public:
  // At most this many are copied or looked at under one hold of the lock.
  static constexpr size_t kMaxPiece = 1000;

  absl::optional<ConsumerGroupInfo> FindConsumerGroup(
      absl::string_view group) const ABSL_LOCKS_EXCLUDED(mu_);
  absl::optional<ProducerGroupInfo> FindProducerGroup(
      absl::string_view group) const ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) members after `*cursor`, in the order in
  // which the channels were opened. Moves the cursor; sets it to 0 after the
  // last member. A member that stays while all pieces are read is read exactly
  // once. An unknown group has no members.
  std::vector<MemberInfo> ListMembers(GroupKind kind, absl::string_view group,
                                      size_t max, MemberCursor* cursor) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) memberships in groups of `kind`: those of
  // channels after `after` in `group` and, unless `only_group`, those in the
  // groups whose names are greater.
  MembershipPiece ListMemberships(GroupKind kind, absl::string_view group,
                                  ChannelId after, bool only_group,
                                  size_t max) const ABSL_LOCKS_EXCLUDED(mu_);

  // As ListMembers() for a consumer group's channels alone.
  void ListChannels(absl::string_view consumer_group, size_t max,
                    MemberCursor* cursor,
                    std::vector<ClientChannelPtr>* channels) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The same for a consumer group's members and what they have acknowledged.
  // `*epoch` becomes the group's.
  std::vector<MembershipMember> ListMembership(absl::string_view consumer_group,
                                               size_t max, MemberCursor* cursor,
                                               uint64_t* epoch) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Client ids of a consumer group as they were at `epoch`, 0: as they are now;
  // the answer tells the epoch. Up to `max` (at most kMaxPiece) after
  // `*cursor`, in the order of the channels; moves the cursor, and sets it to 0
  // after the last. So all pieces of one epoch make one list, whatever changes
  // meanwhile. A client id with several channels may be there several times,
  // and more than `max` are listed if one channel was there under several
  // client ids. kGone if the history does not reach back to the epoch.
  // Reference: ConsumerManageProcessor#getConsumerListByGroup.
  ClientIdList ListClientIdsAt(absl::string_view consumer_group, uint64_t epoch,
                               size_t max, MemberCursor* cursor) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Who is in a consumer group, and what has changed lately; nothing if nobody
  // is. Without changes if no member has acknowledged.
  absl::optional<MembershipSnapshot> ReadMembership(
      absl::string_view consumer_group) const ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) groups whose name is greater than `after`,
  // by name. After the last there are none.
  std::vector<ConsumerGroupInfo> ListConsumerGroups(absl::string_view after,
                                                    size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<ProducerGroupInfo> ListProducerGroups(absl::string_view after,
                                                    size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The epochs of the consumer groups that the latest full heartbeat of
  // `channel` states and that the channel is in.
  std::vector<ConsumerGroupEpoch> GroupEpochs(
      const ClientChannel& channel) const ABSL_LOCKS_EXCLUDED(mu_);

  // A channel of that client in the consumer group, or null.
  // Reference: ConsumerManager#findChannel.
  ClientChannelPtr FindConsumerChannel(absl::string_view group,
                                       absl::string_view client_id) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Of the channels at which the client is a producer, the one that joined a
  // producer group last, or null. Reference: ProducerManager#findChannel.
  ClientChannelPtr FindProducerChannel(absl::string_view client_id) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) open channels after `*cursor`, stand-ins
  // and streams, in the order of opening. Moves the cursor; sets it to 0 after
  // the last. A channel that stays open while all pieces are read is read
  // exactly once.
  std::vector<ClientChannelPtr> ListOpenChannels(size_t max,
                                                 MemberCursor* cursor) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // One piece of a search among open channels: SearchOpen() with up to `max`
  // (at most kMaxPiece) channels, and work of at most about kMaxPiece. Adds to
  // `found`; returns the work.
  size_t FindChannels(const ChannelFilter& filter, ListOrder order, size_t max,
                      ChannelId* cursor, std::vector<FoundChannel>* found) const
      ABSL_LOCKS_EXCLUDED(mu_);
  // The same among the channels that were closed last: SearchClosed().
  size_t FindClosedChannels(const ChannelFilter& filter, ListOrder order,
                            size_t max, uint64_t* cursor,
                            std::vector<ClosedChannelPtr>* found) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The channel that stands for the unary calls of `client_id`, or null.
  ClientChannelPtr FindStandIn(absl::string_view client_id) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether a user other than `principal` (empty: anonymous) holds the client
  // id. A look at one moment: ClientTable::Register() decides.
  bool IsHeldByAnother(absl::string_view client_id,
                       absl::string_view principal) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // The channels of `client_id` from `*cursor` on, each with its memberships
  // under that client id, in the order of the channels' first use. Ends behind
  // the membership with which the memberships and subscriptions are `max` (at
  // most kMaxPiece) together, and moves the cursor; sets it to the beginning
  // after the last channel. A channel whose memberships are not all read is the
  // first one of the next piece. A channel without memberships counts as one.
  // If channels of the client come, go or move while the pieces are read,
  // others may be missed or read twice.
  std::vector<ClientChannelInfo> ListClientChannels(absl::string_view client_id,
                                                    size_t max,
                                                    ClientCursor* cursor) const
      ABSL_LOCKS_EXCLUDED(mu_);

  absl::optional<SubscriptionData> FindSubscription(
      absl::string_view group, absl::string_view topic) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxPiece) consumer groups that subscribe to `topic`,
  // those whose name is greater than `after`, by name.
  // Reference: ConsumerManager#queryTopicConsumeByWho.
  std::vector<std::string> GroupsOfTopic(absl::string_view topic,
                                         absl::string_view after,
                                         size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` (at most kMaxDuplicates) client ids that several processes use,
  // those that are greater than `after`, in order.
  static constexpr size_t kMaxDuplicates =
      kMaxPiece / DuplicateClientInfo::kMostChannels;
  std::vector<DuplicateClientInfo> ListDuplicateClientIds(
      absl::string_view after, size_t max) const ABSL_LOCKS_EXCLUDED(mu_);

  // What the members of a consumer group state; nothing if there is no such
  // group. Client ids are those of members that are there while the pieces are
  // read.
  absl::optional<ConsistencyInfo> FindConsistency(absl::string_view group) const
      ABSL_LOCKS_EXCLUDED(mu_);

  struct Counts {
    size_t channels = 0;
    size_t consumer_groups = 0;
    size_t producer_groups = 0;
    size_t queued_events = 0;
    // Client ids that Connect streams of several processes use.
    size_t duplicate_client_ids = 0;
    // Groups that are reported to be inconsistent.
    size_t inconsistent_groups = 0;
    // Clients that are held, those included whose hold has just ended.
    size_t held_clients = 0;
    // Channels that were closed since the start, by reason.
    std::array<int64_t, kRemovalReasons> closed_channels = {};
    // Channels that were refused since the start.
    TableState::Refusals refusals;
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

  // EventQueue::IsDelivering().
  bool IsDelivering() const { return events_.IsDelivering(); }

 protected:
  // ClientTable, which changes what the look-ups read. `listeners` are borrowed
  // and outlive the table.
  TableQueries(const TableOptions& options,
               std::vector<ClientEventListener*> listeners);
  ~TableQueries() = default;
  TableQueries(const TableQueries&) = delete;
  TableQueries& operator=(const TableQueries&) = delete;

  mutable absl::Mutex mu_ ABSL_ACQUIRED_BEFORE(events_.mu());
  TableState state_ ABSL_GUARDED_BY(mu_);
  EventQueue events_;  // Synchronises itself.
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_TABLE_QUERIES_H_
