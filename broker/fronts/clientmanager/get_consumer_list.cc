#include "broker/fronts/clientmanager/get_consumer_list.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/clientmanager/settling.h"
#include "broker/fronts/page_token.h"

namespace rmq {
namespace {

// Where a page begins: behind a channel, in the list at an epoch of a broker
// process. The default is the first page.
struct PageStart {
  MemberCursor cursor = 0;
  uint64_t epoch = 0;
  uint64_t incarnation = 0;
};

// A token is "CURSOR@EPOCH@INCARNATION", the last in hexadecimal; an empty one
// is the first page's.
std::string PageToken(const PageStart& start) {
  return absl::StrCat(start.cursor, "@", start.epoch, "@",
                      absl::Hex(start.incarnation));
}

absl::StatusOr<PageStart> ParsePageStart(absl::string_view token) {
  PageStart start;
  if (token.empty()) return start;
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '@');
  // Numbers may be written in other ways, as " 7"; no token is.
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &start.cursor) ||
      !absl::SimpleAtoi(parts[1], &start.epoch) ||
      !absl::SimpleHexAtoi(parts[2], &start.incarnation) || start.cursor == 0 ||
      start.epoch == 0 || PageToken(start) != token) {
    return NotAPageToken(token);
  }
  return start;
}

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
  const absl::StatusOr<PageStart> start = ParsePageStart(request.page_token());
  if (!start.ok()) return FromStatus(start.status());
  const uint64_t incarnation = call.broker.identity.incarnation;
  if (start->epoch != 0 && start->incarnation != incarnation) {
    return {absl::StatusCode::kAborted, ResponseCode::kSystemError,
            "page_token is that of another broker, or of an earlier process of "
            "this one; ask for the first page again"};
  }

  const absl::Duration settles_in = call.broker.settled_at - call.context.now;
  ConsumerList list = call.broker.processor.GetConsumerListByGroup(
      request.group(), *page_size, start->cursor, start->epoch);
  if (!list.status.ok()) {
    if (list.status.code == absl::StatusCode::kNotFound &&
        settles_in > absl::ZeroDuration()) {
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
  if (list.next != 0) {
    response->set_next_page_token(
        PageToken({list.next, list.epoch, incarnation}));
  }
  response->set_epoch(list.epoch);
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
