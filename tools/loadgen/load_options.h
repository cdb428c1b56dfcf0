// What load to put on a broker.
#ifndef TOOLS_LOADGEN_LOAD_OPTIONS_H_
#define TOOLS_LOADGEN_LOAD_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/security/credentials.h"
#include "common/security/tls_options.h"

namespace rmq::loadgen {

// When heartbeats are sent.
struct Pace {
  enum class Kind {
    // The next as soon as the last is answered, on every stream.
    kClosedLoop,
    // Each stream once an interval, at a time of its own.
    kInterval,
    // So many a second in all, the streams in turn.
    kRate,
    // None but the first, which registers.
    kSilent,
    // One of each stream, when all have registered; then none.
    kOnce,
  };
  Kind kind = Kind::kInterval;
  absl::Duration interval = absl::Seconds(1);
  double rate = 0;
};

// "closed", "30s", "4000/s", "silent" or "once". InvalidArgument, naming
// `pace`, for anything else.
absl::StatusOr<Pace> ParsePace(absl::string_view text);

// What is spoken to the server.
enum class Protocol {
  kBroker,
  // Keep-alives of leases 1 to `streams`, which must have been granted; for
  // comparison. What is about clients and groups means nothing then.
  kEtcdLeases,
};

struct LoadOptions {
  // "host:port".
  std::string broker = "127.0.0.1:10911";
  // As in rmq::ClientOptions, for all clients of the load.
  absl::optional<TlsOptions> tls;
  absl::optional<Credentials> credentials;
  bool allow_insecure_credentials = false;
  Protocol protocol = Protocol::kBroker;
  int connections = 100;
  // Clients, each with one stream: client i is on connection i % connections.
  int streams = 100;
  // Distinct groups of each kind.
  int groups = 100;
  // Clients fill one group after the other, in the order of their coming, so
  // that a broker that coalesces pushes has few; false: the groups in turn.
  bool fill_groups = false;
  // Of each client.
  int producer_groups = 1;
  int consumer_groups = 1;
  // Of each consumer group.
  int subscriptions = 2;
  // Light heartbeats after the first, or full ones.
  bool light = true;
  Pace pace;
  // Each interval is longer or shorter by up to this part of it.
  double jitter = 0.1;
  // Streams closed and opened again, a second.
  double churn = 0;
  // Streams that end are opened again with the client library's backoff, and
  // are no error.
  bool reconnect = false;
  absl::Duration warmup = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(10);
  // How often progress is told; 0: never.
  absl::Duration live = absl::Seconds(1);
  // Streams that may be opening at once.
  int opening = 256;
  // Streams opened a second, at most; 0: as fast as `opening` allows.
  double open_rate = 0;
  // Clients hold the lists of their groups as the client library does: they
  // take pushes, ask for lists and acknowledge. Otherwise they pass pushes
  // over, as older clients do.
  bool hold_lists = false;
  // All streams must have registered within this.
  absl::Duration opening_timeout = absl::Seconds(120);
  // A heartbeat that is not answered for longer is an error.
  absl::Duration answer_timeout = absl::Seconds(30);
  int threads = 1;
  // Threads poll and never sleep: no server pays for waking them, as none does
  // whose clients are on other machines. Each takes a whole core.
  bool busy_poll = false;
  // Of client ids; they are made up to 32 bytes. Two processes at one broker
  // need different ones.
  std::string client_prefix = "loadgen";
  uint64_t seed = 1;
  // A process on this machine whose CPU time and memory are measured; 0: none.
  int server_pid = 0;

  // InvalidArgument naming the field that makes no sense.
  absl::Status Validate() const;
};

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_LOAD_OPTIONS_H_
