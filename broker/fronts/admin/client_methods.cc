#include "broker/fronts/admin/client_methods.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/page_token.h"
#include "broker/fronts/proto_time.h"

namespace rmq {
namespace {

// A token is "PLACE.CHANNEL.MEMBERSHIP"; an empty one is the first page's.
absl::StatusOr<ClientCursor> ParseClientPageToken(absl::string_view token) {
  ClientCursor cursor;
  if (token.empty()) return cursor;
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &cursor.place) ||
      !absl::SimpleAtoi(parts[1], &cursor.channel) ||
      !absl::SimpleAtoi(parts[2], &cursor.membership) ||
      cursor.is_beginning()) {
    return NotAPageToken(token);
  }
  return cursor;
}

std::string ClientPageToken(const ClientCursor& cursor) {
  if (cursor.is_beginning()) return "";
  return absl::StrCat(cursor.place, ".", cursor.channel, ".",
                      cursor.membership);
}

void FillGroup(const MembershipInfo& membership, Clock& clock,
               pb::StatedGroup* message) {
  message->set_group(membership.group);
  FillTimestamp(clock.ClockToWall(membership.last_stated),
                message->mutable_last_stated_at());
  message->set_language(static_cast<pb::LanguageCode>(membership.language));
  message->set_version(membership.version);
  message->set_consume_type(
      static_cast<pb::ConsumeType>(membership.modes.consume_type));
  message->set_message_model(
      static_cast<pb::MessageModel>(membership.modes.message_model));
  message->set_consume_from_where(
      static_cast<pb::ConsumeFromWhere>(membership.modes.consume_from_where));
  for (const auto& [topic, subscription] : membership.subscriptions) {
    FillSubscription(topic, subscription, message->add_subscriptions());
  }
}

CallStatus GetClient(const AdminCall& call, const pb::GetClientRequest& request,
                     pb::GetClientResponse* response) {
  const absl::Status form =
      ValidateClientId("client_id", request.client_id(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  absl::StatusOr<ClientCursor> cursor =
      ParseClientPageToken(request.page_token());
  if (!cursor.ok()) return FromStatus(cursor.status());

  const bool is_first_page = cursor->is_beginning();
  const std::vector<ClientChannelInfo> channels =
      call.broker.table.ListClientChannels(request.client_id(), *page_size,
                                           &*cursor);
  if (channels.empty() && is_first_page) {
    return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(request.client_id()),
                         " has no channel")};
  }
  for (const ClientChannelInfo& info : channels) {
    pb::ClientChannel* const channel = response->add_channels();
    FillChannel(*info.channel, call.broker.clock, channel->mutable_channel());
    FillLabels(info.labels, channel->mutable_labels());
    channel->set_principal(info.principal);
    for (const MembershipInfo& membership : info.memberships) {
      FillGroup(membership, call.broker.clock,
                membership.kind == GroupKind::kConsumer
                    ? channel->add_consumer_groups()
                    : channel->add_producer_groups());
    }
  }
  response->set_next_page_token(ClientPageToken(*cursor));
  return {};
}

}  // namespace

AdminMethods ClientMethods() { return {MethodOf(GetClient)}; }

}  // namespace rmq
