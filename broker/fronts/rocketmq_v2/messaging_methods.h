// The unary methods of RocketMQ 5's MessagingService.
#ifndef BROKER_FRONTS_ROCKETMQ_V2_MESSAGING_METHODS_H_
#define BROKER_FRONTS_ROCKETMQ_V2_MESSAGING_METHODS_H_

#include "absl/strings/string_view.h"
#include "broker/fronts/clientmanager/client_request.h"
#include "broker/fronts/rocketmq_v2/sdk_broker.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "common/response_code.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "google/protobuf/descriptor.h"

namespace rmq {

const google::protobuf::ServiceDescriptor& MessagingServiceDescriptor();

// Adds every unary method. What needs messages is answered NOT_IMPLEMENTED.
// `broker` outlives the table's calls.
void AddMessagingMethods(const SdkBroker& broker, MethodTable* table);

// Who calls. `headers` outlives the result.
SdkClients::Who CallerOf(const CallContext& call, const SdkHeaders& headers);

// What a call names; each may be empty but the client id.
struct SdkNames {
  absl::string_view client_id;
  absl::string_view group;
  absl::string_view topic;
};

// Whether a call may name these: asks the rules, and whether another user holds
// the client id.
CallStatus CheckCall(const ClientBroker& broker, Gate& gate,
                     const CallContext& call, const SdkNames& names);

// Whether the client may be what it states: asked as sending to its topics, and
// as receiving from them in its group.
CallStatus CheckStatement(Gate& gate, const CallContext& call,
                          absl::string_view client_id,
                          const SdkStatement& statement);

}  // namespace rmq

#endif  // BROKER_FRONTS_ROCKETMQ_V2_MESSAGING_METHODS_H_
