#include "broker/fronts/admin/fill_admin.h"

#include <string>

#include "broker/fronts/proto_time.h"

namespace rmq {

void FillConnection(const MemberInfo& member, Clock& clock,
                    pb::Connection* message) {
  const ClientChannel& channel = *member.channel;
  message->set_client_id(member.client_id);
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_language(static_cast<pb::LanguageCode>(member.language));
  message->set_version(member.version);
  FillTimestamp(clock.ClockToWall(channel.opened_at()),
                message->mutable_connected_at());
  FillTimestamp(clock.ClockToWall(member.last_heard),
                message->mutable_last_heard_at());
  message->set_channel_id(channel.id());
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
  FillLabels(member.labels, message->mutable_labels());
  message->set_principal(member.principal);
}

void FillChannel(const ClientChannel& channel, Clock& clock,
                 pb::Channel* message) {
  message->set_channel_id(channel.id());
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
  message->set_writable(channel.writable());
  FillTimestamp(clock.ClockToWall(channel.opened_at()),
                message->mutable_opened_at());
  FillTimestamp(clock.ClockToWall(channel.last_heard()),
                message->mutable_last_heard_at());
}

void FillSubscription(absl::string_view topic,
                      const SubscriptionData& subscription,
                      pb::SubscriptionData* message) {
  message->set_topic(std::string(topic));
  message->set_expression(subscription.expression);
  message->set_expression_type(subscription.expression_type);
  message->set_sub_version(subscription.sub_version);
}

}  // namespace rmq
