#include "tools/cmctl/broker_view.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

// What the broker takes.
constexpr int64_t kLargestPage = 1000;

// The type of a subscription that nobody states.
constexpr absl::string_view kInferredType = "INFERRED";

// The answer to `request`, of the type that answers it.
template <typename Response>
absl::StatusOr<Response> AskFor(const Ask& ask,
                                const google::protobuf::Message& request) {
  const auto answer = ask(request);
  if (!answer.ok()) return answer.status();
  return static_cast<const Response&>(**answer);
}

std::string Expression(const pb::SubscriptionData& subscription) {
  const std::string type = subscription.expression_type().empty()
                               ? "TAG"
                               : subscription.expression_type();
  if (type != "TAG") {
    return absl::StrCat(type, " ", subscription.expression());
  }
  std::set<absl::string_view> tags;
  for (absl::string_view tag :
       absl::StrSplit(subscription.expression(), "||")) {
    tag = absl::StripAsciiWhitespace(tag);
    if (!tag.empty()) tags.insert(tag);
  }
  return absl::StrCat("TAG ", tags.empty() ? "*" : absl::StrJoin(tags, " || "));
}

absl::Status ReadFacts(const Ask& ask, absl::Time (*now)(), BrokerView* view) {
  const absl::Time asked = now();
  absl::StatusOr<pb::GetBrokerResponse> facts =
      AskFor<pb::GetBrokerResponse>(ask, pb::GetBrokerRequest());
  if (!facts.ok()) return facts.status();
  const absl::Duration took = now() - asked;
  view->facts = *std::move(facts);
  view->has_facts = true;
  view->clock_error = took / 2;
  view->clock_ahead = ToTime(view->facts.now()) - (asked + took / 2);
  return absl::OkStatus();
}

void AddClient(const pb::ListedClient& listed, BrokerView* view) {
  ClientView& client = view->clients[listed.client_id()];
  const absl::Time opened = ToTime(listed.channel().opened_at());
  client.opened = std::max(client.opened, opened);
  view->last_change = std::max(view->last_change, opened);
  for (const std::string& group : listed.consumer_groups()) {
    client.groups.insert(absl::StrCat("consumer group ", group));
  }
  for (const std::string& group : listed.producer_groups()) {
    client.groups.insert(absl::StrCat("producer group ", group));
  }
  client.has_more_groups =
      client.has_more_groups || listed.groups_left_out() > 0;
}

absl::Status ReadClients(const Ask& ask, int64_t limit, BrokerView* view) {
  pb::ListClientsRequest request;
  int64_t channels = 0;
  do {
    if (channels >= limit) {
      view->has_more_clients = true;
      break;
    }
    request.set_page_size(
        static_cast<int32_t>(std::min(limit - channels, kLargestPage)));
    const auto page = AskFor<pb::ListClientsResponse>(ask, request);
    if (!page.ok()) return page.status();
    for (const pb::ListedClient& client : page->clients()) {
      AddClient(client, view);
    }
    channels += page->clients_size();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());

  pb::ListClientsRequest closed;
  closed.mutable_filter()->set_state(pb::ClientFilter::STATE_RECENTLY_CLOSED);
  closed.set_order(pb::ListClientsRequest::ORDER_NEWEST_FIRST);
  closed.set_page_size(1);
  const auto last = AskFor<pb::ListClientsResponse>(ask, closed);
  if (!last.ok()) return last.status();
  for (const pb::ListedClient& client : last->clients()) {
    view->last_change = std::max(view->last_change, ToTime(client.closed_at()));
  }
  return absl::OkStatus();
}

// The modes and subscriptions stand on the first page of the connections.
absl::Status ReadGroup(const Ask& ask, const std::string& name,
                       BrokerView* view) {
  pb::GetConsumerConnectionListRequest request;
  request.set_group(name);
  request.set_page_size(1);
  const auto group =
      AskFor<pb::GetConsumerConnectionListResponse>(ask, request);
  // Its last member has just left.
  if (absl::IsNotFound(group.status())) return absl::OkStatus();
  if (!group.ok()) return group.status();
  GroupView& seen = view->groups[name];
  const TableTime no_time = {absl::InfinitePast(), absl::UTCTimeZone()};
  seen.modes = absl::StrCat(CellOf(*group, "message_model", no_time), ", ",
                            CellOf(*group, "consume_type", no_time));
  for (const pb::SubscriptionData& subscription : group->subscriptions()) {
    if (subscription.expression_type() == kInferredType) {
      seen.inferred_topics.insert(subscription.topic());
      continue;
    }
    seen.subscriptions.push_back(
        absl::StrCat(subscription.topic(), " ", Expression(subscription)));
  }
  std::sort(seen.subscriptions.begin(), seen.subscriptions.end());
  return absl::OkStatus();
}

absl::Status ReadGroups(const Ask& ask, int64_t limit, BrokerView* view) {
  pb::ListGroupsRequest request;
  request.set_kind(pb::GROUP_KIND_CONSUMER);
  request.set_page_size(static_cast<int32_t>(std::min(limit, kLargestPage)));
  const auto page = AskFor<pb::ListGroupsResponse>(ask, request);
  if (!page.ok()) return page.status();
  view->has_more_groups = !page->next_page_token().empty();
  for (const pb::GroupSummary& group : page->groups()) {
    const absl::Status status = ReadGroup(ask, group.group(), view);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

bool BrokerView::is_comparable() const {
  return status.ok() && facts.state() == pb::GetBrokerResponse::STATE_SERVING &&
         !facts.has_settling_until();
}

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) +
         absl::Nanoseconds(timestamp.nanos());
}

BrokerView ReadBroker(const AskedBroker& broker, const ViewLimits& limits,
                      absl::Time (*now)()) {
  BrokerView view;
  view.label = broker.target.label;
  view.status = ReadFacts(broker.ask, now, &view);
  if (view.status.ok()) {
    view.status = ReadClients(broker.ask, limits.clients, &view);
  }
  if (view.status.ok()) {
    view.status = ReadGroups(broker.ask, limits.groups, &view);
  }
  return view;
}

}  // namespace rmq::cmctl
