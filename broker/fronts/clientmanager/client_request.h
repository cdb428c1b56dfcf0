// What a request of the ClientManager service is made of.
#ifndef BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_H_
#define BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_H_

#include <functional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/fronts/client_id_holder.h"
#include "broker/fronts/clientmanager/broker_identity.h"
#include "broker/fronts/clientmanager/caller.h"
#include "broker/fronts/clientmanager/stand_in_caller.h"
#include "broker/fronts/edge_counters.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_table.h"
#include "broker/registry/statement.h"
#include "common/response_code.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/validation.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// What requests of clients act on: the parts of the broker, borrowed.
struct ClientBroker {
  BrokerIdentity identity;
  Limits limits;
  // Until then the broker is settling: members may not have come back since its
  // start. Lists of members and pushes say so.
  absl::Time settled_at;
  ClientTable& table;
  ClientManageProcessor& processor;
  EdgeCounters& counters;
};

// One request, past the gate: a unary call, or a frame of a stream.
struct ClientCall {
  const CallContext& context;
  const ClientBroker& broker;
  Caller& caller;
  // For what the gate was not told: see CallResources.
  Gate& gate;

  ClientPrincipal principal() const {
    return {context.peer.principal, context.peer.is_trial};
  }
  // That the request acts as `client_id`.
  ClientIdClaim ClaimOf(absl::string_view client_id) const {
    return {client_id, principal(), context.peer.address, context.method.name(),
            context.now};
  }
  // Whether it may, as far as others hold the id: see rmq::CheckHolder(). Free
  // if there are no rules.
  CallStatus CheckHolder(absl::string_view client_id) const {
    if (context.peer.generation == 0) return {};
    return rmq::CheckHolder(ClaimOf(client_id), broker.table,
                            &broker.counters.denials);
  }
};

inline const google::protobuf::ServiceDescriptor& ClientServiceDescriptor() {
  return *pb::ClientFrame::descriptor()->file()->FindServiceByName(
      "ClientManager");
}

// A kind of request, which comes as a call of a unary method, or as a frame.
struct ClientRequest {
  const google::protobuf::MethodDescriptor* method;
  // Whether it may come on a stream before the first full heartbeat.
  bool may_come_first;
  // Adds the unary method to a table. `broker` must outlive the table's calls.
  std::function<void(const ClientBroker& broker, MethodTable*)> add_method;
  // For frames. The messages are those of the method.
  std::function<CallResources(const google::protobuf::Message& request)>
      resources_of;
  std::function<CallStatus(const ClientCall&,
                           const google::protobuf::Message& request,
                           google::protobuf::Message* response)>
      answer;
};

// The client id that a request states; empty if the request has no such field.
template <typename Request>
auto ClientIdIn(const Request& request, int /*preferred*/)
    -> decltype(absl::string_view(request.client_id())) {
  return request.client_id();
}
template <typename Request>
absl::string_view ClientIdIn(const Request& /*request*/, long /*fallback*/) {
  return "";
}

// Whether a request may come first on a stream, and which message's items its
// unary calls are weighed by.
struct ClientRequestOptions {
  bool may_come_first = false;
  MethodTable::Weight weight = MethodTable::Weight::kRequestItems;
};

// The request of ClientManager's method that takes a Request, answered by
// `answer`, which fills the response if it returns OK. `resources_of` returns
// what a request names, for the gate.
template <typename Request, typename Response>
ClientRequest RequestOf(CallStatus (*answer)(const ClientCall&, const Request&,
                                             Response*),
                        CallResources (*resources_of)(const Request&),
                        const ClientRequestOptions& options = {}) {
  ClientRequest result;
  result.method =
      &MethodTaking(*Request::descriptor(), ClientServiceDescriptor());
  result.may_come_first = options.may_come_first;
  result.add_method = [method = result.method, answer, resources_of,
                       weight = options.weight](const ClientBroker& broker,
                                                MethodTable* table) {
    MethodTable::MethodOptions method_options;
    method_options.weight = weight;
    method_options.is_for_clients = true;
    table->Add<Request, Response>(
        *method, method_options, resources_of,
        [&broker, answer, &gate = table->gate()](const CallContext& context,
                                                 const Request& request,
                                                 Response* response) {
          StandInCaller caller(ClientIdIn(request, 0), context.peer.address,
                               broker.limits, &broker.table);
          return answer({context, broker, caller, gate}, request, response);
        });
  };
  result.resources_of = [resources_of](const google::protobuf::Message& m) {
    return resources_of(static_cast<const Request&>(m));
  };
  result.answer = [answer](const ClientCall& call,
                           const google::protobuf::Message& request,
                           google::protobuf::Message* response) {
    return answer(call, static_cast<const Request&>(request),
                  static_cast<Response*>(response));
  };
  return result;
}

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_CLIENT_REQUEST_H_
