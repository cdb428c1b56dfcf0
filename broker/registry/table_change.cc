#include "broker/registry/table_change.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"

namespace rmq {

ClientEvent& TableChange::Add(EventType type, const RegisteredGroup& group) {
  ClientEvent& event = events_.emplace_back();
  event.type = type;
  event.kind = group.kind;
  event.revision = revision_;
  event.at = now_;
  event.group = group.name;
  return event;
}

ClientEvent& TableChange::AddOf(EventType type, const RegisteredGroup& group,
                                const Registrant& who) {
  ClientEvent& event = Add(type, group);
  event.client_id = std::string(who.client.client_id());
  event.channel = who.channel.port;
  event.principal = who.channel.principal;
  event.labels = who.channel.labels();
  event.language = who.language;
  event.version = who.version;
  return event;
}

ClientEvent& TableChange::AddJoined(const RegisteredGroup& group,
                                    const Registrant& who) {
  return AddOf(EventType::kClientRegister, group, who);
}

ClientEvent& TableChange::AddLeft(const ChannelRecord& channel,
                                  const Membership& membership,
                                  RemovalReason reason,
                                  absl::string_view client_id) {
  ClientEvent& event = Add(EventType::kClientUnregister, *membership.group);
  event.reason = reason;
  event.client_id = std::string(client_id);
  event.channel = channel.port;
  event.principal = channel.principal;
  event.labels = channel.labels();
  event.language = membership.language;
  event.version = membership.version;
  event.last_heard = std::max(channel.LastStated(membership), heard_floor_);
  event.channel_expiry = channel.Expiry(usual_expiry_);
  return event;
}

ClientEvent& TableChange::AddStatement(const RegisteredGroup& group,
                                       const Registrant& who) {
  return AddOf(EventType::kRegister, group, who);
}

ClientEvent& TableChange::AddConsumerIdsChanged(const RegisteredGroup& group) {
  return Add(EventType::kChange, group);
}

ClientEvent& TableChange::AddGroupGone(const RegisteredGroup& group,
                                       RemovalReason reason) {
  ClientEvent& event = Add(EventType::kUnregister, group);
  event.reason = reason;
  return event;
}

void TableChange::AddDuplicateClientId(const ChannelRecord& channel,
                                       absl::string_view client_id,
                                       absl::string_view other_address) {
  ClientEvent& event = events_.emplace_back();
  event.type = EventType::kDuplicateClientId;
  event.kind = GroupKind::kConsumer;
  event.revision = revision_;
  event.at = now_;
  event.client_id = std::string(client_id);
  event.channel = channel.port;
  event.principal = channel.principal;
  event.detail = std::string(other_address);
}

void TableChange::AddInconsistent(const RegisteredGroup& group,
                                  std::string difference) {
  Add(EventType::kSubscriptionsInconsistent, group).detail =
      std::move(difference);
}

void TableChange::AddConsistent(const RegisteredGroup& group) {
  Add(EventType::kSubscriptionsConsistent, group);
}

void TableChange::Append(TableChange part) {
  absl::c_move(part.events_, std::back_inserter(events_));
  moves_epoch_ |= part.moves_epoch_;
}

}  // namespace rmq
