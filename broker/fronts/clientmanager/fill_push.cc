#include "broker/fronts/clientmanager/fill_push.h"

#include <string>

#include "broker/fronts/clientmanager/settling.h"
#include "common/member_change.h"

namespace rmq {
namespace {

void FillChange(const MemberChange& change, pb::MemberChange* message) {
  message->set_client_id(change.client_id);
  if (change.type == MemberChange::Type::kJoined) {
    message->set_type(pb::MemberChange::TYPE_JOINED);
    return;
  }
  message->set_type(pb::MemberChange::TYPE_LEFT);
  // On the wire each number is one greater.
  message->set_reason(
      static_cast<pb::RemovalReason>(static_cast<int>(change.reason) + 1));
}

}  // namespace

void FillPush(const MembershipPush& push, absl::Time settled_at, absl::Time now,
              pb::NotifyConsumerIdsChanged* message) {
  message->set_group(push.group);
  message->set_epoch(push.epoch);
  message->set_base_epoch(push.base_epoch);
  for (const MemberChange& change : push.changes) {
    FillChange(change, message->add_changes());
  }
  for (const std::string& client_id : push.client_ids) {
    message->add_client_ids(client_id);
  }
  message->set_complete(push.complete);
  FillSettling(settled_at, now, message);
}

}  // namespace rmq
