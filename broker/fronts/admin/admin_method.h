// What a method of the ClientManagerAdmin service is made of.
#ifndef BROKER_FRONTS_ADMIN_ADMIN_METHOD_H_
#define BROKER_FRONTS_ADMIN_ADMIN_METHOD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "broker/fronts/admin/broker_facts.h"
#include "broker/fronts/admin/drain_followers.h"
#include "broker/fronts/admin/named_resources.h"
#include "broker/fronts/client_threads.h"
#include "broker/fronts/duplicate_streams.h"
#include "broker/housekeeping/drain.h"
#include "broker/logging/audit_log.h"
#include "broker/policy/group_policy.h"
#include "broker/processor/client_kicker.h"
#include "broker/registry/client_table.h"
#include "broker/storage/file_reloader.h"
#include "broker/watch/watches.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/payer_rates.h"
#include "common/rpc/server/response_source.h"
#include "common/rpc/server/response_streams.h"
#include "common/validation.h"
#include "google/protobuf/descriptor.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// What admin methods read and act on: the parts of the broker, borrowed.
struct AdminBroker {
  Limits limits;
  ClientTable& table;
  const GroupPolicy& policy;
  // The broker's notify_consumer_ids_changed_enable.
  bool notifies;
  Clock& clock;
  ClientKicker& kicker;
  // For what a call costs besides its rows.
  PayerRates& rates;
  // For Drain.
  Drain* drain = nullptr;
  DrainFollowers* drain_followers = nullptr;
  // For Watch; the incarnation is that of the BrokerIdentity.
  Watches* watches = nullptr;
  uint64_t incarnation = 0;
  // For what changes the broker or its clients.
  AuditLog* audit = nullptr;
  // For ListPeers.
  const Connections* connections = nullptr;
  // For PrintThreadStackTrace. Null: no client can be asked.
  ClientThreads* threads = nullptr;
  // For ListDuplicateClientIds: those besides the table's. Null: there are
  // none.
  const DuplicateStreams* duplicates = nullptr;
  // For ReloadConfig. Null: there are no files.
  FileReloader* reloader = nullptr;
  // Not null: the service is served on connections for operators alone.
  const Connections* only_for_operators = nullptr;
  // For GetBroker.
  BrokerFacts facts = {};
};

// Whether the service is served on the connection of a call: OK, or
// PERMISSION_DENIED.
inline CallStatus CheckConnection(const AdminBroker& broker,
                                  const CallContext& call) {
  if (broker.only_for_operators == nullptr ||
      broker.only_for_operators->IsForOperators(call.peer.address)) {
    return {};
  }
  return {absl::StatusCode::kPermissionDenied, ResponseCode::kSystemError,
          "what operators call is served on the broker's admin_address and on "
          "its Unix sockets, and not here"};
}

// One call of an admin method, past the gate.
struct AdminCall {
  const CallContext& context;
  const AdminBroker& broker;
};

// Adds one method to a table. `broker` must outlive the table's calls.
using AdminMethod =
    std::function<void(const AdminBroker& broker, MethodTable*)>;
using AdminMethods = std::vector<AdminMethod>;

inline const google::protobuf::ServiceDescriptor& AdminServiceDescriptor() {
  return *pb::ListGroupsRequest::descriptor()->file()->FindServiceByName(
      "ClientManagerAdmin");
}

// The method of ClientManagerAdmin that takes a Request, answered by `answer`,
// which fills the response if it returns OK. The gate gets the fields
// client_id, group and topic of the request.
template <typename Request, typename Response>
AdminMethod MethodOf(CallStatus (*answer)(const AdminCall&, const Request&,
                                          Response*)) {
  return [answer](const AdminBroker& broker, MethodTable* table) {
    MethodTable::MethodOptions options;
    options.weight = MethodTable::Weight::kResponseRows;
    table->Add<Request, Response>(
        MethodTaking(*Request::descriptor(), AdminServiceDescriptor()), options,
        [](const Request& request) { return NamedResources(request); },
        [answer, &broker](const CallContext& context, const Request& request,
                          Response* response) {
          CallStatus status = CheckConnection(broker, context);
          if (!status.ok()) return status;
          return answer(AdminCall{context, broker}, request, response);
        });
  };
}

// A method that answers one request with many responses. `broker` must outlive
// its calls.
using AdminStreamingMethod =
    std::function<ResponsesMethod(const AdminBroker& broker)>;

// The streaming method of ClientManagerAdmin that takes a Request, whose calls
// get their sources from `answer`. `limits_of` tells how many may be open. The
// gate gets what the request names.
template <typename Request>
AdminStreamingMethod ResponsesOf(
    ResponsesMethod::Limits (*limits_of)(const AdminBroker&),
    CallStatus (*answer)(const AdminCall&, const Request&, ResponseWaker,
                         std::shared_ptr<ResponseSource>*)) {
  return [limits_of, answer](const AdminBroker& broker) {
    return ResponsesMethod::Of<Request>(
        MethodTaking(*Request::descriptor(), AdminServiceDescriptor()),
        limits_of(broker),
        [](const Request& request) { return NamedResources(request); },
        [answer, &broker](const CallContext& context, const Request& request,
                          ResponseWaker waker,
                          std::shared_ptr<ResponseSource>* source) {
          CallStatus status = CheckConnection(broker, context);
          if (!status.ok()) return status;
          return answer(AdminCall{context, broker}, request, std::move(waker),
                        source);
        });
  };
}

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_ADMIN_METHOD_H_
