#include "broker/fronts/clientmanager/heartbeat.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/fronts/client_id_holder.h"
#include "broker/fronts/clientmanager/fill_warnings.h"
#include "broker/fronts/clientmanager/skipped_group_log.h"
#include "broker/fronts/clientmanager/statement_parser.h"
#include "broker/fronts/end_status.h"
#include "broker/fronts/proto_time.h"
#include "broker/registry/client_channel.h"

namespace rmq {
namespace {

// How often a stand-in is looked for that expires before it is used.
constexpr int kStandInTries = 2;

bool IsLight(const pb::HeartbeatRequest& request) {
  return request.statement_token() != 0;
}

CallResources HeartbeatResources(const pb::HeartbeatRequest& request) {
  CallResources resources;
  resources.client_id = request.client_id();
  for (const pb::ProducerData& producer : request.producers()) {
    resources.producer_groups.push_back(producer.group());
  }
  resources.consumers_are_asked_apart = true;
  for (const pb::ConsumerData& consumer : request.consumers()) {
    resources.groups.push_back(consumer.group());
    for (const pb::SubscriptionData& subscription : consumer.subscriptions()) {
      resources.topics.push_back(subscription.topic());
    }
  }
  return resources;
}

void FillSkippedGroup(const PassedOverGroup& skipped,
                      pb::SkippedGroup* message) {
  message->set_group(std::string(skipped.group));
  message->set_producer(skipped.kind == GroupKind::kProducer);
  message->set_reason(static_cast<pb::SkippedGroup::Reason>(skipped.reason));
  message->set_message(Explain(skipped));
}

Renewal RenewLight(uint64_t token, const CallContext& context,
                   ClientChannel& channel) {
  const uint64_t generation = context.peer.generation;
  const uint64_t core_token = BindToken(token, generation);
  // By new rules the client may not be what it has stated.
  return generation == 0 ? channel.RenewLight(core_token, context.now)
                         : channel.RenewIfCurrent(core_token, context.now);
}

CallStatus AnswerLight(const ClientCall& call,
                       const pb::HeartbeatRequest& request,
                       pb::HeartbeatResponse* response) {
  if (request.producers_size() != 0 || request.consumers_size() != 0) {
    return BadForm(
        "a heartbeat with a statement_token must state no groups: leave out "
        "either the token or producers and consumers");
  }
  ClientChannel* const channel = call.caller.channel();
  if (channel != nullptr && channel->kind() == ClientChannel::Kind::kStandIn) {
    CallStatus status = call.CheckHolder(request.client_id());
    if (!status.ok()) return status;
  }
  const Renewal renewal =
      channel == nullptr
          ? Renewal::kFullStatementNeeded
          : RenewLight(request.statement_token(), call.context, *channel);
  if (renewal == Renewal::kClosed &&
      channel->kind() == ClientChannel::Kind::kStream) {
    // The stream is about to end with the reason.
    return {absl::StatusCode::kAborted, ResponseCode::kSystemError,
            "the channel is closed"};
  }
  if (renewal != Renewal::kRenewed) response->set_full_statement_needed(true);
  if (channel != nullptr && channel->attention()) {
    FillWarnings(
        call.broker.processor.AnswerAttention(*channel, call.context.now),
        response);
  }
  return {};
}

// Takes the caller's channel out of those of the groups that the client may not
// be in any more. It leaves them out of its statement, so that nothing else
// asks about them.
void LeaveIfRefused(const ClientCall& call,
                    const std::vector<std::string>& groups) {
  std::vector<absl::string_view> refused;
  for (const std::string& group : groups) {
    const CallStatus status = call.gate.CheckConsumer(
        call.context, group, [] { return CallResources::Names(); });
    if (!status.ok()) refused.push_back(group);
  }
  if (refused.empty()) return;
  // Fails if another one holds the client id by now: the channel goes then.
  (void)call.broker.processor.UnregisterClient(
      *call.caller.channel(), call.caller.client_id(), {}, refused,
      call.context.now, call.principal());
}

// Applies a statement to the caller's channel, which must be there.
CallStatus ApplyStatement(const ClientCall& call, const ParsedStatement& parsed,
                          pb::HeartbeatResponse* response) {
  HeartbeatStatement statement = parsed.statement();
  statement.client_id = call.caller.client_id();
  statement.principal = call.principal();
  HeartbeatResult result = call.broker.processor.Heartbeat(
      *call.caller.channel(), statement, call.context.now);
  if (result.end.has_value()) return EndStatus(*result.end);
  if (result.status.code == absl::StatusCode::kPermissionDenied) {
    NoteOfAnother(call.ClaimOf(statement.client_id),
                  &call.broker.counters.denials);
  }
  if (!result.status.ok()) return std::move(result.status);
  FillFullAnswer(call.broker, result.statement_token,
                 call.context.peer.generation, result.channel_expiry, response);
  FillGroupEpochs(result.group_epochs, response);
  FillWarnings(std::move(result.warnings), response);
  for (const PassedOverGroup& skipped : result.skipped) {
    NoteSkippedGroup(statement.client_id, skipped, &call.broker.counters);
    FillSkippedGroup(skipped, response->add_skipped_groups());
  }
  LeaveIfRefused(call, result.left_out_consumers);
  return {};
}

// Asks about each consumer group whether the client may be in it.
void RefuseConsumers(const ClientCall& call,
                     const pb::HeartbeatRequest& request,
                     ParsedStatement* parsed) {
  for (int i = 0; i < request.consumers_size(); ++i) {
    const pb::ConsumerData& consumer = request.consumers(i);
    CallStatus status =
        call.gate.CheckConsumer(call.context, consumer.group(), [&consumer] {
          CallResources::Names topics;
          for (const auto& subscription : consumer.subscriptions()) {
            topics.push_back(subscription.topic());
          }
          return topics;
        });
    if (!status.ok()) parsed->RefuseConsumer(i, std::move(status.message));
  }
}

CallStatus AnswerFull(const ClientCall& call,
                      const pb::HeartbeatRequest& request,
                      pb::HeartbeatResponse* response) {
  CallStatus status = call.caller.CheckBind(request.client_id());
  if (!status.ok()) return status;
  ParsedStatement parsed;
  status = FromStatus(parsed.Parse(request, call.broker.limits));
  if (!status.ok()) return status;
  const absl::string_view bound = call.caller.client_id();
  status = call.CheckHolder(bound.empty() ? request.client_id() : bound);
  if (!status.ok()) return status;
  RefuseConsumers(call, request, &parsed);
  for (int tries = 0; tries < kStandInTries; ++tries) {
    status = call.caller.Bind(request.client_id(), call.principal().pays_as(),
                              call.context.now);
    if (!status.ok()) return status;
    status = ApplyStatement(call, parsed, response);
    const bool may_have_expired =
        status.code == absl::StatusCode::kAborted &&
        call.caller.channel()->kind() == ClientChannel::Kind::kStandIn;
    if (!may_have_expired) break;
  }
  return status;
}

CallStatus Heartbeat(const ClientCall& call,
                     const pb::HeartbeatRequest& request,
                     pb::HeartbeatResponse* response) {
  CallStatus status = call.caller.CheckClientId(request.client_id());
  if (status.ok()) {
    status = IsLight(request) ? AnswerLight(call, request, response)
                              : AnswerFull(call, request, response);
  }
  EdgeCounters& counters = call.broker.counters;
  (IsLight(request) ? counters.light_heartbeats : counters.full_heartbeats)
      .Count(status.code);
  if (response->full_statement_needed()) {
    counters.full_statements_needed.fetch_add(1, std::memory_order_relaxed);
  }
  return status;
}

}  // namespace

void FillFullAnswer(const ClientBroker& broker, uint64_t statement_token,
                    uint64_t generation, absl::Duration expiry,
                    pb::HeartbeatResponse* response) {
  response->set_broker_name(broker.identity.broker_name);
  response->set_broker_id(broker.identity.broker_id);
  response->set_broker_incarnation(broker.identity.incarnation);
  FillDuration(expiry, response->mutable_channel_expiry());
  FillDuration(expiry / kIntervalsPerExpiry,
               response->mutable_suggested_interval());
  response->set_statement_token(BindToken(statement_token, generation));
  response->add_features(pb::FEATURE_UNREGISTER_MANY_GROUPS);
  response->add_features(pb::FEATURE_END_REASON);
}

ClientRequest HeartbeatKind() {
  ClientRequestOptions options;
  options.may_come_first = true;
  return RequestOf(Heartbeat, HeartbeatResources, options);
}

}  // namespace rmq
