// HEART_BEAT = 34: a client states its groups, or that it is alive.
#ifndef BROKER_FRONTS_CLIENTMANAGER_HEARTBEAT_H_
#define BROKER_FRONTS_CLIENTMANAGER_HEARTBEAT_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_request.h"

namespace rmq {

// A full heartbeat binds its caller.
ClientRequest HeartbeatKind();

// Fills all of an answer to a full heartbeat but what is about its groups, and
// warnings. `expiry` is the channel's.
void FillFullAnswer(const ClientBroker& broker, uint64_t statement_token,
                    absl::Duration expiry, pb::HeartbeatResponse* response);

// Fills the epochs of groups, whose elements have a group and an epoch.
template <typename GroupEpochs>
void FillGroupEpochs(const GroupEpochs& epochs,
                     pb::HeartbeatResponse* response) {
  for (const auto& of : epochs) {
    pb::GroupEpoch* const message = response->add_group_epochs();
    message->set_group(std::string(of.group));
    message->set_epoch(of.epoch);
  }
}

// The heartbeat interval that clients are advised of is the channel expiry
// divided by this.
inline constexpr int kIntervalsPerExpiry = 4;

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_HEARTBEAT_H_
