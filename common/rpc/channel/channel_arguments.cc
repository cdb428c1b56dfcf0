#include "common/rpc/channel/channel_arguments.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "common/rpc/keepalive.h"
#include "grpc/grpc.h"

namespace rmq {

grpc::ChannelArguments ClientChannelArguments() {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
              ToMillisecondsArgument(kClientKeepaliveTime));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
              ToMillisecondsArgument(kClientKeepaliveTimeout));
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC would measure the bandwidth by pings after answers, and each wakes the
  // broker once more. The measurement helps those who stream megabytes.
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // Each channel has a connection of its own, as RocketMQ's clients do, and
  // dropping a channel ends its attempts to connect. Otherwise equal channels
  // share one connection.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A broker is dialled as named, whatever http_proxy says.
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // The caller repeats calls, gRPC does not. And with its retries gRPC 1.51
  // aborts the process if an answer has no grpc-status, such as a proxy's page.
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return args;
}

int ToMillisecondsArgument(absl::Duration duration) {
  constexpr int64_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(absl::ToInt64Milliseconds(duration), kMost));
}

}  // namespace rmq
