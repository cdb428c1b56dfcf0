// How the connections of the broker's server are set up.
#ifndef COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_
#define COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_

#include <limits>

#include "absl/time/time.h"
#include "common/rpc/keepalive.h"
#include "grpc/grpc.h"
#include "grpcpp/server_builder.h"

namespace rmq {

// A connection must have been set up by then: HTTP/2's settings must have come,
// and TLS's handshake.
inline constexpr absl::Duration kHandshakeLimit = absl::Seconds(10);

// Sets the arguments of all connections of the server. common/rpc/keepalive.h
// explains the keepalive times. gRPC announces `max_streams`, the most open
// calls on one connection, to clients, but enforces it only for clients that
// acknowledge it: see Connections.
inline void SetConnectionArguments(
    grpc::ServerBuilder* builder,
    absl::Duration keepalive_time = kBrokerKeepaliveTime,
    absl::Duration keepalive_timeout = kBrokerKeepaliveTimeout,
    int max_streams = std::numeric_limits<int>::max()) {
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  // Otherwise a second process could listen on the same port, unnoticed.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // By default gRPC's server pings a silent connection every two hours, and
  // never pings a connection without a call.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              milliseconds(keepalive_time));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              milliseconds(keepalive_timeout));
  // Applies to the server's pings and to the clients'.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      milliseconds(kBrokerPermittedPingInterval));
  // Otherwise gRPC measures the bandwidth of each connection by pings and
  // timers after most small messages, which is a third of the cost of such a
  // message. The measurement helps only streams of megabytes.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, max_streams);
  // From the acceptor's handing over to the client's settings. By default a
  // client that says no more may keep a connection for two minutes.
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              milliseconds(kHandshakeLimit));
  // Otherwise gRPC inflates a message before it checks its size: see inflate.h.
  builder->AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
}

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_CONNECTION_ARGUMENTS_H_
