#include "broker/fronts/clientmanager/client_request_handler.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/clientmanager/check_client_config.h"
#include "broker/fronts/clientmanager/fill_status.h"
#include "broker/fronts/clientmanager/get_consumer_list.h"
#include "broker/fronts/clientmanager/heartbeat.h"
#include "broker/fronts/clientmanager/repeated_heartbeats.h"
#include "broker/fronts/clientmanager/unregister_client.h"
#include "common/rpc/server/refusal_log.h"
#include "glog/logging.h"

namespace rmq {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::OneofDescriptor;
using ::google::protobuf::ServiceDescriptor;

// Every request of clients.
constexpr ClientRequest (*kRequests[])() = {
    HeartbeatKind,
    UnregisterClientKind,
    CheckClientConfigKind,
    GetConsumerListKind,
};

// The field of `oneof` that holds a `message`.
const FieldDescriptor& FieldHolding(const Descriptor& message,
                                    const OneofDescriptor& oneof) {
  for (int i = 0; i < oneof.field_count(); ++i) {
    if (oneof.field(i)->message_type() == &message) return *oneof.field(i);
  }
  LOG(FATAL) << oneof.full_name() << " has no " << message.name();
}

const OneofDescriptor& OneofOf(const Descriptor& message) {
  CHECK_EQ(message.oneof_decl_count(), 1) << message.full_name();
  return *message.oneof_decl(0);
}

// The method whose frames go both ways.
const MethodDescriptor& ConnectMethod() {
  const ServiceDescriptor& service = ClientServiceDescriptor();
  for (int i = 0; i < service.method_count(); ++i) {
    if (service.method(i)->input_type() == pb::ClientFrame::descriptor()) {
      return *service.method(i);
    }
  }
  LOG(FATAL) << service.full_name() << " has no method of frames";
}

}  // namespace

ClientRequestHandler::ClientRequestHandler(const ClientBroker& broker)
    : broker_(broker) {
  const OneofDescriptor& requests = OneofOf(*pb::ClientFrame::descriptor());
  const OneofDescriptor& responses = OneofOf(*pb::Reply::descriptor());
  for (const auto& make_request : kRequests) {
    ClientRequest request = make_request();
    const MethodDescriptor& method = *request.method;
    kinds_.push_back(
        {std::move(request), &FieldHolding(*method.input_type(), requests),
         &FieldHolding(*method.output_type(), responses), nullptr});
  }
  for (FrameKind& kind : kinds_) {
    const size_t number = static_cast<size_t>(kind.request_field->number());
    if (number >= kind_of_case_.size()) kind_of_case_.resize(number + 1);
    kind_of_case_[number] = &kind;
  }
}

void ClientRequestHandler::AddMethods(MethodTable* table) {
  for (FrameKind& kind : kinds_) {
    kind.request.add_method(broker_, table);
    kind.counters = table->Find(*kind.request.method)->counters;
  }
  connect_ = &table->AddStreaming(ConnectMethod());
  heartbeats_ = kind_of_case_[pb::ClientFrame::kHeartbeat]->counters;
  gate_ = &table->gate();
}

const ClientRequestHandler::FrameKind* ClientRequestHandler::KindOf(
    const pb::ClientFrame& frame) const {
  const auto number = static_cast<size_t>(frame.request_case());
  return number < kind_of_case_.size() ? kind_of_case_[number] : nullptr;
}

bool ClientRequestHandler::HandleRepeatedHeartbeat(ClientChannel& channel,
                                                   absl::string_view bytes,
                                                   absl::Time now,
                                                   const StreamClient& client,
                                                   pb::Reply* reply) const {
  if (!AnswerRepeatedHeartbeat(broker_, channel, bytes, now, client, reply)) {
    return false;
  }
  heartbeats_->CountCall();
  return true;
}

CallStatus ClientRequestHandler::HandleFrame(const CallContext& stream,
                                             ClientChannel& channel,
                                             const pb::ClientFrame& frame,
                                             absl::string_view bytes,
                                             StreamClient* client,
                                             pb::Reply* reply) const {
  reply->Clear();
  reply->set_request_id(frame.request_id());
  const uint64_t changes = broker_.processor.statement_changes();
  const FrameKind* const kind = KindOf(frame);
  CallStatus outcome;
  if (frame.request_id() == 0) {
    outcome = BadForm("request_id must not be 0");
  } else if (kind == nullptr) {
    outcome = {absl::StatusCode::kUnimplemented,
               ResponseCode::kRequestCodeNotSupported,
               "this broker does not know the frame's kind of request"};
  } else {
    outcome = Answer(*kind, stream, channel, frame, client, reply);
  }
  // The session counts and logs the end of the stream instead.
  if (client->is_turned_away) return outcome;

  const bool has_to_end = frame.has_heartbeat() &&
                          (outcome.code == absl::StatusCode::kAlreadyExists ||
                           outcome.code == absl::StatusCode::kPermissionDenied);
  if (has_to_end) client->end_after_reply = outcome;
  if (!outcome.ok()) {
    reply->clear_response();
    FillStatus(outcome, reply->mutable_status());
  }
  if (frame.has_heartbeat()) {
    RememberHeartbeat(frame.heartbeat(), bytes, changes, *reply, client);
  }
  if (kind != nullptr) {
    Gate::Leave(*kind->counters, stream.peer.address, client->client_id,
                outcome);
  } else {
    NoteRefusal(*connect_->counters, stream.peer.address, client->client_id,
                outcome);
  }
  return {};
}

CallStatus ClientRequestHandler::Answer(const FrameKind& kind,
                                        const CallContext& stream,
                                        ClientChannel& channel,
                                        const pb::ClientFrame& frame,
                                        StreamClient* client,
                                        pb::Reply* reply) const {
  const google::protobuf::Message& request =
      frame.GetReflection()->GetMessage(frame, kind.request_field);
  const CallContext context = {*kind.request.method, stream.peer,
                               stream.metadata, stream.now};
  // A light heartbeat repeats a statement that passed the gate.
  const bool has_passed =
      client->is_bound() && frame.heartbeat().statement_token() != 0;
  if (!has_passed) {
    CallResources resources = kind.request.resources_of(request);
    if (client->is_bound()) resources.client_id = client->client_id;
    CallStatus status = gate_->EnterFrame(context, resources);
    if (!status.ok()) return status;
  }
  if (!client->is_bound() && !kind.request.may_come_first) {
    return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
            absl::StrCat(kind.request_field->name(),
                         " must come after the stream's first full heartbeat")};
  }
  StreamCaller caller(&channel, client, broker_.limits, &broker_.table);
  return kind.request.answer(
      {context, broker_, caller, *gate_}, request,
      reply->GetReflection()->MutableMessage(reply, kind.response_field));
}

}  // namespace rmq
