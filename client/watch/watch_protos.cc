#include "client/watch/watch_protos.h"

#include <cstddef>

#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

WatchedEvent::Type TypeOf(v1::WatchEvent::Type type) {
  switch (type) {
    case v1::WatchEvent::TYPE_CLIENT_REGISTER:
      return WatchedEvent::Type::kClientRegister;
    case v1::WatchEvent::TYPE_CLIENT_UNREGISTER:
      return WatchedEvent::Type::kClientUnregister;
    case v1::WatchEvent::TYPE_REGISTER: return WatchedEvent::Type::kRegister;
    case v1::WatchEvent::TYPE_UNREGISTER:
      return WatchedEvent::Type::kUnregister;
    case v1::WatchEvent::TYPE_DUPLICATE_CLIENT_ID:
      return WatchedEvent::Type::kDuplicateClientId;
    case v1::WatchEvent::TYPE_SUBSCRIPTIONS_INCONSISTENT:
      return WatchedEvent::Type::kSubscriptionsInconsistent;
    case v1::WatchEvent::TYPE_SUBSCRIPTIONS_CONSISTENT:
      return WatchedEvent::Type::kSubscriptionsConsistent;
    default: return WatchedEvent::Type::kUnknown;  // Also of a later version.
  }
}

absl::optional<RemovalReason> ReasonOf(v1::RemovalReason reason) {
  const int number = static_cast<int>(reason) - 1;
  if (number < 0 || number >= static_cast<int>(kRemovalReasons)) return {};
  return static_cast<RemovalReason>(number);
}

// The fields that a member and an event have in common.
template <typename Proto>
WatchedMember MemberOf(const Proto& proto) {
  WatchedMember member;
  member.group = proto.group();
  member.is_producer = proto.kind() == v1::GROUP_KIND_PRODUCER;
  member.client_id = proto.client_id();
  member.channel_id = proto.channel_id();
  member.remote_address = proto.remote_address();
  member.is_stream = proto.stream();
  member.language = v1::LanguageCode_IsValid(proto.language())
                        ? static_cast<LanguageCode>(proto.language())
                        : LanguageCode::kOther;
  member.version = proto.version();
  member.labels.insert(proto.labels().begin(), proto.labels().end());
  return member;
}

}  // namespace

WatchedMember FromProto(const v1::WatchedMember& member) {
  return MemberOf(member);
}

WatchedEvent FromProto(const v1::WatchEvent& event) {
  WatchedEvent plain;
  plain.revision = event.revision();
  plain.time = absl::FromUnixSeconds(event.time().seconds()) +
               absl::Nanoseconds(event.time().nanos());
  plain.type = TypeOf(event.type());
  plain.member = MemberOf(event);
  plain.reason = ReasonOf(event.reason());
  plain.detail = event.detail();
  return plain;
}

}  // namespace rmq
