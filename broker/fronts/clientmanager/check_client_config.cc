#include "broker/fronts/clientmanager/check_client_config.h"

namespace rmq {
namespace {

CallResources CheckResources(const pb::CheckClientConfigRequest& request) {
  CallResources resources;
  resources.client_id = request.client_id();
  resources.groups.push_back(request.group());
  if (!request.subscription().topic().empty()) {
    resources.topics.push_back(request.subscription().topic());
  }
  return resources;
}

CallStatus CheckClientConfig(const ClientCall& call,
                             const pb::CheckClientConfigRequest& request,
                             pb::CheckClientConfigResponse* /*response*/) {
  CallStatus status = call.caller.CheckClientId(request.client_id());
  if (!status.ok()) return status;
  const Limits& limits = call.broker.limits;
  status = FromStatus(ValidateGroup("group", request.group(), limits));
  if (!status.ok()) return status;
  if (!request.has_subscription()) return {};
  const pb::SubscriptionData& subscription = request.subscription();
  if (!subscription.topic().empty()) {
    status = FromStatus(
        ValidateTopic("subscription.topic", subscription.topic(), limits));
    if (!status.ok()) return status;
  }
  return call.broker.processor.CheckClientConfig(subscription.expression_type(),
                                                 subscription.expression());
}

}  // namespace

ClientRequest CheckClientConfigKind() {
  return RequestOf(CheckClientConfig, CheckResources);
}

}  // namespace rmq
