#include "broker/fronts/admin/fill_watch.h"

#include <string>

#include "broker/fronts/admin/fill_admin.h"
#include "broker/fronts/proto_time.h"
#include "broker/registry/client_channel.h"

namespace rmq {
namespace {

pb::GroupKind ToMessage(GroupKind kind) {
  return kind == GroupKind::kProducer ? pb::GROUP_KIND_PRODUCER
                                      : pb::GROUP_KIND_CONSUMER;
}

pb::WatchEvent::Type ToMessage(EventType type) {
  switch (type) {
    case EventType::kClientRegister:
      return pb::WatchEvent::TYPE_CLIENT_REGISTER;
    case EventType::kClientUnregister:
      return pb::WatchEvent::TYPE_CLIENT_UNREGISTER;
    case EventType::kRegister: return pb::WatchEvent::TYPE_REGISTER;
    case EventType::kUnregister: return pb::WatchEvent::TYPE_UNREGISTER;
    case EventType::kDuplicateClientId:
      return pb::WatchEvent::TYPE_DUPLICATE_CLIENT_ID;
    case EventType::kSubscriptionsInconsistent:
      return pb::WatchEvent::TYPE_SUBSCRIPTIONS_INCONSISTENT;
    case EventType::kSubscriptionsConsistent:
      return pb::WatchEvent::TYPE_SUBSCRIPTIONS_CONSISTENT;
    case EventType::kChange: break;  // Is not kept.
  }
  return pb::WatchEvent::TYPE_UNSPECIFIED;
}

}  // namespace

void FillWatchEvent(const KeptEvent& event, Clock& clock,
                    pb::WatchEvent* message) {
  message->set_revision(event.revision);
  FillTimestamp(clock.ClockToWall(event.at), message->mutable_time());
  message->set_type(ToMessage(event.type));
  if (event.has_group()) message->set_kind(ToMessage(event.kind));
  message->set_group(std::string(event.group()));
  message->set_client_id(std::string(event.client_id()));
  message->set_remote_address(std::string(event.remote_address()));
  FillLabels(event.labels, message->mutable_labels());
  if (event.type == EventType::kClientUnregister) {
    // On the wire each number is one greater.
    message->set_reason(
        static_cast<pb::RemovalReason>(static_cast<int>(event.reason) + 1));
  }
  message->set_channel_id(event.channel_id);
  message->set_stream(event.stream);
  message->set_language(static_cast<pb::LanguageCode>(event.language));
  message->set_version(event.version);
  message->set_detail(std::string(event.detail()));
}

void FillWatchedMember(GroupKind kind, const GroupedMember& grouped,
                       pb::WatchedMember* message) {
  const MemberInfo& member = grouped.member;
  const ClientChannel& channel = *member.channel;
  message->set_kind(ToMessage(kind));
  message->set_group(grouped.group);
  message->set_client_id(member.client_id);
  message->set_channel_id(channel.id());
  message->set_remote_address(std::string(channel.remote_address()));
  message->set_stream(channel.kind() == ClientChannel::Kind::kStream);
  message->set_language(static_cast<pb::LanguageCode>(member.language));
  message->set_version(member.version);
  FillLabels(member.labels, message->mutable_labels());
}

}  // namespace rmq
