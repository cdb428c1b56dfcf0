#include "broker/registry/table_queries.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/btree_set.h"
#include "broker/registry/channel_record.h"
#include "broker/registry/channel_summary.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/membership_reader.h"
#include "broker/registry/producer_registry.h"
#include "broker/registry/registered_group.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

bool AnyWantsUnchangedRegister(
    const std::vector<ClientEventListener*>& listeners) {
  return absl::c_any_of(listeners, [](const ClientEventListener* listener) {
    return listener->WantsUnchangedRegister();
  });
}

ConsumerGroupInfo InfoOf(const ConsumerGroup& group) {
  return {group.name, group.statement.modes(), group.statement.subscriptions(),
          group.members.size(), group.epoch};
}

ProducerGroupInfo InfoOf(const ProducerGroup& group) {
  return {group.name, group.members.size()};
}

template <typename Info, typename G>
std::vector<Info> ListGroups(const GroupTable<G>& groups,
                             absl::string_view after, size_t max) {
  std::vector<Info> listed;
  max = std::min(max, TableQueries::kMaxPiece);
  groups.VisitAfter(after, [&](const G& group) {
    if (listed.size() == max) return false;
    listed.push_back(InfoOf(group));
    return true;
  });
  return listed;
}

// Calls `visit` for up to `max` channels after `*cursor` and moves it.
template <typename Visit>
void VisitChannels(const absl::btree_set<ChannelRecord*, ByChannelId>& channels,
                   size_t max, MemberCursor* cursor, Visit visit) {
  const MemberCursor after = std::exchange(*cursor, 0);
  max = std::min(max, TableQueries::kMaxPiece);
  auto channel = channels.upper_bound(after);
  MemberCursor last = after;
  for (size_t i = 0; i < max && channel != channels.end(); ++i) {
    visit(**channel);
    last = (*channel)->id;
    ++channel;
  }
  if (channel != channels.end()) *cursor = last;
}

// The same for the members of a group, which may be null.
template <typename Visit>
void VisitMembers(const RegisteredGroup* group, size_t max,
                  MemberCursor* cursor, Visit visit) {
  if (group == nullptr) {
    *cursor = 0;
    return;
  }
  VisitChannels(group->members, max, cursor, visit);
}

MemberInfo MemberOf(const ChannelRecord& channel,
                    const Membership& membership) {
  return {channel.port,
          std::string(channel.ClientOf(membership).client_id()),
          membership.language,
          membership.version,
          channel.LastStated(membership),
          channel.labels()};
}

}  // namespace

TableQueries::TableQueries(const TableOptions& options,
                           std::vector<ClientEventListener*> listeners)
    : state_(options, AnyWantsUnchangedRegister(listeners)),
      events_(std::move(listeners)) {}

absl::optional<ConsumerGroupInfo> TableQueries::FindConsumerGroup(
    absl::string_view name) const {
  MutexLock lock(&mu_);
  const ConsumerGroup* const group = state_.consumers().groups().Find(name);
  if (group == nullptr) return absl::nullopt;
  return InfoOf(*group);
}

absl::optional<ProducerGroupInfo> TableQueries::FindProducerGroup(
    absl::string_view name) const {
  MutexLock lock(&mu_);
  const ProducerGroup* const group = state_.producers().groups().Find(name);
  if (group == nullptr) return absl::nullopt;
  return InfoOf(*group);
}

std::vector<MemberInfo> TableQueries::ListMembers(GroupKind kind,
                                                  absl::string_view name,
                                                  size_t max,
                                                  MemberCursor* cursor) const {
  std::vector<MemberInfo> members;
  MutexLock lock(&mu_);
  const RegisteredGroup* const group = state_.FindGroup(kind, name);
  VisitMembers(group, max, cursor, [&](ChannelRecord& channel) {
    size_t hint = 0;
    const Membership& membership = *GroupMembers::Find(channel, *group, &hint);
    members.push_back(MemberOf(channel, membership));
    mu_.AssertHeld();
    members.back().principal = std::string(state_.PrincipalOf(channel));
  });
  return members;
}

MembershipPiece TableQueries::ListMemberships(GroupKind kind,
                                              absl::string_view group,
                                              ChannelId after, bool only_group,
                                              size_t max) const {
  MembershipPiece piece;
  max = std::min(max, kMaxPiece);
  MutexLock lock(&mu_);
  piece.revision = state_.last_event_revision();
  piece.is_last = true;
  const auto add = [&](const RegisteredGroup& of, MemberCursor cursor) {
    auto member = of.members.upper_bound(cursor);
    for (; member != of.members.end(); ++member) {
      if (piece.members.size() == max) {
        piece.is_last = false;
        return false;
      }
      size_t hint = 0;
      piece.members.push_back(
          {of.name,
           MemberOf(**member, *GroupMembers::Find(**member, of, &hint))});
    }
    return true;
  };
  const RegisteredGroup* const first = state_.FindGroup(kind, group);
  if (first != nullptr && !add(*first, after)) return piece;
  const auto add_all = [&add](const RegisteredGroup& of) { return add(of, 0); };
  if (only_group) return piece;
  if (kind == GroupKind::kConsumer) {
    state_.consumers().groups().VisitAfter(group, add_all);
  } else {
    state_.producers().groups().VisitAfter(group, add_all);
  }
  return piece;
}

