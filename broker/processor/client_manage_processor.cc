#include "broker/processor/client_manage_processor.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/filter/sql92.h"
#include "broker/policy/admission.h"
#include "broker/registry/admitted_statement.h"
#include "common/payer.h"
#include "common/validation.h"

namespace rmq {
namespace {

CallStatus TooManyChanges(const ClientTable::Options& options,
                          const ClientChannel& channel,
                          const HeartbeatStatement& statement,
                          const RegisterResult& registered, absl::Time now) {
  const std::string who_and_limit =
      registered.is_payer_over
          ? absl::StrCat("clients of ",
                         PayerForMessage(statement.principal.pays_as(),
                                         channel.remote_address()),
                         " changed their subscriptions or modes too often: "
                         "max_statement_changes_per_address is ",
                         options.max_statement_changes_per_address)
          : absl::StrCat(
                "the client changed its subscriptions or modes too "
                "often: max_statement_changes is ",
                options.max_statement_changes);
  return {
      absl::StatusCode::kResourceExhausted, ResponseCode::kSystemBusy,
      absl::StrCat(who_and_limit, " a second; state them again in ",
                   absl::FormatDuration(absl::Ceil(
                       registered.try_again_at - now, absl::Milliseconds(1))))};
}

}  // namespace

CallStatus ClientIdOfAnother(absl::string_view client_id) {
  return {absl::StatusCode::kPermissionDenied, ResponseCode::kSystemError,
          absl::StrCat("another user holds the client id ", Quoted(client_id),
                       "; use another id, or come back when none of its "
                       "channels is open")};
}

HeartbeatResult ClientManageProcessor::Heartbeat(
    ClientChannel& channel, const HeartbeatStatement& statement,
    absl::Time now) {
  HeartbeatResult result;
  RegisterResult registered;
  {
    const Admission admission(statement, channel.remote_address(), &policy_);
    result.skipped.assign(admission.passed_over().begin(),
                          admission.passed_over().end());
    registered = table_.Register(channel, admission.admitted(), now);
  }
  if (channel.attention()) Resend(channel);
  notifier_.Flush(table_, now);

  switch (registered.outcome) {
    case RegisterResult::Outcome::kRegistered: break;
    case RegisterResult::Outcome::kClosed:
      result.status = {absl::StatusCode::kAborted, ResponseCode::kSystemError,
                       "the channel expired or closed while the heartbeat was "
                       "under way; send it again"};
      return result;
    case RegisterResult::Outcome::kReplaced:
      result.status = {absl::StatusCode::kAborted, ResponseCode::kSystemError,
                       "a newer stream of this client and incarnation is "
                       "registered"};
      return result;
    case RegisterResult::Outcome::kTooManyChanges:
      result.status =
          TooManyChanges(table_.options(), channel, statement, registered, now);
      return result;
    case RegisterResult::Outcome::kDuplicateClientId:
      result.status = {
          absl::StatusCode::kAlreadyExists, ResponseCode::kSystemError,
          absl::StrCat("another process uses the client id ",
                       Quoted(statement.client_id), ", from ",
                       registered.other_address,
                       ", and was here first: duplicate_client_id_policy is ",
                       Name(table_.options().duplicate_client_id_policy),
                       ". Give each process an id of its own, or come back "
                       "when the other is gone")};
      return result;
    case RegisterResult::Outcome::kOfAnother:
      result.status = ClientIdOfAnother(statement.client_id);
      return result;
    case RegisterResult::Outcome::kHeld:
      result.status = {absl::StatusCode::kPermissionDenied,
                       ResponseCode::kSystemError, "an operator took it out"};
      result.end.emplace(RemovalReason::kKicked, registered.hold.until - now,
                         *registered.hold.reason);
      return result;
  }
  result.warnings = std::move(registered.warnings);
  result.statement_token = registered.statement_token;
  result.channel_expiry = registered.channel_expiry;
  result.group_epochs = std::move(registered.group_epochs);
  result.left_out_consumers = std::move(registered.left_out_consumers);
  for (InconsistentStatement& inconsistent : registered.inconsistent) {
    result.skipped.push_back({inconsistent.group, GroupKind::kConsumer,
                              SkipReason::kInconsistentSubscription,
                              /*is_news=*/false,
                              std::move(inconsistent.message)});
  }
  for (absl::string_view group : registered.rejected_producers) {
    result.skipped.push_back(
        {group, GroupKind::kProducer, SkipReason::kProducerRejected});
  }
  for (PassedOverGroup& skipped : result.skipped) {
    skipped.is_news = policy_.skipped().Note(skipped, statement.client_id, now);
  }
  return result;
}

std::vector<ClientWarning> ClientManageProcessor::AnswerAttention(
    ClientChannel& channel, absl::Time now) {
  std::vector<ClientWarning> warnings = table_.TakeNewWarnings(channel);
  Resend(channel);
  notifier_.Flush(table_, now);
  return warnings;
}

void ClientManageProcessor::Resend(ClientChannel& channel) {
  for (const std::string& group : table_.MarkUnacknowledged(channel)) {
    notifier_.Resend(group);
  }
}

std::vector<AcknowledgeOutcome> ClientManageProcessor::Acknowledge(
    ClientChannel& channel, absl::Span<const AcknowledgedGroup> groups,
    absl::Time now) {
  std::vector<AcknowledgeOutcome> outcomes;
  bool any_is_due = false;
  for (const AcknowledgedGroup& acknowledged : groups) {
    bool push_is_due = false;
    outcomes.push_back(table_.Acknowledge(
        channel, acknowledged.group, acknowledged.epoch, now, &push_is_due));
    if (push_is_due) notifier_.Resend(acknowledged.group);
    any_is_due = any_is_due || push_is_due;
  }
  if (any_is_due) notifier_.Flush(table_, now);
  return outcomes;
}

CallStatus ClientManageProcessor::UnregisterClient(
    ClientChannel& channel, absl::string_view client_id,
    absl::Span<const absl::string_view> producer_groups,
    absl::Span<const absl::string_view> consumer_groups, absl::Time now,
    const ClientPrincipal& principal) {
  for (absl::string_view group : consumer_groups) {
    // Where rules hold they are not asked about an unregister, so it makes
    // nothing.
    if (!group.empty() && principal.pays_as().empty()) {
      policy_.EnsureConfig(group,
                           {principal.pays_as(), channel.remote_address()});
    }
  }
  if (!table_.Unregister(channel, client_id, producer_groups, consumer_groups,
                         now, principal)) {
    return ClientIdOfAnother(client_id);
  }
  notifier_.Flush(table_, now);
  return {};
}

void ClientManageProcessor::CloseChannel(ClientChannel& channel,
                                         RemovalReason reason, absl::Time now) {
  if (table_.Close(channel, reason, now)) notifier_.Flush(table_, now);
}

CallStatus ClientManageProcessor::CheckClientConfig(
    absl::string_view expression_type, absl::string_view expression) const {
  if (expression_type.empty() || expression_type == "TAG") return {};
  if (!policy_.options().enable_property_filter) {
    return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
            absl::StrCat("The broker does not support consumer to filter "
                         "message by ",
                         absl::CHexEscape(expression_type.substr(0, 64)))};
  }
  CallStatus failed{absl::StatusCode::kInvalidArgument,
                    ResponseCode::kSubscriptionParseFailed, ""};
  if (expression_type != "SQL92") {
    failed.message = absl::StrCat("expression_type must be TAG or SQL92, got ",
                                  Quoted(expression_type));
    return failed;
  }
  const absl::optional<ExpressionError> error = CheckSql92(expression);
  if (!error.has_value()) return {};
  failed.message =
      absl::StrCat("expression ", Quoted(expression), ": ", ToString(*error));
  return failed;
}

ConsumerList ClientManageProcessor::GetConsumerListByGroup(
    absl::string_view group, size_t max, MemberCursor cursor,
    uint64_t epoch) const {
  ConsumerList list;
  list.next = cursor;
  ClientIdList listed = table_.ListClientIdsAt(group, epoch, max, &list.next);
  switch (listed.outcome) {
    case ClientIdList::Outcome::kListed:
      list.epoch = listed.epoch;
      list.client_ids = std::move(listed.client_ids);
      return list;
    case ClientIdList::Outcome::kNoGroup:
      if (epoch != 0) break;
      list.status = {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
                     absl::StrCat("no consumer for this group, ", group)};
      return list;
    case ClientIdList::Outcome::kGone: break;
  }
  list.status = {
      absl::StatusCode::kAborted, ResponseCode::kSystemError,
      absl::StrCat("the list of group ", group, " at epoch ", epoch,
                   " is not kept any more; ask for the first page again")};
  return list;
}

}  // namespace rmq
