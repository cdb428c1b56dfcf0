// The broker's gRPC server: its port, its threads, its services, its end.
#ifndef BROKER_SERVICE_GRPC_SERVER_H_
#define BROKER_SERVICE_GRPC_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/fronts/admin/admin_front.h"
#include "broker/fronts/clientmanager/client_manager_front.h"
#include "broker/fronts/edge_counters.h"
#include "broker/housekeeping/housekeeping.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/registry/client_table.h"
#include "broker/timer/alarm.h"
#include "common/clock.h"
#include "common/rpc/keepalive.h"
#include "common/rpc/server/address_rates.h"
#include "common/rpc/server/authorizer.h"

namespace rmq {

// Serves ClientManager, ClientManagerAdmin, server reflection and the standard
// health service on one address. Thread-safe.
class GrpcServer {
 public:
  struct Options {
    // "host:port"; port 0 lets the system choose, port() tells which.
    std::string address = "127.0.0.1:10911";
    // Larger frames and messages are refused with RESOURCE_EXHAUSTED; 1 KiB to
    // 64 MiB.
    size_t max_frame_bytes = 1024 * 1024;
    // Frames a second and channel; 0: no limit.
    int32_t max_frame_rate = 100;
    // A client that leaves a write pending for longer is cut off.
    absl::Duration slow_reader_limit = absl::Seconds(30);
    // Calls that are open on one connection, streams and unary ones; 1 to
    // 1,000,000. Proxies have those of many clients on one.
    int max_streams_per_connection = 2048;
    AddressRates::Options rates;
    // A connection on which nothing came for `keepalive_time` is asked for a
    // sign of life, and closed if none comes within `keepalive_timeout`; with
    // or without a call on it.
    absl::Duration keepalive_time = kBrokerKeepaliveTime;
    absl::Duration keepalive_timeout = kBrokerKeepaliveTimeout;
    // Threads that handle calls, each with its own completion queues.
    int threads = 1;
    // How long such a thread sleeps when it has handled all that came, so that
    // what comes meanwhile shares a wake-up; at most 100 ms, 0: not at all.
    absl::Duration nap = absl::Milliseconds(2);

    // InvalidArgument naming the field that makes no sense.
    absl::Status Validate() const;
  };

  // What the calls are answered with; borrowed, outlives the server.
  struct Core {
    ClientManagerFront* client_manager;
    const AdminFront* admin;
    Authorizer* authorizer;
    ClientTable* table;
    Housekeeping* housekeeping;
    ConsumerIdsNotifier* notifier;
    // Wakes the server's timer; the notifier's deadlines bring it forward. For
    // this server alone.
    Alarm* alarm;
    Clock* clock;
    EdgeCounters* counters;
  };

  // Listens and serves. InvalidArgument for options that do not validate;
  // Unavailable, in one line, if it cannot listen there.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const Options& options, const Core& core);

  // Shuts down at once if that has not been done.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // "host:port" it listens on, with the port that was chosen.
  const std::string& address() const;
  int port() const;

  // Goes down gracefully: health says NOT_SERVING, new streams and calls are
  // turned away and open streams end with UNAVAILABLE, calls in progress are
  // finished; what is left after `timeout` is cancelled. Calls of server
  // reflection, which may stay open for ever, are not waited for.
  // Blocks until all is over. Calls after the first do nothing.
  void Shutdown(absl::Duration timeout);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // BROKER_SERVICE_GRPC_SERVER_H_
