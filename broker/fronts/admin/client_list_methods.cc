#include "broker/fronts/admin/client_list_methods.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/admin/client_criteria.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/page_token.h"
#include "broker/fronts/proto_time.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/channel_search.h"
#include "broker/registry/channel_summary.h"
#include "broker/registry/closed_channels.h"
#include "common/rpc/server/payer_rates.h"

namespace rmq {
namespace {

using Filter = pb::ClientFilter;
using Request = pb::ListClientsRequest;
using Response = pb::ListClientsResponse;

// The work of a page: see SearchOpen(). A page of work that finds nothing takes
// some milliseconds.
constexpr size_t kMostWork = 32'000;
// So much of it counts as a row of the address's rate.
constexpr size_t kWorkOfARow = 8;

struct Search {
  ChannelFilter filter;
  bool is_closed = false;
  ListOrder order = ListOrder::kOldestFirst;
  // Which filter, state and order a token is of.
  size_t fingerprint = 0;
  uint64_t cursor = 0;
};

absl::Status CheckEnums(const Request& request) {
  if (!Filter::State_IsValid(request.filter().state())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "filter.state must be STATE_OPEN or STATE_RECENTLY_CLOSED, got ",
        static_cast<int>(request.filter().state())));
  }
  if (!Request::Order_IsValid(request.order())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "order must be ORDER_OLDEST_FIRST or ORDER_NEWEST_FIRST, got ",
        static_cast<int>(request.order())));
  }
  return absl::OkStatus();
}

// A token is "FINGERPRINT.CURSOR".
absl::Status ParseToken(const std::string& token, Search* search) {
  if (token.empty()) return absl::OkStatus();
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(token, absl::MaxSplits('.', 1));
  size_t fingerprint;
  if (!absl::SimpleAtoi(parts.first, &fingerprint) ||
      !absl::SimpleAtoi(parts.second, &search->cursor) || search->cursor == 0) {
    return NotAPageToken(token);
  }
  if (fingerprint != search->fingerprint) {
    return absl::InvalidArgumentError(absl::StrCat(
        "page_token must be of the same filter and order, and of this broker "
        "process, got ",
        Quoted(token)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Search> ParseSearch(const Request& request,
                                   const Limits& limits) {
  absl::Status form = CheckEnums(request);
  if (!form.ok()) return form;
  absl::StatusOr<ChannelFilter> filter =
      ParseCriteria(request.filter(), limits);
  if (!filter.ok()) return filter.status();
  Search search;
  search.filter = *std::move(filter);
  search.is_closed = request.filter().state() == Filter::STATE_RECENTLY_CLOSED;
  search.order = request.order() == Request::ORDER_NEWEST_FIRST
                     ? ListOrder::kNewestFirst
                     : ListOrder::kOldestFirst;
  search.fingerprint = absl::HashOf(Describe(search.filter), search.is_closed,
                                    search.order == ListOrder::kNewestFirst);
  form = ParseToken(request.page_token(), &search);
  if (!form.ok()) return form;
  return search;
}

void FillSummary(const ChannelSummary& summary, pb::ListedClient* message) {
  message->set_client_id(summary.client_id);
  const ChannelGroups& groups = summary.groups;
  message->set_language(static_cast<pb::LanguageCode>(groups.language));
  message->set_version(groups.version);
  FillLabels(summary.labels, message->mutable_labels());
  for (const std::string& group : groups.consumers) {
    message->add_consumer_groups(group);
  }
  for (const std::string& group : groups.producers) {
    message->add_producer_groups(group);
  }
  message->set_groups_left_out(static_cast<int64_t>(groups.left_out));
  message->set_principal(summary.principal);
}

void FillClosed(const ClosedChannel& closed, Clock& clock,
                pb::ListedClient* message) {
  const ChannelSummary& summary = closed.summary;
  FillSummary(summary, message);
  pb::Channel& channel = *message->mutable_channel();
  channel.set_channel_id(summary.id);
  channel.set_remote_address(summary.remote_address);
  channel.set_stream(summary.kind == ChannelKind::kStream);
  FillTimestamp(clock.ClockToWall(summary.opened_at),
                channel.mutable_opened_at());
  FillTimestamp(clock.ClockToWall(closed.closed_at),
                message->mutable_closed_at());
  message->set_reason(
      static_cast<pb::RemovalReason>(static_cast<int>(closed.reason) + 1));
}

// Searches until there are `max` rows, or the page's work is done. Returns the
// work.
template <typename Row, typename FindSome>
size_t FindRows(size_t max, uint64_t* cursor, std::vector<Row>* rows,
                FindSome find_some) {
  size_t work = 0;
  do {
    work += find_some(max - rows->size(), cursor, rows);
  } while (*cursor != 0 && rows->size() < max && work < kMostWork);
  return work;
}

size_t FillOpenPage(const AdminBroker& broker, size_t page_size, Search* search,
                    Response* response) {
  std::vector<FoundChannel> rows;
  const size_t work =
      FindRows(page_size, &search->cursor, &rows,
               [&](size_t max, uint64_t* cursor, auto* found) {
                 return broker.table.FindChannels(search->filter, search->order,
                                                  max, cursor, found);
               });
  for (const FoundChannel& row : rows) {
    pb::ListedClient* const message = response->add_clients();
    FillSummary(row.summary, message);
    FillChannel(*row.channel, broker.clock, message->mutable_channel());
  }
  return work;
}

size_t FillClosedPage(const AdminBroker& broker, size_t page_size,
                      Search* search, Response* response) {
  std::vector<ClosedChannelPtr> rows;
  const size_t work =
      FindRows(page_size, &search->cursor, &rows,
               [&](size_t max, uint64_t* cursor, auto* found) {
                 return broker.table.FindClosedChannels(
                     search->filter, search->order, max, cursor, found);
               });
  for (const ClosedChannelPtr& row : rows) {
    FillClosed(*row, broker.clock, response->add_clients());
  }
  return work;
}

CallStatus ListClients(const AdminCall& call, const Request& request,
                       Response* response) {
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  absl::StatusOr<Search> search = ParseSearch(request, call.broker.limits);
  if (!search.ok()) return FromStatus(search.status());
  const size_t work =
      search->is_closed
          ? FillClosedPage(call.broker, *page_size, &*search, response)
          : FillOpenPage(call.broker, *page_size, &*search, response);
  // Beside the rows, so that a flood of searches for nobody is bounded too.
  call.broker.rates.Take(PayerRates::Kind::kRows, call.context.peer.payer(),
                         static_cast<int64_t>(work / kWorkOfARow),
                         call.context.now);
  if (search->cursor != 0) {
    response->set_next_page_token(
        absl::StrCat(search->fingerprint, ".", search->cursor));
  }
  return {};
}

}  // namespace

AdminMethods ClientListMethods() { return {MethodOf(ListClients)}; }

}  // namespace rmq
