// How the broker's gRPC server listens and what it allows its clients.
#ifndef BROKER_SERVER_SERVER_OPTIONS_H_
#define BROKER_SERVER_SERVER_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/keepalive.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/payer_rates.h"
#include "common/security/server_tls_options.h"

namespace rmq {

struct ServerOptions {
  // The largest max_frame_bytes.
  static constexpr size_t kLargestFrame = 64 * 1024 * 1024;

  // What ParseServerAddress() takes, or several, with commas between. A bare
  // "host:port" has TLS if `tls` is on. With port 0 the system chooses one, see
  // GrpcServer::port().
  std::string address = "127.0.0.1:10911";
  // The same, for operators: with it the admin service is served there and on
  // Unix sockets alone. Empty: it is served on `address`.
  std::string admin_address;
  ServerTlsOptions tls;
  // Whether gRPC tells the services to who asks: "on", "off", or "auto": while
  // all addresses are loopback. gRPC answers by itself, so that the Authorizer
  // is not asked.
  std::string reflection = "auto";
  // Larger frames and messages are refused with RESOURCE_EXHAUSTED; 1 KiB to
  // 64 MiB.
  size_t max_frame_bytes = 1024 * 1024;
  // Frames per second and stream; 0: no limit.
  int32_t max_frame_rate = 100;
  // A client that leaves a write pending for longer is cut off.
  absl::Duration slow_reader_limit = absl::Seconds(30);
  // The most open calls on one connection, streams and unary ones together; 1
  // to 1,000,000. A proxy's connection carries the calls of many clients.
  int max_streams_per_connection = 2048;
  // Its `max_calls` and `max_message_bytes` are the settings above.
  Connections::Options connections;
  PayerRates::Options rates;
  // A connection on which nothing came for `keepalive_time` is pinged, and is
  // closed if no answer comes within `keepalive_timeout`; also a connection
  // without a call.
  absl::Duration keepalive_time = kBrokerKeepaliveTime;
  absl::Duration keepalive_timeout = kBrokerKeepaliveTimeout;
  // Threads that handle calls, each with its own completion queues.
  int threads = 1;
  // How long such a thread sleeps when it has handled all events, so that the
  // next ones share a wake-up; at most 100 ms. 0: it does not sleep.
  absl::Duration nap = absl::Milliseconds(2);

  static constexpr size_t kMostAddresses = 16;
  // The parts of `address`, then those of `admin_address`. Returns
  // InvalidArgument, naming it.
  absl::StatusOr<std::vector<ListenAddress>> ListenAddresses() const;

  // Whether the services are told. The options must validate.
  bool TellsServices() const;

  // How the addresses are secured, each in words, in their order, with "; "
  // between. The options must validate.
  std::string SecurityText() const;

  // Returns InvalidArgument, naming the field, for an invalid option.
  absl::Status Validate() const;
};

}  // namespace rmq

#endif  // BROKER_SERVER_SERVER_OPTIONS_H_