void TableQueries::ListChannels(absl::string_view consumer_group, size_t max,
                                MemberCursor* cursor,
                                std::vector<ClientChannelPtr>* channels) const {
  MutexLock lock(&mu_);
  VisitMembers(
      state_.consumers().groups().Find(consumer_group), max, cursor,
      [&](ChannelRecord& channel) { channels->push_back(channel.port); });
}

std::vector<MembershipMember> TableQueries::ListMembership(
    absl::string_view consumer_group, size_t max, MemberCursor* cursor,
    uint64_t* epoch) const {
  std::vector<MembershipMember> members;
  MutexLock lock(&mu_);
  const ConsumerGroup* const group =
      state_.consumers().groups().Find(consumer_group);
  *epoch = group == nullptr ? 0 : group->epoch;
  VisitMembers(group, max, cursor, [&](ChannelRecord& channel) {
    size_t hint = 0;
    const Membership& membership = *GroupMembers::Find(channel, *group, &hint);
    MembershipMember& member = members.emplace_back();
    member.member = MemberOf(channel, membership);
    member.joined = membership.joined;
    if (const auto* const entry = group->acknowledgments.Find(channel)) {
      member.acknowledged = entry->epoch;
      member.behind_since = entry->behind_since;
    }
  });
  return members;
}

ClientIdList TableQueries::ListClientIdsAt(absl::string_view consumer_group,
                                           uint64_t epoch, size_t max,
                                           MemberCursor* cursor) const {
  ClientIdList list;
  list.epoch = epoch;
  max = std::min(max, kMaxPiece);
  do {
    MutexLock lock(&mu_);
    const absl::optional<GroupView> view =
        GroupView::Of(state_.consumers(), consumer_group);
    if (list.epoch == 0) {
      if (!view.has_value() || view->group == nullptr) {
        *cursor = 0;
        return list;
      }
      list.epoch = view->epoch;
    }
    if (!view.has_value() || !view->Knows(list.epoch)) {
      *cursor = 0;
      list.outcome = ClientIdList::Outcome::kGone;
      list.client_ids.clear();
      return list;
    }
    VisitListAt(*view, list.epoch, max - list.client_ids.size(), cursor,
                [&](absl::string_view client_id, uint64_t /*joined*/) {
                  list.client_ids.emplace_back(client_id);
                });
    // Those who joined later were looked at, and are not in the list.
  } while (*cursor != 0 && list.client_ids.size() < max);
  list.outcome = ClientIdList::Outcome::kListed;
  return list;
}

absl::optional<MembershipSnapshot> TableQueries::ReadMembership(
    absl::string_view consumer_group) const {
  MembershipReader reader;
  for (bool more = true; more;) {
    MutexLock lock(&mu_);
    more = reader.ReadSome(GroupView::Of(state_.consumers(), consumer_group),
                           kMaxPiece);
  }
  return std::move(reader).Take();
}

std::vector<ConsumerGroupInfo> TableQueries::ListConsumerGroups(
    absl::string_view after, size_t max) const {
  MutexLock lock(&mu_);
  return ListGroups<ConsumerGroupInfo>(state_.consumers().groups(), after, max);
}

std::vector<ProducerGroupInfo> TableQueries::ListProducerGroups(
    absl::string_view after, size_t max) const {
  MutexLock lock(&mu_);
  return ListGroups<ProducerGroupInfo>(state_.producers().groups(), after, max);
}

std::vector<ConsumerGroupEpoch> TableQueries::GroupEpochs(
    const ClientChannel& channel) const {
  std::vector<ConsumerGroupEpoch> epochs;
  MutexLock lock(&mu_);
  for (const Membership& membership : channel.record_.memberships) {
    if (membership.group->kind != GroupKind::kConsumer || membership.left_out) {
      continue;
    }
    const auto& group = static_cast<const ConsumerGroup&>(*membership.group);
    epochs.push_back({group.name, group.epoch});
  }
  return epochs;
}

ClientChannelPtr TableQueries::FindConsumerChannel(
    absl::string_view group_name, absl::string_view client_id) const {
  for (ClientEntry::Place place = ClientEntry::kBeforeAll;;) {
    MutexLock lock(&mu_);
    const ConsumerGroup* const group =
        state_.consumers().groups().Find(group_name);
    const ClientEntry* const client = state_.clients().Find(client_id);
    if (group == nullptr || client == nullptr) return nullptr;
    for (size_t i = 0; i < kMaxPiece; ++i) {
      ChannelRecord* const channel = client->Next(&place);
      if (channel == nullptr) return nullptr;
      size_t hint = 0;
      const Membership* const membership =
          GroupMembers::Find(*channel, *group, &hint);
      if (membership != nullptr && &channel->ClientOf(*membership) == client) {
        return channel->port;
      }
    }
  }
}

