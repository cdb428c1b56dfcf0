#include "broker/fronts/admin/channel_methods.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/admin/no_such_group.h"
#include "broker/registry/client_channel.h"

namespace rmq {
namespace {

CallStatus FindConsumerChannel(const AdminCall& call,
                               const pb::FindConsumerChannelRequest& request,
                               pb::FindConsumerChannelResponse* response) {
  absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  form = ValidateClientId("client_id", request.client_id(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const ClientChannelPtr channel = call.broker.table.FindConsumerChannel(
      request.group(), request.client_id());
  if (channel == nullptr) {
    return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(request.client_id()),
                         " has no channel in consumer group ",
                         Quoted(request.group()))};
  }
  FillChannel(*channel, call.broker.clock, response->mutable_channel());
  return {};
}

CallStatus FindProducerChannel(const AdminCall& call,
                               const pb::FindProducerChannelRequest& request,
                               pb::FindProducerChannelResponse* response) {
  const absl::Status form =
      ValidateClientId("client_id", request.client_id(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const ClientChannelPtr channel =
      call.broker.table.FindProducerChannel(request.client_id());
  if (channel == nullptr) {
    return {absl::StatusCode::kNotFound, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(request.client_id()),
                         " is in no producer group")};
  }
  FillChannel(*channel, call.broker.clock, response->mutable_channel());
  return {};
}

CallStatus GetAvailableProducerChannel(
    const AdminCall& call,
    const pb::GetAvailableProducerChannelRequest& request,
    pb::GetAvailableProducerChannelResponse* response) {
  const absl::Status form =
      ValidateGroup("group", request.group(), call.broker.limits);
  if (!form.ok()) return FromStatus(form);
  const ClientChannelPtr channel =
      call.broker.table.NextAvailableProducer(request.group());
  if (channel == nullptr) {
    return NoSuchGroup(GroupKind::kProducer, request.group());
  }
  FillChannel(*channel, call.broker.clock, response->mutable_channel());
  return {};
}

}  // namespace

AdminMethods ChannelMethods() {
  return {MethodOf(FindConsumerChannel), MethodOf(FindProducerChannel),
          MethodOf(GetAvailableProducerChannel)};
}

}  // namespace rmq
