// The message of a push that the consumer ids of a group have changed.
#ifndef BROKER_FRONTS_CLIENTMANAGER_FILL_PUSH_H_
#define BROKER_FRONTS_CLIENTMANAGER_FILL_PUSH_H_

#include "absl/time/time.h"
#include "broker/registry/membership_push.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

namespace pb = ::rocketmq::clientmanager::v1;

// Fills all of `message`, which is written at `now`, by a broker that has
// settled at `settled_at`. From `settled_at` on the message does not depend on
// `now`.
void FillPush(const MembershipPush& push, absl::Time settled_at, absl::Time now,
              pb::NotifyConsumerIdsChanged* message);

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_FILL_PUSH_H_
