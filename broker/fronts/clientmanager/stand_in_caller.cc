#include "broker/fronts/clientmanager/stand_in_caller.h"

#include <memory>

#include "absl/status/statusor.h"
#include "broker/fronts/clientmanager/stand_in_channel.h"

namespace rmq {

ClientChannel* StandInCaller::channel() {
  if (channel_ == nullptr) channel_ = table_.FindStandIn(client_id_);
  return channel_.get();
}

CallStatus StandInCaller::CheckClientId(absl::string_view client_id) const {
  return FromStatus(ValidateClientId("client_id", client_id, limits_));
}

CallStatus StandInCaller::Bind(absl::string_view client_id,
                               absl::string_view principal, absl::Time now) {
  absl::StatusOr<ClientChannelPtr> channel = table_.FindOrOpenStandIn(
      client_id, std::make_shared<StandInChannel>(remote_address_), now,
      principal);
  if (!channel.ok()) return FromStatus(channel.status());
  channel_ = *std::move(channel);
  return {};
}

}  // namespace rmq
