#include "broker/fronts/clientmanager/get_consumer_list.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/settling.h"
#include "broker/fronts/page_token.h"

namespace rmq {
namespace {

CallResources ListResources(const pb::GetConsumerListByGroupRequest& request) {
  CallResources resources;
  resources.groups.push_back(request.group());
  return resources;
}

CallStatus GetConsumerListByGroup(
    const ClientCall& call, const pb::GetConsumerListByGroupRequest& request,
    pb::GetConsumerListByGroupResponse* response) {
  const absl::Status group =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!group.ok()) return FromStatus(group);
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> cursor =
      ParseMemberPageToken(request.page_token());
  if (!cursor.ok()) return FromStatus(cursor.status());

  const absl::Duration settles_in = call.broker.settled_at - call.context.now;
  ConsumerList list = call.broker.processor.GetConsumerListByGroup(
      request.group(), *page_size, *cursor);
  if (!list.status.ok()) {
    if (settles_in > absl::ZeroDuration()) {
      absl::StrAppend(
          &list.status.message, "; the broker is settling for ",
          absl::FormatDuration(absl::Ceil(settles_in, absl::Milliseconds(100))),
          " more");
    }
    return std::move(list.status);
  }
  for (std::string& client_id : list.client_ids) {
    response->add_client_ids(std::move(client_id));
  }
  response->set_next_page_token(MemberPageToken(list.next));
  response->set_broker_name(call.broker.identity.broker_name);
  response->set_broker_id(call.broker.identity.broker_id);
  FillSettling(call.broker.settled_at, call.context.now, response);
  return {};
}

}  // namespace

ClientRequest GetConsumerListKind() {
  ClientRequestOptions options;
  options.weight = MethodTable::Weight::kResponseRows;
  return RequestOf(GetConsumerListByGroup, ListResources, options);
}

}  // namespace rmq
