// Stands for the unary calls of one client.
#ifndef BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CHANNEL_H_
#define BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CHANNEL_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/remote_address.h"

namespace rmq {

// Nothing can be written to it: pushes and ends are dropped. It lives until it
// expires or its last group goes.
class StandInChannel final
    : public ClientChannel,
      public std::enable_shared_from_this<StandInChannel> {
 public:
  // `remote_address` is that of the call that made it.
  explicit StandInChannel(absl::string_view remote_address)
      : ClientChannel(Kind::kStandIn) {
    remote_address_.Set(remote_address);
  }

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush>) override {}
  void End(const ChannelEnd&) override {}
  bool writable() const override { return false; }
  absl::string_view remote_address() const override {
    return remote_address_.text();
  }

 private:
  RemoteAddress remote_address_;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_CLIENTMANAGER_STAND_IN_CHANNEL_H_