ClientChannelPtr TableQueries::FindProducerChannel(
    absl::string_view client_id) const {
  for (ClientEntry::Place place = ClientEntry::kAfterAll;;) {
    MutexLock lock(&mu_);
    const ClientEntry* const client = state_.clients().Find(client_id);
    if (client == nullptr) return nullptr;
    for (size_t i = 0; i < kMaxPiece; ++i) {
      ChannelRecord* const channel = client->Previous(&place);
      if (channel == nullptr) return nullptr;
      if (ProducerRegistry::IsProducer(*channel, *client)) {
        return channel->port;
      }
    }
  }
}

absl::optional<SubscriptionData> TableQueries::FindSubscription(
    absl::string_view group_name, absl::string_view topic) const {
  MutexLock lock(&mu_);
  const ConsumerGroup* const group =
      state_.consumers().groups().Find(group_name);
  if (group == nullptr) return absl::nullopt;
  const SubscriptionTable& subscriptions = *group->statement.subscriptions();
  const auto found = subscriptions.find(topic);
  if (found == subscriptions.end()) return absl::nullopt;
  return found->second;
}

std::vector<std::string> TableQueries::GroupsOfTopic(absl::string_view topic,
                                                     absl::string_view after,
                                                     size_t max) const {
  std::vector<std::string> listed;
  max = std::min(max, kMaxPiece);
  MutexLock lock(&mu_);
  const auto& groups = state_.consumers().GroupsOfTopic(topic);
  for (auto group = groups.upper_bound(after);
       group != groups.end() && listed.size() < max; ++group) {
    listed.emplace_back(*group);
  }
  return listed;
}

TableQueries::Counts TableQueries::counts() const {
  MutexLock lock(&mu_);
  return {state_.open().size(),
          state_.consumers().groups().size(),
          state_.producers().groups().size(),
          events_.size(),
          state_.duplicates().size(),
          state_.consumers().inconsistent().reported(),
          state_.holds().size(),
          state_.closed().counts(),
          state_.refusals()};
}

std::vector<DuplicateClientInfo> TableQueries::ListDuplicateClientIds(
    absl::string_view after, size_t max) const {
  MutexLock lock(&mu_);
  return ListDuplicates(state_, after, std::min(max, kMaxDuplicates));
}

absl::optional<ConsistencyInfo> TableQueries::FindConsistency(
    absl::string_view group) const {
  absl::optional<ConsistencyInfo> info;
  {
    MutexLock lock(&mu_);
    info = rmq::FindConsistency(state_, group);
  }
  if (!info.has_value()) return info;
  MemberCursor cursor = 0;
  for (bool more = true; more;) {
    MutexLock lock(&mu_);
    more = CollectClientIds(state_, group, kMaxPiece, &cursor, &*info);
  }
  return info;
}

std::vector<ClientChannelPtr> TableQueries::ListOpenChannels(
    size_t max, MemberCursor* cursor) const {
  std::vector<ClientChannelPtr> channels;
  MutexLock lock(&mu_);
  VisitChannels(state_.open(), max, cursor, [&](const ChannelRecord& channel) {
    channels.push_back(channel.port);
  });
  return channels;
}

size_t TableQueries::FindChannels(const ChannelFilter& filter, ListOrder order,
                                  size_t max, ChannelId* cursor,
                                  std::vector<FoundChannel>* found) const {
  MutexLock lock(&mu_);
  return SearchOpen(state_, filter, order, std::min(max, kMaxPiece), kMaxPiece,
                    cursor, [this, found](const ChannelRecord& channel) {
                      mu_.AssertHeld();
                      ChannelSummary summary = SummaryOf(channel);
                      summary.principal =
                          std::string(state_.PrincipalOf(channel));
                      found->push_back({channel.port, std::move(summary)});
                    });
}

size_t TableQueries::FindClosedChannels(
    const ChannelFilter& filter, ListOrder order, size_t max, uint64_t* cursor,
    std::vector<ClosedChannelPtr>* found) const {
  MutexLock lock(&mu_);
  return SearchClosed(state_.closed(), filter, order, std::min(max, kMaxPiece),
                      kMaxPiece, cursor, found);
}

ClientChannelPtr TableQueries::FindStandIn(absl::string_view client_id) const {
  MutexLock lock(&mu_);
  return state_.FindStandIn(client_id);
}

bool TableQueries::IsHeldByAnother(absl::string_view client_id,
                                   absl::string_view principal) const {
  MutexLock lock(&mu_);
  return state_.clients().HasOwners() &&
         state_.IsHeldByAnother(state_.clients().Find(client_id), principal);
}

}  // namespace rmq
