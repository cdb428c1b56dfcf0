#include "broker/fronts/admin/connection_methods.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/admin/no_such_group.h"
#include "broker/fronts/page_token.h"

namespace rmq {
namespace {

// A page of the members of one group, as the connections and the
// next_page_token of `response`.
template <typename Request, typename Response>
CallStatus ListConnections(const AdminCall& call, GroupKind kind,
                           const Request& request, Response* response) {
  const absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> begin =
      ParseMemberPageToken(request.page_token());
  if (!begin.ok()) return FromStatus(begin.status());

  MemberCursor cursor = *begin;
  const std::vector<MemberInfo> members =
      call.broker.table.ListMembers(kind, request.group(), *page_size, &cursor);
  if (members.empty() && *begin == 0) {
    return NoSuchGroup(kind, request.group());
  }
  for (const MemberInfo& member : members) {
    FillConnection(member, call.broker.clock, response->add_connections());
  }
  response->set_next_page_token(MemberPageToken(cursor));
  return {};
}

CallStatus GetConsumerConnectionList(
    const AdminCall& call, const pb::GetConsumerConnectionListRequest& request,
    pb::GetConsumerConnectionListResponse* response) {
  const CallStatus status =
      ListConnections(call, GroupKind::kConsumer, request, response);
  if (!status.ok()) return status;
  const absl::optional<ConsumerGroupInfo> group =
      call.broker.table.FindConsumerGroup(request.group());
  if (!group.has_value()) return {};  // Its last member left just now.
  response->set_consume_type(
      static_cast<pb::ConsumeType>(group->modes.consume_type));
  response->set_message_model(
      static_cast<pb::MessageModel>(group->modes.message_model));
  response->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(group->modes.consume_from_where));
  if (!request.page_token().empty()) return {};
  // Subscriptions are on the first page only, in the order of their topics.
  absl::btree_map<absl::string_view, const SubscriptionData*> by_topic;
  for (const auto& [topic, subscription] : *group->subscriptions) {
    by_topic.emplace(topic, &subscription);
  }
  for (const auto& [topic, subscription] : by_topic) {
    FillSubscription(topic, *subscription, response->add_subscriptions());
  }
  return {};
}

CallStatus GetProducerConnectionList(
    const AdminCall& call, const pb::GetProducerConnectionListRequest& request,
    pb::GetProducerConnectionListResponse* response) {
  return ListConnections(call, GroupKind::kProducer, request, response);
}

// Where a page of the whole producer table begins: at the member `cursor` of
// `group`; if `cursor` is 0, at the first member of the group behind it.
struct ProducerPageStart {
  std::string group;
  MemberCursor cursor = 0;
};

// A token is "CURSOR@GROUP"; an empty one is the first page's.
absl::StatusOr<ProducerPageStart> ParseProducerPageToken(
    absl::string_view token) {
  ProducerPageStart start;
  if (token.empty()) return start;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(token, absl::MaxSplits('@', 1));
  if (!absl::SimpleAtoi(parts.first, &start.cursor) || parts.second.empty()) {
    return NotAPageToken(token);
  }
  start.group = std::string(parts.second);
  return start;
}

std::string ProducerPageToken(const ProducerPageStart& start) {
  return absl::StrCat(start.cursor, "@", start.group);
}

CallStatus GetAllProducerInfo(const AdminCall& call,
                              const pb::GetAllProducerInfoRequest& request,
                              pb::GetAllProducerInfoResponse* response) {
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  absl::StatusOr<ProducerPageStart> start =
      ParseProducerPageToken(request.page_token());
  if (!start.ok()) return FromStatus(start.status());

  auto& [group, cursor] = *start;
  size_t room = *page_size;
  while (true) {
    if (cursor == 0) {  // `group` is done: the next one.
      const std::vector<ProducerGroupInfo> next =
          call.broker.table.ListProducerGroups(group, 1);
      if (next.empty()) return {};
      if (room == 0) break;
      group = next.front().group;
    }
    for (const MemberInfo& member : call.broker.table.ListMembers(
             GroupKind::kProducer, group, room, &cursor)) {
      pb::ProducerInfo* const producer = response->add_producers();
      producer->set_group(group);
      FillConnection(member, call.broker.clock, producer->mutable_connection());
      --room;
    }
    if (cursor != 0) break;
  }
  response->set_next_page_token(ProducerPageToken(*start));
  return {};
}

}  // namespace

AdminMethods ConnectionMethods() {
  return {MethodOf(GetConsumerConnectionList),
          MethodOf(GetProducerConnectionList), MethodOf(GetAllProducerInfo)};
}

}  // namespace rmq
