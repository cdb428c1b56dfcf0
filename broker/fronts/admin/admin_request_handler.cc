#include "broker/fronts/admin/admin_request_handler.h"

#include "broker/fronts/admin/broker_methods.h"
#include "broker/fronts/admin/channel_methods.h"
#include "broker/fronts/admin/client_list_methods.h"
#include "broker/fronts/admin/client_methods.h"
#include "broker/fronts/admin/connection_methods.h"
#include "broker/fronts/admin/consistency_methods.h"
#include "broker/fronts/admin/drain_method.h"
#include "broker/fronts/admin/explain_methods.h"
#include "broker/fronts/admin/group_methods.h"
#include "broker/fronts/admin/kick_methods.h"
#include "broker/fronts/admin/membership_methods.h"
#include "broker/fronts/admin/peer_methods.h"
#include "broker/fronts/admin/policy_methods.h"
#include "broker/fronts/admin/reload_methods.h"
#include "broker/fronts/admin/stack_method.h"
#include "broker/fronts/admin/subscription_methods.h"
#include "broker/fronts/admin/watch_method.h"

namespace rmq {
namespace {

// Every method is in one of these lists.
constexpr AdminMethods (*kFamilies[])() = {
    GroupMethods,       ConnectionMethods, ChannelMethods, SubscriptionMethods,
    PolicyMethods,      ExplainMethods,    ClientMethods,  MembershipMethods,
    ConsistencyMethods, ClientListMethods, KickMethods,    PeerMethods,
    ReloadMethods,      BrokerMethods,
};

// Every method with many responses is one of these.
std::vector<AdminStreamingMethod> Streaming() {
  return {WatchMethod(), DrainMethod(), StackMethod()};
}

}  // namespace

void AdminRequestHandler::AddMethods(MethodTable* table) const {
  for (const auto& family : kFamilies) {
    for (const AdminMethod& method : family()) method(broker_, table);
  }
  for (const ResponsesMethod& method : StreamingMethods()) {
    table->AddStreaming(method.descriptor);
  }
}

std::vector<ResponsesMethod> AdminRequestHandler::StreamingMethods() const {
  std::vector<ResponsesMethod> methods;
  for (const AdminStreamingMethod& method : Streaming()) {
    methods.push_back(method(broker_));
  }
  return methods;
}

}  // namespace rmq
