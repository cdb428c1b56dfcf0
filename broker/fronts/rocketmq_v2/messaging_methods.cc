#include "broker/fronts/rocketmq_v2/messaging_methods.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "apache/rocketmq/v2/service.pb.h"
#include "broker/assignment/group_assignments.h"
#include "broker/fronts/client_id_holder.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/fronts/rocketmq_v2/route.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "common/rpc/server/authorizer.h"

namespace rmq {
namespace {

// One call, past the gate.
struct SdkCall {
  const CallContext& context;
  const SdkHeaders& headers;
  const SdkBroker& broker;
  Gate& gate;

  SdkClients::Who who() const { return CallerOf(context, headers); }
  const Limits& limits() const { return broker.broker.limits; }
  // See CheckCall(). Either may be empty.
  CallStatus Check(absl::string_view group, absl::string_view topic) const {
    return CheckCall(broker.broker, gate, context,
                     {headers.client_id, group, topic});
  }
};

CallStatus CheckNames(Gate& gate, const CallContext& call,
                      const SdkNames& names) {
  CallResources resources;
  resources.client_id = names.client_id;
  if (!names.group.empty()) resources.groups.push_back(names.group);
  if (!names.topic.empty()) resources.topics.push_back(names.topic);
  return gate.EnterFrame(call, resources);
}

template <typename Request, typename Response>
using Answer = CallStatus (*)(const SdkCall&, const Request&, Response*);

const MethodTable::MethodOptions& Options() {
  static const auto* const options = [] {
    auto* const made = new MethodTable::MethodOptions();
    made->is_for_clients = true;
    made->outcomes = new BodyOutcomeWriter();
    return made;
  }();
  return *options;
}

template <typename Request, typename Response>
void AddMethod(const SdkBroker& broker, MethodTable* table,
               Answer<Request, Response> answer) {
  Gate& gate = table->gate();
  table->Add<Request, Response>(
      MethodTaking(*Request::descriptor(), MessagingServiceDescriptor()),
      Options(),
      // The names stand in the metadata and need a namespace: the handlers ask.
      [](const Request&) { return CallResources(); },
      [&broker, &gate, answer](const CallContext& context,
                               const Request& request, Response* response) {
        SdkHeaders headers;
        CallStatus status =
            ReadHeaders(context.metadata, broker.broker.limits, &headers);
        if (status.ok()) {
          status = answer({context, headers, broker, gate}, request, response);
        }
        FillStatus(status, response->mutable_status());
        return status;
      });
}

template <typename Request, typename Response>
CallStatus NotImplemented(const SdkCall& /*call*/, const Request& /*request*/,
                          Response* /*response*/) {
  return SdkError(v2::NOT_IMPLEMENTED,
                  "this broker keeps clients, not messages");
}

// Without a look at who holds the client id: SdkClients asks about that.
CallStatus CheckNames(const SdkCall& call, absl::string_view group,
                      absl::string_view topic) {
  return CheckNames(call.gate, call.context,
                    {call.headers.client_id, group, topic});
}

// This broker, of which nothing is known but what it was told itself.
// `endpoints` are those of the request.
v2::Broker OwnBroker(const SdkCall& call, const v2::Endpoints& endpoints) {
  const Rocketmq5Options& options = call.broker.options;
  v2::Broker broker;
  broker.set_name(call.broker.broker.identity.broker_name);
  if (!options.advertised_address.empty()) {
    *broker.mutable_endpoints() =
        EndpointsOf(options.AdvertisedAddresses().front());
  } else if (endpoints.addresses_size() > 0) {
    *broker.mutable_endpoints() = endpoints;
  } else {
    *broker.mutable_endpoints() = EndpointsOf(call.broker.address());
  }
  return broker;
}

// The queues of a topic, as a client is told of them. `endpoints` are those of
// the request.
CallStatus RouteOf(const SdkCall& call, const std::string& name,
                   const v2::Resource& topic, const v2::Endpoints& endpoints,
                   v2::QueryRouteResponse* route) {
  const BrokerIdentity& own = call.broker.broker.identity;
  std::vector<v2::Broker> brokers;
  if (const auto cluster = call.broker.cluster(); cluster != nullptr) {
    brokers = RouteBrokers(*cluster, own.broker_name, own.broker_id, endpoints);
  }
  if (brokers.empty()) brokers.push_back(OwnBroker(call, endpoints));
  return FillQueues(call.broker.TopicOf(name), topic, std::move(brokers),
                    own.broker_name, route);
}

CallStatus QueryRoute(const SdkCall& call, const v2::QueryRouteRequest& request,
                      v2::QueryRouteResponse* response) {
  std::string name;
  CallStatus status = TopicName("topic", request.topic(), call.limits(), &name);
  if (status.ok()) status = call.Check("", name);
  if (!status.ok()) return status;
  status = RouteOf(call, name, request.topic(), request.endpoints(), response);
  if (status.ok()) call.broker.clients.NoteTopic(call.who(), name);
  return status;
}

// Assigns the queues that are the client's, of those that it can read.
CallStatus AssignQueues(const SdkCall& call, const std::string& group,
                        const std::string& topic,
                        const v2::QueryAssignmentRequest& request,
                        v2::QueryAssignmentResponse* response) {
  v2::QueryRouteResponse route;
  const CallStatus status =
      RouteOf(call, topic, request.topic(), request.endpoints(), &route);
  if (!status.ok()) return status;
  std::vector<v2::MessageQueue*> queues;
  std::vector<TopicQueue> readable;
  for (v2::MessageQueue& queue : *route.mutable_message_queues()) {
    // A slave's queues are its master's.
    if (queue.permission() == v2::WRITE || queue.broker().id() != 0) continue;
    queues.push_back(&queue);
    readable.push_back({queue.broker().name(), queue.id()});
  }
  for (const size_t place : call.broker.assignments->ShareOf(
           group, call.headers.client_id, topic, readable, call.context.now)) {
    response->add_assignments()->mutable_message_queue()->Swap(queues[place]);
  }
  return {};
}

CallStatus QueryAssignment(const SdkCall& call,
                           const v2::QueryAssignmentRequest& request,
                           v2::QueryAssignmentResponse* response) {
  std::string topic;
  CallStatus status =
      TopicName("topic", request.topic(), call.limits(), &topic);
  if (!status.ok()) return status;
  std::string group;
  status = GroupName("group", request.group(), call.limits(), &group);
  if (status.ok()) status = call.Check(group, topic);
  if (!status.ok()) return status;
  call.broker.clients.NoteTopic(call.who(), topic);
  // No queue: so push consumers ask for no messages.
  if (call.broker.assignments == nullptr) return {};
  return AssignQueues(call, group, topic, request, response);
}

CallStatus Heartbeat(const SdkCall& call, const v2::HeartbeatRequest& request,
                     v2::HeartbeatResponse* /*response*/) {
  CallStatus status = CheckClientType(request.client_type());
  std::string group;
  if (status.ok() && !request.group().name().empty()) {
    status = GroupName("group", request.group(), call.limits(), &group);
  }
  if (status.ok()) status = CheckNames(call, group, "");
  if (!status.ok()) return status;
  const SdkClients::Who who = call.who();
  SdkClients& clients = call.broker.clients;
  if (call.context.peer.generation == 0) {
    return clients.Heartbeat(who, request.client_type(), group);
  }
  // By new rules the client may not be what it has stated. Nor may it be what
  // follows from the routes that it has asked, which needs other rights.
  const SdkStatementPtr stated =
      clients.StatementBy(who, request.client_type(), group);
  if (stated != nullptr) {
    status = CheckStatement(call.gate, call.context, call.headers.client_id,
                            *stated);
    if (!status.ok()) return status;
  }
  return clients.Heartbeat(who, stated);
}

CallStatus NotifyClientTermination(
    const SdkCall& call, const v2::NotifyClientTerminationRequest& /*request*/,
    v2::NotifyClientTerminationResponse* /*response*/) {
  // The client leaves what it is in, whatever the request names. SDKs fail
  // their shutdown on anything but OK.
  return call.broker.clients.Terminate(call.who());
}

}  // namespace

const google::protobuf::ServiceDescriptor& MessagingServiceDescriptor() {
  return *v2::QueryRouteRequest::descriptor()->file()->FindServiceByName(
      "MessagingService");
}

SdkClients::Who CallerOf(const CallContext& call, const SdkHeaders& headers) {
  return {headers,
          call.peer.address,
          {call.peer.principal, call.peer.is_trial},
          call.now,
          call.peer.network};
}

CallStatus CheckCall(const ClientBroker& broker, Gate& gate,
                     const CallContext& call, const SdkNames& names) {
  CallStatus status = CheckNames(gate, call, names);
  if (!status.ok() || call.peer.generation == 0) return status;
  return CheckHolder({names.client_id,
                      {call.peer.principal, call.peer.is_trial},
                      call.peer.address,
                      call.method.name(),
                      call.now},
                     broker.table, &broker.counters.denials);
}

CallStatus CheckStatement(Gate& gate, const CallContext& call,
                          absl::string_view client_id,
                          const SdkStatement& statement) {
  static const auto& kSend = MethodTaking(*v2::SendMessageRequest::descriptor(),
                                          MessagingServiceDescriptor());
  static const auto& kReceive = MethodTaking(
      *v2::ReceiveMessageRequest::descriptor(), MessagingServiceDescriptor());
  CallResources resources;
  resources.client_id = client_id;
  const bool is_producer = statement.type() == v2::PRODUCER;
  if (is_producer) {
    resources.topics.assign(statement.topics().begin(),
                            statement.topics().end());
  } else {
    resources.groups.push_back(statement.group());
    resources.topics = statement.subscribed_topics();
  }
  return gate.EnterFrame(
      {is_producer ? kSend : kReceive, call.peer, call.metadata, call.now},
      resources);
}

void AddMessagingMethods(const SdkBroker& broker, MethodTable* table) {
  AddMethod(broker, table, QueryRoute);
  AddMethod(broker, table, QueryAssignment);
  AddMethod(broker, table, Heartbeat);
  AddMethod(broker, table, NotifyClientTermination);
  const auto add_other = [&](auto request, auto response) {
    AddMethod(broker, table,
              NotImplemented<decltype(request), decltype(response)>);
  };
  add_other(v2::SendMessageRequest(), v2::SendMessageResponse());
  add_other(v2::AckMessageRequest(), v2::AckMessageResponse());
  add_other(v2::ForwardMessageToDeadLetterQueueRequest(),
            v2::ForwardMessageToDeadLetterQueueResponse());
  add_other(v2::UpdateOffsetRequest(), v2::UpdateOffsetResponse());
  add_other(v2::GetOffsetRequest(), v2::GetOffsetResponse());
  add_other(v2::QueryOffsetRequest(), v2::QueryOffsetResponse());
  add_other(v2::EndTransactionRequest(), v2::EndTransactionResponse());
  add_other(v2::ChangeInvisibleDurationRequest(),
            v2::ChangeInvisibleDurationResponse());
  add_other(v2::RecallMessageRequest(), v2::RecallMessageResponse());
  add_other(v2::SyncLiteSubscriptionRequest(),
            v2::SyncLiteSubscriptionResponse());
}

}  // namespace rmq
