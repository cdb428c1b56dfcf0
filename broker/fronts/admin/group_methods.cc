#include "broker/fronts/admin/group_methods.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/admin/name_page.h"

namespace rmq {
namespace {

void FillModes(const ConsumerModes& modes, pb::GroupSummary* message) {
  message->set_consume_type(static_cast<pb::ConsumeType>(modes.consume_type));
  message->set_message_model(
      static_cast<pb::MessageModel>(modes.message_model));
  message->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(modes.consume_from_where));
}

CallStatus ListGroups(const AdminCall& call,
                      const pb::ListGroupsRequest& request,
                      pb::ListGroupsResponse* response) {
  size_t max = 0;
  const CallStatus form =
      ParseNamePage(request.page_size(), request.page_token(), &max);
  if (!form.ok()) return form;

  const auto name_of = [](const auto& group) { return group.group; };
  switch (request.kind()) {
    case pb::GROUP_KIND_PRODUCER: {
      const std::vector<ProducerGroupInfo> groups = ListPage(
          request.page_token(), max,
          [&](absl::string_view after, size_t most) {
            return call.broker.table.ListProducerGroups(after, most);
          },
          name_of, response->mutable_next_page_token());
      for (const ProducerGroupInfo& group : groups) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
      }
      return {};
    }
    case pb::GROUP_KIND_CONSUMER: {
      const std::vector<ConsumerGroupInfo> groups = ListPage(
          request.page_token(), max,
          [&](absl::string_view after, size_t most) {
            return call.broker.table.ListConsumerGroups(after, most);
          },
          name_of, response->mutable_next_page_token());
      for (const ConsumerGroupInfo& group : groups) {
        pb::GroupSummary* const summary = response->add_groups();
        summary->set_group(group.group);
        summary->set_channels(static_cast<int64_t>(group.channels));
        FillModes(group.modes, summary);
        summary->set_subscriptions(
            static_cast<int32_t>(group.subscriptions->size()));
      }
      return {};
    }
    default:
      return BadForm(absl::StrCat(
          "kind must be GROUP_KIND_PRODUCER or GROUP_KIND_CONSUMER, got ",
          static_cast<int>(request.kind())));
  }
}

CallStatus GetGroupOnline(const AdminCall& call,
                          const pb::GetGroupOnlineRequest& request,
                          pb::GetGroupOnlineResponse* response) {
  const absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const ClientTable& table = call.broker.table;
  response->set_producer(table.FindProducerGroup(request.group()).has_value());
  response->set_consumer(table.FindConsumerGroup(request.group()).has_value());
  return {};
}

}  // namespace

AdminMethods GroupMethods() {
  return {MethodOf(ListGroups), MethodOf(GetGroupOnline)};
}

}  // namespace rmq
