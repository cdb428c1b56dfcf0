// How each end of a connection notices that the other end has vanished without
// closing it. Both ends' values stand in one header because they must agree: a
// broker closes a connection whose client pings more often than the broker
// permits (ENHANCE_YOUR_CALM, "too_many_pings").
#ifndef COMMON_RPC_KEEPALIVE_H_
#define COMMON_RPC_KEEPALIVE_H_

#include "absl/time/time.h"

namespace rmq {

// A client pings a connection that has been quiet for this long, also while no
// call is open on it (GRPC_ARG_KEEPALIVE_TIME_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1).
inline constexpr absl::Duration kClientKeepaliveTime = absl::Seconds(30);

// The client closes a connection on which a ping is not answered for this long
// (GRPC_ARG_KEEPALIVE_TIMEOUT_MS).
inline constexpr absl::Duration kClientKeepaliveTimeout = absl::Seconds(10);

// The interval that brokers promise to permit to clients of any language, also
// while no call is open. It is the shortest interval that Go's gRPC allows.
inline constexpr absl::Duration kPromisedPingInterval = absl::Seconds(10);

// The interval that a broker enforces
// (GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1). It is shorter than the promise:
// pings that leave 10 s apart arrive closer together if the network delays the
// first of them.
inline constexpr absl::Duration kBrokerPermittedPingInterval = absl::Seconds(8);

static_assert(kPromisedPingInterval <= kClientKeepaliveTime,
              "a client must not ping oftener than brokers promise to permit");
static_assert(kBrokerPermittedPingInterval < kPromisedPingInterval,
              "pings need room for jitter");

// A broker pings a connection on which nothing came for this long, also while
// no call is open on it (GRPC_ARG_KEEPALIVE_TIME_MS). Clients of this library
// never wait for it: they ping or heartbeat oftener.
inline constexpr absl::Duration kBrokerKeepaliveTime = absl::Seconds(120);

// The broker closes a connection on which a ping of the broker is not answered
// for this long (GRPC_ARG_KEEPALIVE_TIMEOUT_MS), or on which the peer's machine
// does not confirm any other sent bytes for this long: gRPC sets
// TCP_USER_TIMEOUT to it as well.
inline constexpr absl::Duration kBrokerKeepaliveTimeout = absl::Seconds(20);

}  // namespace rmq

#endif  // COMMON_RPC_KEEPALIVE_H_
