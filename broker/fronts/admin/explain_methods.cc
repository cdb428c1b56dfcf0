#include "broker/fronts/admin/explain_methods.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "broker/fronts/proto_time.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/client_channel.h"

namespace rmq {
namespace {

// Clients named in one answer.
constexpr size_t kMaxSkippedClients = 100;

struct ChannelCounts {
  int64_t streams = 0;
  int64_t stand_ins = 0;
};

ChannelCounts CountConsumers(const ClientTable& table,
                             const std::string& group) {
  ChannelCounts counts;
  MemberCursor cursor = 0;
  std::vector<ClientChannelPtr> channels;
  do {
    channels.clear();
    table.ListChannels(group, ClientTable::kMaxPiece, &cursor, &channels);
    for (const ClientChannelPtr& channel : channels) {
      ++(channel->kind() == ClientChannel::Kind::kStream ? counts.streams
                                                         : counts.stand_ins);
    }
  } while (cursor != 0);
  return counts;
}

void FillSkipped(const AdminBroker& broker, const std::string& group,
                 pb::ExplainGroupResponse* response) {
  for (const SkippedClient& client :
       broker.policy.skipped().Of(group, kMaxSkippedClients)) {
    pb::SkippedClient* const message = response->add_skipped();
    message->set_client_id(client.client_id);
    message->set_producer(client.kind == GroupKind::kProducer);
    message->set_reason(static_cast<pb::SkippedGroup::Reason>(client.reason));
    message->set_message(Explain(
        {group, client.kind, client.reason, /*is_news=*/false, client.detail}));
    FillTimestamp(broker.clock.ClockToWall(client.last),
                  message->mutable_last_at());
    message->set_times(client.times);
  }
}

CallStatus ExplainGroup(const AdminCall& call,
                        const pb::ExplainGroupRequest& request,
                        pb::ExplainGroupResponse* response) {
  const AdminBroker& broker = call.broker;
  const std::string& name = request.group();
  const absl::Status form = ValidateGroup("group", name, broker.limits);
  if (!form.ok()) return FromStatus(form);

  const ChannelCounts consumers = CountConsumers(broker.table, name);
  response->set_consumer_streams(consumers.streams);
  response->set_consumer_unary_channels(consumers.stand_ins);
  if (const auto producers = broker.table.FindProducerGroup(name)) {
    response->set_producer_channels(static_cast<int64_t>(producers->channels));
  }
  if (consumers.streams + consumers.stand_ins == 0) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_NOBODY);
  }
  if (!broker.notifies) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_BROKER_SWITCH);
  }
  if (const auto config = broker.policy.FindSubscriptionGroup(name)) {
    response->set_has_config(true);
    if (!config->notify_consumer_ids_changed_enable) {
      response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_GROUP_SWITCH);
    }
  }
  if (const auto group = broker.table.FindConsumerGroup(name)) {
    response->set_message_model(
        static_cast<pb::MessageModel>(group->modes.message_model));
    if (group->modes.message_model == MessageModel::kBroadcasting) {
      response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_BROADCASTING);
    }
  }
  if (consumers.streams == 0 && consumers.stand_ins > 0) {
    response->add_obstacles(pb::ExplainGroupResponse::OBSTACLE_UNARY_MEMBERS);
  }
  FillSkipped(broker, name, response);
  return {};
}

}  // namespace

AdminMethods ExplainMethods() { return {MethodOf(ExplainGroup)}; }

}  // namespace rmq
