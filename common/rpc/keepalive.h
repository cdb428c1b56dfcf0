// How the two ends of a connection find out that the other is gone without a
// word. One header, because they must agree: a broker ends a connection whose
// client pings oftener than it permits (ENHANCE_YOUR_CALM, "too_many_pings").
#ifndef COMMON_RPC_KEEPALIVE_H_
#define COMMON_RPC_KEEPALIVE_H_

#include "absl/time/time.h"

namespace rmq {

// A client pings a connection that has been quiet for this long, also while no
// call is open on it (GRPC_ARG_KEEPALIVE_TIME_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1).
inline constexpr absl::Duration kClientKeepaliveTime = absl::Seconds(30);

// A ping that is not answered for this long ends the connection
// (GRPC_ARG_KEEPALIVE_TIMEOUT_MS).
inline constexpr absl::Duration kClientKeepaliveTimeout = absl::Seconds(10);

// What clients of any language are promised: one may ping this often, also
// while no call is open. It is the least that Go's gRPC can be set to.
inline constexpr absl::Duration kPromisedPingInterval = absl::Seconds(10);

// What a broker really permits
// (GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1): pings that leave 10 s apart
// arrive closer together when the first one was held up on its way.
inline constexpr absl::Duration kBrokerPermittedPingInterval = absl::Seconds(8);

static_assert(kPromisedPingInterval <= kClientKeepaliveTime,
              "a client must not ping oftener than brokers promise to permit");
static_assert(kBrokerPermittedPingInterval < kPromisedPingInterval,
              "pings need room for jitter");

// A broker pings a connection on which nothing came for this long, also while
// no call is open on it (GRPC_ARG_KEEPALIVE_TIME_MS). Clients of this library
// never wait for it: they ping or heartbeat oftener.
inline constexpr absl::Duration kBrokerKeepaliveTime = absl::Seconds(120);

// A ping of the broker that is not answered for this long ends the connection
// (GRPC_ARG_KEEPALIVE_TIMEOUT_MS). So does anything else that it sent and whose
// receipt the peer's machine does not confirm for as long: gRPC sets
// TCP_USER_TIMEOUT to it.
inline constexpr absl::Duration kBrokerKeepaliveTimeout = absl::Seconds(20);

}  // namespace rmq

#endif  // COMMON_RPC_KEEPALIVE_H_
