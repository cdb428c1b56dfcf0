// Why the broker ends a channel.
#ifndef BROKER_REGISTRY_CHANNEL_END_H_
#define BROKER_REGISTRY_CHANNEL_END_H_

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/member_change.h"

namespace rmq {

// What a client is told when its channel ends. A value; a reason is one.
struct ChannelEnd {
  ChannelEnd(RemovalReason reason,  // NOLINT: implicit
             absl::Duration retry_after = absl::ZeroDuration(),
             std::string detail = "")
      : reason(reason), retry_after(retry_after), detail(std::move(detail)) {}

  // kDisconnected: the client may not be here; it is told as a heartbeat would
  // be, and that is not final.
  RemovalReason reason;
  // How long the client should stay away; zero: not said.
  absl::Duration retry_after;
  // In words; may be empty.
  std::string detail;
};

}  // namespace rmq

#endif  // BROKER_REGISTRY_CHANNEL_END_H_
