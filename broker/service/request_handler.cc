#include "broker/service/request_handler.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/service/refusal_log.h"
#include "broker/service/stand_in_channel.h"
#include "google/protobuf/repeated_field.h"

namespace rmq {
namespace {

// As proto says: a client cannot know a limit that can be set.
constexpr size_t kMaxGroupsToLeaveAtOnce = 256;
// A stand-in may expire between being found and being used, once.
constexpr int kStandInTries = 2;

CallStatus NeedsHeartbeatFirst(absl::string_view kind) {
  return {
      absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
      absl::StrCat(kind, " must come after the stream's first full heartbeat")};
}

// Of a heartbeat's bytes, as of `changes`. 0 is unlikely, and does no harm.
uint64_t Fingerprint(absl::string_view heartbeat, uint64_t changes) {
  return absl::HashOf(heartbeat, changes);
}

using GroupNames = absl::InlinedVector<absl::string_view, 8>;

// Of one kind: `group`, unless it is empty, and `further_groups`.
GroupNames NamedGroups(
    const std::string& group,
    const google::protobuf::RepeatedPtrField<std::string>& further_groups) {
  GroupNames names;
  if (!group.empty()) names.push_back(group);
  names.insert(names.end(), further_groups.begin(), further_groups.end());
  return names;
}

// `further_groups` is the field `field`s, as `group` is the field `field`.
absl::Status ValidateNamedGroups(
    absl::string_view field, const std::string& group,
    const google::protobuf::RepeatedPtrField<std::string>& further_groups,
    const Limits& limits) {
  if (!group.empty()) {
    const absl::Status status = ValidateGroup(field, group, limits);
    if (!status.ok()) return status;
  }
  for (int i = 0; i < further_groups.size(); ++i) {
    const absl::Status status = ValidateGroup(absl::StrCat(field, "s[", i, "]"),
                                              further_groups[i], limits);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

CallStatus ValidateLightHeartbeat(const pb::HeartbeatRequest& request) {
  if (request.producers_size() == 0 && request.consumers_size() == 0) return {};
  return BadForm(
      "a heartbeat with a statement_token must state no groups: leave out "
      "either the token or producers and consumers");
}

}  // namespace

CallStatus RequestHandler::Authorize(
    absl::string_view peer, absl::string_view call, absl::string_view client_id,
    absl::Span<const absl::string_view> groups) {
  return authorizer_.Check({peer, call, client_id, groups});
}

CallStatus RequestHandler::AuthorizeHeartbeat(
    absl::string_view peer, const pb::HeartbeatRequest& request,
    absl::string_view client_id) {
  absl::InlinedVector<absl::string_view, 8> groups;
  for (const pb::ProducerData& producer : request.producers()) {
    groups.push_back(producer.group());
  }
  for (const pb::ConsumerData& consumer : request.consumers()) {
    groups.push_back(consumer.group());
  }
  return Authorize(peer, "Heartbeat", client_id, groups);
}

void RequestHandler::CountHeartbeat(const pb::HeartbeatRequest& request,
                                    const pb::HeartbeatResponse& response,
                                    absl::StatusCode code) {
  (request.statement_token() == 0 ? counters_.full_heartbeats
                                  : counters_.light_heartbeats)
      .Count(code);
  if (response.full_statement_needed()) {
    counters_.full_statements_needed.fetch_add(1, std::memory_order_relaxed);
  }
}

CallStatus RequestHandler::Heartbeat(absl::string_view peer, absl::Time now,
                                     const pb::HeartbeatRequest& request,
                                     pb::HeartbeatResponse* response) {
  CallStatus status = UnaryHeartbeat(peer, now, request, response);
  CountHeartbeat(request, *response, status.code);
  return status;
}

CallStatus RequestHandler::UnaryHeartbeat(absl::string_view peer,
                                          absl::Time now,
                                          const pb::HeartbeatRequest& request,
                                          pb::HeartbeatResponse* response) {
  CallStatus status = AuthorizeHeartbeat(peer, request, request.client_id());
  if (!status.ok()) return status;
  status =
      FromStatus(ValidateClientId("client_id", request.client_id(), limits_));
  if (!status.ok()) return status;

  if (request.statement_token() != 0) {
    status = ValidateLightHeartbeat(request);
    if (!status.ok()) return status;
    const ClientChannelPtr channel = table_.FindStandIn(request.client_id());
    response->set_full_statement_needed(
        channel == nullptr || channel->RenewLight(request.statement_token(),
                                                  now) != Renewal::kRenewed);
    return {};
  }

  ParsedStatement parsed;
  status = FromStatus(parsed.Parse(request, limits_));
  if (!status.ok()) return status;
  for (int tries = 0; tries < kStandInTries; ++tries) {
    const absl::StatusOr<ClientChannelPtr> channel = table_.FindOrOpenStandIn(
        request.client_id(), std::make_shared<StandInChannel>(peer), now);
    if (!channel.ok()) return FromStatus(channel.status());
    status =
        ApplyStatement(**channel, parsed, request.client_id(), now, response);
    if (status.code != absl::StatusCode::kAborted) break;
  }
  return status;
}

CallStatus RequestHandler::UnregisterClient(
    absl::string_view peer, absl::Time now,
    const pb::UnregisterClientRequest& request,
    pb::UnregisterClientResponse* /*response*/) {
  CallStatus status = AuthorizeUnregister(peer, request, request.client_id());
  if (!status.ok()) return status;
  status =
      FromStatus(ValidateClientId("client_id", request.client_id(), limits_));
  if (!status.ok()) return status;
  status = CheckForm(request);
  if (!status.ok()) return status;
  const ClientChannelPtr channel = table_.FindStandIn(request.client_id());
  if (channel != nullptr) {
    Unregister(*channel, request, request.client_id(), now);
  }
  return {};
}

CallStatus RequestHandler::AuthorizeUnregister(
    absl::string_view peer, const pb::UnregisterClientRequest& request,
    absl::string_view client_id) {
  GroupNames groups =
      NamedGroups(request.producer_group(), request.producer_groups());
  const GroupNames consumers =
      NamedGroups(request.consumer_group(), request.consumer_groups());
  groups.insert(groups.end(), consumers.begin(), consumers.end());
  return Authorize(peer, "UnregisterClient", client_id, groups);
}

void RequestHandler::Unregister(ClientChannel& channel,
                                const pb::UnregisterClientRequest& request,
                                absl::string_view client_id, absl::Time now) {
  processor_.UnregisterClient(
      channel, client_id,
      NamedGroups(request.producer_group(), request.producer_groups()),
      NamedGroups(request.consumer_group(), request.consumer_groups()), now);
}

CallStatus RequestHandler::CheckForm(
    const pb::UnregisterClientRequest& request) const {
  const int groups = (request.producer_group().empty() ? 0 : 1) +
                     (request.consumer_group().empty() ? 0 : 1) +
                     request.producer_groups_size() +
                     request.consumer_groups_size();
  if (groups == 0) {
    return BadForm(
        "producer_group and consumer_group are both empty, as are "
        "producer_groups and consumer_groups; at least one group must be "
        "given");
  }
  absl::Status status = ValidateCount("groups to leave in one request", groups,
                                      kMaxGroupsToLeaveAtOnce);
  if (!status.ok()) return FromStatus(status);
  status = ValidateNamedGroups("producer_group", request.producer_group(),
                               request.producer_groups(), limits_);
  if (!status.ok()) return FromStatus(status);
  return FromStatus(ValidateNamedGroups("consumer_group",
                                        request.consumer_group(),
                                        request.consumer_groups(), limits_));
}

CallStatus RequestHandler::CheckClientConfig(
    absl::string_view peer, absl::Time /*now*/,
    const pb::CheckClientConfigRequest& request,
    pb::CheckClientConfigResponse* /*response*/) {
  CallStatus status = Authorize(peer, "CheckClientConfig", request.client_id(),
                                {request.group()});
  if (!status.ok()) return status;
  status =
      FromStatus(ValidateClientId("client_id", request.client_id(), limits_));
  return status.ok() ? Check(request) : status;
}

CallStatus RequestHandler::Check(
    const pb::CheckClientConfigRequest& request) const {
  const absl::Status status = ValidateGroup("group", request.group(), limits_);
  if (!status.ok()) return FromStatus(status);
  if (!request.has_subscription()) return {};
  const pb::SubscriptionData& subscription = request.subscription();
  if (!subscription.topic().empty()) {
    const absl::Status topic =
        ValidateTopic("subscription.topic", subscription.topic(), limits_);
    if (!topic.ok()) return FromStatus(topic);
  }
  return processor_.CheckClientConfig(subscription.expression_type(),
                                      subscription.expression());
}

CallStatus RequestHandler::GetConsumerListByGroup(
    absl::string_view peer, absl::Time now,
    const pb::GetConsumerListByGroupRequest& request,
    pb::GetConsumerListByGroupResponse* response) {
  const CallStatus allowed =
      Authorize(peer, "GetConsumerListByGroup", "", {request.group()});
  return allowed.ok() ? ListConsumers(now, request, response) : allowed;
}

CallStatus RequestHandler::ListConsumers(
    absl::Time now, const pb::GetConsumerListByGroupRequest& request,
    pb::GetConsumerListByGroupResponse* response) {
  const absl::Status group = ValidateGroup("group", request.group(), limits_);
  if (!group.ok()) return FromStatus(group);
  const absl::StatusOr<size_t> page_size = ParsePageSize(request.page_size());
  if (!page_size.ok()) return FromStatus(page_size.status());
  const absl::StatusOr<MemberCursor> cursor =
      ParseMemberPageToken(request.page_token());
  if (!cursor.ok()) return FromStatus(cursor.status());

  ConsumerList list =
      processor_.GetConsumerListByGroup(request.group(), *page_size, *cursor);
  if (!list.status.ok()) {
    if (now < settled_at_) {
      absl::StrAppend(&list.status.message, "; the broker is settling for ",
                      absl::FormatDuration(absl::Ceil(settled_at_ - now,
                                                      absl::Milliseconds(100))),
                      " more");
    }
    return std::move(list.status);
  }
  for (std::string& client_id : list.client_ids) {
    response->add_client_ids(std::move(client_id));
  }
  response->set_next_page_token(MemberPageToken(list.next));
  response->set_broker_name(identity_.broker_name);
  response->set_broker_id(identity_.broker_id);
  FillSettling(now, response);
  return {};
}

void RequestHandler::FillPush(const std::string& group, absl::Time now,
                              pb::NotifyConsumerIdsChanged* push) const {
  push->set_group(group);
  FillSettling(now, push);
}

bool RequestHandler::HandleRepeatedHeartbeat(ClientChannel& channel,
                                             absl::string_view bytes,
                                             absl::Time now,
                                             const StreamClient& client,
                                             pb::Reply* reply) {
  if (client.last_heartbeat == 0) return false;
  const absl::optional<HeartbeatBytes> found = FindHeartbeatBytes(bytes);
  if (!found.has_value() ||
      Fingerprint(found->heartbeat, processor_.statement_changes()) !=
          client.last_heartbeat) {
    return false;
  }
  const uint64_t token = channel.RenewRepeated(now);
  if (token == 0) return false;
  reply->Clear();
  reply->set_request_id(found->request_id);
  pb::HeartbeatResponse* const response = reply->mutable_heartbeat();
  if (!client.last_was_light) FillFullAnswer(token, response);
  (client.last_was_light ? counters_.light_heartbeats
                         : counters_.full_heartbeats)
      .Count(absl::StatusCode::kOk);
  return true;
}

void RequestHandler::Remember(const pb::HeartbeatRequest& request,
                              absl::string_view bytes, uint64_t changes,
                              const pb::Reply& reply, StreamClient* client) {
  client->last_was_light = request.statement_token() != 0;
  // One without a token has to be read again: a group was passed over.
  const bool has_settled =
      client->last_was_light
          ? reply.has_heartbeat() && !reply.heartbeat().full_statement_needed()
          : reply.heartbeat().statement_token() != 0;
  const absl::optional<HeartbeatBytes> found = FindHeartbeatBytes(bytes);
  client->last_heartbeat = has_settled && found.has_value()
                               ? Fingerprint(found->heartbeat, changes)
                               : 0;
}

CallStatus RequestHandler::HandleFrame(ClientChannel& channel,
                                       absl::string_view peer,
                                       const pb::ClientFrame& frame,
                                       absl::string_view bytes, absl::Time now,
                                       StreamClient* client, pb::Reply* reply) {
  reply->Clear();
  reply->set_request_id(frame.request_id());
  const uint64_t changes = processor_.statement_changes();
  CallStatus status = frame.request_id() == 0
                          ? BadForm("request_id must not be 0")
                          : Dispatch(channel, peer, frame, now, client, reply);
  if (client->is_turned_away) return status;
  if (!status.ok()) {
    reply->clear_response();
    FillStatus(status, reply->mutable_status());
  }
  if (frame.has_heartbeat()) {
    Remember(frame.heartbeat(), bytes, changes, *reply, client);
  }
  return {};
}

CallStatus RequestHandler::Dispatch(ClientChannel& channel,
                                    absl::string_view peer,
                                    const pb::ClientFrame& frame,
                                    absl::Time now, StreamClient* client,
                                    pb::Reply* reply) {
  switch (frame.request_case()) {
    case pb::ClientFrame::kHeartbeat: {
      CallStatus status = HeartbeatFrame(channel, peer, frame.heartbeat(), now,
                                         client, reply->mutable_heartbeat());
      CountHeartbeat(frame.heartbeat(), reply->heartbeat(), status.code);
      return status;
    }

    case pb::ClientFrame::kUnregisterClient: {
      const pb::UnregisterClientRequest& request = frame.unregister_client();
      CallStatus status = AuthorizeUnregister(peer, request, client->client_id);
      if (!status.ok()) return status;
      if (!client->is_bound()) return NeedsHeartbeatFirst("unregister_client");
      status = CheckStreamClientId(request.client_id(), *client);
      if (!status.ok()) return status;
      status = CheckForm(request);
      if (!status.ok()) return status;
      Unregister(channel, request, client->client_id, now);
      reply->mutable_unregister_client();
      return {};
    }

    case pb::ClientFrame::kCheckClientConfig: {
      const pb::CheckClientConfigRequest& request = frame.check_client_config();
      CallStatus status = Authorize(peer, "CheckClientConfig",
                                    client->client_id, {request.group()});
      if (!status.ok()) return status;
      if (!client->is_bound()) {
        return NeedsHeartbeatFirst("check_client_config");
      }
      status = CheckStreamClientId(request.client_id(), *client);
      if (!status.ok()) return status;
      reply->mutable_check_client_config();
      return Check(request);
    }

    case pb::ClientFrame::kGetConsumerListByGroup: {
      const pb::GetConsumerListByGroupRequest& request =
          frame.get_consumer_list_by_group();
      CallStatus status = Authorize(peer, "GetConsumerListByGroup",
                                    client->client_id, {request.group()});
      if (!status.ok()) return status;
      if (!client->is_bound()) {
        return NeedsHeartbeatFirst("get_consumer_list_by_group");
      }
      return ListConsumers(now, request,
                           reply->mutable_get_consumer_list_by_group());
    }

    case pb::ClientFrame::REQUEST_NOT_SET:
      return {absl::StatusCode::kUnimplemented,
              ResponseCode::kRequestCodeNotSupported,
              "this broker does not know the frame's kind of request"};
  }
  return {absl::StatusCode::kUnimplemented,
          ResponseCode::kRequestCodeNotSupported, "unknown kind of request"};
}

CallStatus RequestHandler::CheckStreamClientId(absl::string_view client_id,
                                               const StreamClient& client) {
  if (client_id.empty() || client_id == client.client_id) return {};
  return BadForm(absl::StrCat("client_id must be the stream's ",
                              Quoted(client.client_id), " or absent, got ",
                              Quoted(client_id)));
}

CallStatus RequestHandler::HeartbeatFrame(ClientChannel& channel,
                                          absl::string_view peer,
                                          const pb::HeartbeatRequest& request,
                                          absl::Time now, StreamClient* client,
                                          pb::HeartbeatResponse* response) {
  if (client->is_bound()) {
    CallStatus status = CheckStreamClientId(request.client_id(), *client);
    if (!status.ok()) return status;
  }
  if (request.statement_token() != 0) {
    if (!client->is_bound()) {  // It repeats nothing that has passed the gate.
      CallStatus status =
          AuthorizeHeartbeat(peer, request, request.client_id());
      if (!status.ok()) return status;
    }
    CallStatus status = ValidateLightHeartbeat(request);
    if (!status.ok()) return status;
    switch (channel.RenewLight(request.statement_token(), now)) {
      case Renewal::kRenewed: break;
      case Renewal::kFullStatementNeeded:
        response->set_full_statement_needed(true);
        break;
      case Renewal::kClosed:  // The stream is about to end with the reason.
        return {absl::StatusCode::kAborted, ResponseCode::kSystemError,
                "the channel is closed"};
    }
    return {};
  }

  const absl::string_view client_id =
      client->is_bound() ? client->client_id : request.client_id();
  CallStatus status = AuthorizeHeartbeat(peer, request, client_id);
  if (!status.ok()) return status;
  if (!client->is_bound()) {
    status = FromStatus(ValidateClientId("client_id", client_id, limits_));
    if (!status.ok()) return status;
  }
  ParsedStatement parsed;
  status = FromStatus(parsed.Parse(request, limits_));
  if (!status.ok()) return status;
  if (!client->is_bound()) {
    status = FromStatus(table_.Open(channel.shared_from_this(), now));
    client->is_turned_away = !status.ok();
    if (!status.ok()) return status;
    client->client_id = std::string(client_id);
  }
  return ApplyStatement(channel, parsed, client->client_id, now, response);
}

CallStatus RequestHandler::ApplyStatement(ClientChannel& channel,
                                          const ParsedStatement& parsed,
                                          absl::string_view client_id,
                                          absl::Time now,
                                          pb::HeartbeatResponse* response) {
  HeartbeatStatement statement = parsed.statement();
  statement.client_id = client_id;
  HeartbeatResult result = processor_.Heartbeat(channel, statement, now);
  if (!result.status.ok()) return std::move(result.status);
  FillFullAnswer(result.statement_token, response);
  for (const PassedOverGroup& skipped : result.skipped) {
    NoteSkippedGroup(client_id, skipped, &counters_);
    FillSkippedGroup(skipped, response->add_skipped_groups());
  }
  return {};
}

void RequestHandler::FillFullAnswer(uint64_t statement_token,
                                    pb::HeartbeatResponse* response) const {
  const absl::Duration expiry = table_.options().channel_expiry;
  response->set_broker_name(identity_.broker_name);
  response->set_broker_id(identity_.broker_id);
  response->set_broker_incarnation(identity_.incarnation);
  FillDuration(expiry, response->mutable_channel_expiry());
  FillDuration(expiry / kIntervalsPerExpiry,
               response->mutable_suggested_interval());
  response->set_statement_token(statement_token);
  response->add_features(pb::FEATURE_UNREGISTER_MANY_GROUPS);
  response->add_features(pb::FEATURE_END_REASON);
}

}  // namespace rmq
