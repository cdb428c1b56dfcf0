// Stands for the unary calls of one client.
#ifndef BROKER_SERVICE_STAND_IN_CHANNEL_H_
#define BROKER_SERVICE_STAND_IN_CHANNEL_H_

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"

namespace rmq {

// Nothing can be written to it: it lives by its expiry, and whoever asks by
// hand reads.
class StandInChannel final : public ClientChannel {
 public:
  // `remote_address` is that of the call that made it.
  explicit StandInChannel(std::string remote_address)
      : ClientChannel(Kind::kStandIn),
        remote_address_(std::move(remote_address)) {}

  void NotifyConsumerIdsChanged(absl::string_view) override {}
  void End(RemovalReason) override {}
  std::string remote_address() const override { return remote_address_; }
  bool writable() const override { return false; }

 private:
  const std::string remote_address_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_STAND_IN_CHANNEL_H_
