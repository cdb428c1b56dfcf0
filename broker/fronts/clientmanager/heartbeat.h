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

// A statement's token as the client is told it, and back: bound to the rules by
// which the statement was checked, so that one checked by earlier rules is
// asked for again. `generation` is the caller's: see Peer.
inline uint64_t BindToken(uint64_t token, uint64_t generation) {
  // Odd, so that each generation gives another number.
  return token == 0 ? 0 : token ^ (generation * 0x9e3779b97f4a7c15);
}

// Fills all of an answer to a full heartbeat but what is about its groups, and
// warnings. `statement_token` is the core's. `expiry` is the channel's.
void FillFullAnswer(const ClientBroker& broker, uint64_t statement_token,
                    uint64_t generation, absl::Duration expiry,
                    pb::HeartbeatResponse* response);

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
