#include "broker/service/admin_handler.h"

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"

namespace rmq {
namespace {

CallStatus NoSuchGroup(GroupKind kind, absl::string_view group) {
  return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
          absl::StrCat("no ", Name(kind), " group ", Quoted(group),
                       " is registered")};
}

void FillModes(const ConsumerModes& modes, pb::GroupSummary* message) {
  message->set_consume_type(static_cast<pb::ConsumeType>(modes.consume_type));
  message->set_message_model(
      static_cast<pb::MessageModel>(modes.message_model));
  message->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(modes.consume_from_where));
}

}  // namespace

CallStatus AdminHandler::ListGroups(absl::string_view peer,
                                    const pb::ListGroupsRequest& request,
                                    pb::ListGroupsResponse* response) {
  const CallStatus allowed = authorizer_.Check({peer, "ListGroups", "", {}});
  if (!allowed.ok()) return allowed;
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::Status token = ValidateNamePageToken(request.page_token());
  if (!token.ok()) return FromStatus(token);

  switch (request.kind()) {
    case pb::GROUP_KIND_PRODUCER:
      for (const ProducerGroupInfo& group :
           table_.ListProducerGroups(request.page_token(), *page_size)) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
      }
      break;
    case pb::GROUP_KIND_CONSUMER:
      for (const ConsumerGroupInfo& group :
           table_.ListConsumerGroups(request.page_token(), *page_size)) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
        FillModes(group.modes, summary);
        summary->set_subscriptions(
            static_cast<int32_t>(group.subscriptions->size()));
      }
      break;
    default:
      return BadForm(absl::StrCat(
          "kind must be GROUP_KIND_PRODUCER or GROUP_KIND_CONSUMER, got ",
          static_cast<int>(request.kind())));
  }
  if (static_cast<size_t>(response->groups_size()) == *page_size) {
    response->set_next_page_token(
        response->groups(response->groups_size() - 1).group());
  }
  return {};
}

template <typename Request, typename Response>
CallStatus AdminHandler::ListConnections(absl::string_view peer,
                                         absl::string_view call, GroupKind kind,
                                         const Request& request,
                                         Response* response) {
  const absl::string_view group = request.group();
  CallStatus status = authorizer_.Check({peer, call, "", {group}});
  if (!status.ok()) return status;
  status = FromStatus(ValidateGroup("group", group, limits_));
  if (!status.ok()) return status;
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> begin =
      ParseMemberPageToken(request.page_token());
  if (!begin.ok()) return FromStatus(begin.status());

  MemberCursor cursor = *begin;
  const std::vector<MemberInfo> members =
      table_.ListMembers(kind, group, *page_size, &cursor);
  if (members.empty() && *begin == 0) return NoSuchGroup(kind, group);
  for (const MemberInfo& member : members) {
    FillConnection(member, clock_, response->add_connections());
  }
  response->set_next_page_token(MemberPageToken(cursor));
  return {};
}

CallStatus AdminHandler::GetConsumerConnectionList(
    absl::string_view peer, const pb::GetConsumerConnectionListRequest& request,
    pb::GetConsumerConnectionListResponse* response) {
  const CallStatus status =
      ListConnections(peer, "GetConsumerConnectionList", GroupKind::kConsumer,
                      request, response);
  if (!status.ok()) return status;
  const absl::optional<ConsumerGroupInfo> group =
      table_.FindConsumerGroup(request.group());
  if (!group.has_value()) return {};  // Its last member left just now.
  response->set_consume_type(
      static_cast<pb::ConsumeType>(group->modes.consume_type));
  response->set_message_model(
      static_cast<pb::MessageModel>(group->modes.message_model));
  response->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(group->modes.consume_from_where));
  if (!request.page_token().empty()) return {};
  const absl::btree_map<absl::string_view, const Subscription*> by_topic = [&] {
    absl::btree_map<absl::string_view, const Subscription*> sorted;
    for (const auto& [topic, subscription] : *group->subscriptions) {
      sorted.emplace(topic, &subscription);
    }
    return sorted;
  }();
  for (const auto& [topic, subscription] : by_topic) {
    FillSubscription(topic, *subscription, response->add_subscriptions());
  }
  return {};
}

CallStatus AdminHandler::GetProducerConnectionList(
    absl::string_view peer, const pb::GetProducerConnectionListRequest& request,
    pb::GetProducerConnectionListResponse* response) {
  return ListConnections(peer, "GetProducerConnectionList",
                         GroupKind::kProducer, request, response);
}

}  // namespace rmq
