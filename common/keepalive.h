// How the two ends of a connection find out that the other is gone without a
// word. One header, because they must agree: a broker ends a connection whose
// client pings oftener than it permits (ENHANCE_YOUR_CALM, "too_many_pings").
#ifndef COMMON_KEEPALIVE_H_
#define COMMON_KEEPALIVE_H_

#include "absl/time/time.h"

namespace rmq {

// A client pings a connection that has been quiet for this long, also while no
// call is open on it (GRPC_ARG_KEEPALIVE_TIME_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1).
inline constexpr absl::Duration kClientKeepaliveTime = absl::Seconds(30);

// A ping that is not answered for this long ends the connection
// (GRPC_ARG_KEEPALIVE_TIMEOUT_MS).
inline constexpr absl::Duration kClientKeepaliveTimeout = absl::Seconds(10);

// A broker permits pings this far apart, also while no call is open
// (GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
// GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS = 1).
inline constexpr absl::Duration kBrokerPermittedPingInterval =
    absl::Seconds(10);

static_assert(kBrokerPermittedPingInterval < kClientKeepaliveTime,
              "a client must not ping oftener than the broker permits");

}  // namespace rmq

#endif  // COMMON_KEEPALIVE_H_
