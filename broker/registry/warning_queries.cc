#include "broker/registry/warning_queries.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "broker/registry/client_directory.h"
#include "broker/registry/consumer_registry.h"
#include "broker/registry/duplicate_clients.h"
#include "broker/registry/group_consistency.h"
#include "broker/registry/registered_group.h"

namespace rmq {
namespace {

size_t BytesOf(const StatementForm& form) {
  size_t bytes = 0;
  for (const StatementForm::Topic& topic : form.topics) {
    bytes += topic.topic.size() + topic.expression.size();
  }
  return bytes;
}

}  // namespace

std::vector<DuplicateClientInfo> ListDuplicates(const TableState& state,
                                                absl::string_view after,
                                                size_t max) {
  std::vector<DuplicateClientInfo> listed;
  state.duplicates().VisitAfter(
      after, [&](const DuplicateClients::Duplicate& duplicate) {
        if (listed.size() == max) return false;
        DuplicateClientInfo& info = listed.emplace_back();
        info.client_id = std::string(duplicate.client->client_id());
        info.since = duplicate.since;
        info.streams = duplicate.client->incarnated_streams();
        for (const ChannelRecord* const stream :
             duplicate.client->IncarnatedStreams(
                 DuplicateClientInfo::kMostChannels)) {
          info.channels.push_back(stream->port);
        }
        return true;
      });
  return listed;
}

absl::optional<ConsistencyInfo> FindConsistency(const TableState& state,
                                                absl::string_view name) {
  const ConsumerGroup* const group = state.consumers().groups().Find(name);
  if (group == nullptr) return absl::nullopt;
  ConsistencyInfo info;
  info.is_consistent = group->consistency.is_consistent();
  if (!info.is_consistent) {
    info.inconsistent_since = group->consistency.inconsistent_since();
  }
  size_t subscriptions = 0;
  size_t bytes = 0;
  group->consistency.VisitCamps([&](const GroupConsistency::Camp& camp) {
    const StatementForm& form = camp.statement.form();
    subscriptions += form.topics.size();
    bytes += BytesOf(form);
    // The reference is always copied.
    const bool is_full = !info.camps.empty() &&
                         (info.camps.size() == ConsistencyInfo::kMostCamps ||
                          subscriptions > ConsistencyInfo::kMostSubscriptions ||
                          bytes > ConsistencyInfo::kMostBytes);
    if (is_full) {
      info.camps_left_out = group->consistency.camps() - info.camps.size();
      return false;
    }
    StatementCampInfo& copied = info.camps.emplace_back();
    copied.form = form;
    copied.members = camp.members;
    copied.stated_since = camp.stated_since;
    copied.number = camp.number;
    return true;
  });
  return info;
}

bool CollectClientIds(const TableState& state, absl::string_view name,
                      size_t max, ChannelId* cursor, ConsistencyInfo* info) {
  const ConsumerGroup* const group = state.consumers().groups().Find(name);
  if (group == nullptr) return false;
  auto member = group->members.upper_bound(*cursor);
  for (; max > 0 && member != group->members.end(); ++member, --max) {
    ChannelRecord& channel = **member;
    *cursor = channel.id;
    size_t hint = 0;
    const Membership& membership = *GroupMembers::Find(channel, *group, &hint);
    const uint64_t number = group->consistency.CampOf(membership.statement);
    const auto camp =
        absl::c_find_if(info->camps, [number](const StatementCampInfo& other) {
          return other.number == number;
        });
    if (camp == info->camps.end() ||
        camp->client_ids.size() == StatementCampInfo::kMostClientIds) {
      continue;
    }
    const absl::string_view client_id =
        channel.ClientOf(membership).client_id();
    if (!absl::c_linear_search(camp->client_ids, client_id)) {
      camp->client_ids.emplace_back(client_id);
    }
  }
  const bool all_full =
      absl::c_all_of(info->camps, [](const StatementCampInfo& camp) {
        return camp.client_ids.size() == StatementCampInfo::kMostClientIds;
      });
  return !all_full && member != group->members.end();
}

}  // namespace rmq
