// How the connections of the broker's server are set up.
#ifndef COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_
#define COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_

#include <limits>

#include "absl/time/time.h"
#include "common/rpc/keepalive.h"
#include "grpc/grpc.h"
#include "grpcpp/server_builder.h"

namespace rmq {

// The times as common/rpc/keepalive.h has them. `max_streams` calls on a
// connection are what clients are told; those that do not listen are not held
// to it.
inline void SetConnectionArguments(
    grpc::ServerBuilder* builder,
    absl::Duration keepalive_time = kBrokerKeepaliveTime,
    absl::Duration keepalive_timeout = kBrokerKeepaliveTimeout,
    int max_streams = std::numeric_limits<int>::max()) {
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  // Otherwise a second broker would share the port in silence.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // By default gRPC's server asks a silent connection for a sign of life every
  // two hours, and one without a call never.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              milliseconds(keepalive_time));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              milliseconds(keepalive_timeout));
  // Both ways: the server's pings, and the clients'.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      milliseconds(kBrokerPermittedPingInterval));
  // gRPC would measure the bandwidth of each connection, by pings and timers of
  // its own after most heartbeats: a third of what they cost. It is of use to
  // who streams megabytes.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, max_streams);
  // gRPC would inflate a message before it looks at its size: see inflate.h.
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_
