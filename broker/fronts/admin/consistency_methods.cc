#include "broker/fronts/admin/consistency_methods.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/admin/no_such_group.h"
#include "broker/fronts/duplicate_streams.h"
#include "broker/fronts/page_token.h"
#include "broker/fronts/proto_time.h"
#include "broker/registry/consistency_rule.h"
#include "broker/registry/subscription_table.h"
#include "broker/registry/warning_queries.h"

namespace rmq {
namespace {

using ConsistencyResponse = pb::GetSubscriptionConsistencyResponse;

void FillPolicy(const AdminBroker& broker, const std::string& group,
                ConsistencyResponse* response) {
  const absl::optional<SubscriptionGroupConfig> config =
      broker.policy.FindSubscriptionGroup(group);
  const ConsistencyRule rule =
      config.has_value() ? config->consistency : ConsistencyRule();
  response->set_policy(rule.policy == ConsistencyRule::Policy::kReject
                           ? ConsistencyResponse::POLICY_REJECT
                           : ConsistencyResponse::POLICY_REPORT);
  FillDuration(rule.grace, response->mutable_inconsistency_grace());
}

void FillStatement(StatementCampInfo camp, Clock& clock,
                   pb::GroupStatement* message) {
  message->set_consume_type(
      static_cast<pb::ConsumeType>(camp.form.consume_type));
  message->set_message_model(
      static_cast<pb::MessageModel>(camp.form.message_model));
  for (const StatementForm::Topic& topic : camp.form.topics) {
    FillSubscription(topic.topic,
                     SubscriptionData{topic.expression, topic.expression_type,
                                      /*sub_version=*/0},
                     message->add_subscriptions());
  }
  message->set_members(static_cast<int64_t>(camp.members));
  for (std::string& client_id : camp.client_ids) {
    message->add_client_ids(std::move(client_id));
  }
  FillTimestamp(clock.ClockToWall(camp.stated_since),
                message->mutable_stated_since());
}

CallStatus GetSubscriptionConsistency(
    const AdminCall& call, const pb::GetSubscriptionConsistencyRequest& request,
    ConsistencyResponse* response) {
  const absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  absl::optional<ConsistencyInfo> info =
      call.broker.table.FindConsistency(request.group());
  if (!info.has_value()) {
    return NoSuchGroup(GroupKind::kConsumer, request.group());
  }
  response->set_group(request.group());
  response->set_consistent(info->is_consistent);
  if (!info->is_consistent) {
    FillTimestamp(call.broker.clock.ClockToWall(info->inconsistent_since),
                  response->mutable_inconsistent_since());
  }
  FillPolicy(call.broker, request.group(), response);
  for (StatementCampInfo& camp : info->camps) {
    FillStatement(std::move(camp), call.broker.clock,
                  response->add_statements());
  }
  if (response->statements_size() > 0) {
    response->mutable_statements(0)->set_is_reference(true);
  }
  response->set_statements_left_out(static_cast<int64_t>(info->camps_left_out));
  return {};
}

// A token is this and the last id of the page before it.
constexpr absl::string_view kAfter = "after:";

using DuplicatesById = absl::btree_map<std::string, pb::DuplicateClientId>;

// Adds up to `max` client ids behind `after` that the table knows.
void AddOfTable(const AdminCall& call, std::string after, size_t max,
                DuplicatesById* found) {
  size_t listed = 0;
  while (listed < max) {
    const std::vector<DuplicateClientInfo> piece =
        call.broker.table.ListDuplicateClientIds(after, max - listed);
    if (piece.empty()) return;
    after = piece.back().client_id;
    listed += piece.size();
    for (const DuplicateClientInfo& info : piece) {
      pb::DuplicateClientId& message = (*found)[info.client_id];
      message.set_client_id(info.client_id);
      FillTimestamp(call.broker.clock.ClockToWall(info.since),
                    message.mutable_since());
      message.set_streams(static_cast<int64_t>(info.streams));
      for (const ClientChannelPtr& channel : info.channels) {
        FillChannel(*channel, call.broker.clock, message.add_channels());
      }
    }
  }
}

// The same of those that the fronts know besides.
void AddOfFronts(const AdminCall& call, const std::string& after, size_t max,
                 DuplicatesById* found) {
  if (call.broker.duplicates == nullptr) return;
  for (const DuplicateStreams::Duplicate& duplicate :
       call.broker.duplicates->ListDuplicates(after, max)) {
    pb::DuplicateClientId& message = (*found)[duplicate.client_id];
    message.set_client_id(duplicate.client_id);
    if (!message.has_since()) {
      FillTimestamp(call.broker.clock.ClockToWall(duplicate.since),
                    message.mutable_since());
    }
    message.set_streams(message.streams() +
                        static_cast<int64_t>(duplicate.streams));
    message.mutable_addresses()->Add(duplicate.addresses.begin(),
                                     duplicate.addresses.end());
  }
}

CallStatus ListDuplicateClientIds(
    const AdminCall& call, const pb::ListDuplicateClientIdsRequest& request,
    pb::ListDuplicateClientIdsResponse* response) {
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  absl::string_view token = request.page_token();
  if (!token.empty() && !absl::ConsumePrefix(&token, kAfter)) {
    return FromStatus(NotAPageToken(request.page_token()));
  }
  const std::string after(token);
  // One more of each, so that it shows whether there are more.
  DuplicatesById found;
  AddOfTable(call, after, *page_size + 1, &found);
  AddOfFronts(call, after, *page_size + 1, &found);
  for (auto& [client_id, duplicate] : found) {
    if (static_cast<size_t>(response->duplicates_size()) == *page_size) {
      response->set_next_page_token(
          absl::StrCat(kAfter, response->duplicates().rbegin()->client_id()));
      break;
    }
    response->add_duplicates()->Swap(&duplicate);
  }
  return {};
}

}  // namespace

AdminMethods ConsistencyMethods() {
  return {MethodOf(GetSubscriptionConsistency),
          MethodOf(ListDuplicateClientIds)};
}

}  // namespace rmq
