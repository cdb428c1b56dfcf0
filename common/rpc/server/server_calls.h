// What all calls of a server share.
#ifndef COMMON_RPC_SERVER_SERVER_CALLS_H_
#define COMMON_RPC_SERVER_SERVER_CALLS_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/due_task.h"
#include "common/response_code.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/authorizer.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/payer_rates.h"
#include "common/rpc/server/unread_answers.h"

namespace rmq {

// Owns the limits, watches and counters that a server's unary calls and streams
// use; outlives all of them. Each member is thread-safe.
struct ServerCalls {
  struct Options {
    // Larger messages are refused.
    size_t max_message_bytes = 1024 * 1024;
    // Messages per second and stream; 0: no limit.
    int32_t max_message_rate = 100;
    // A client that leaves a write unread for longer is cut off.
    absl::Duration slow_reader_limit = absl::Seconds(30);
    Connections::Options connections;
    PayerRates::Options rates;
  };

  // How long a client may take to do what its call awaits first: to send its
  // message, or, on a stream, what the stream needs to be of use.
  static constexpr absl::Duration kFirstMessageLimit = absl::Seconds(10);
  // The most calls that await their client, in each DeadlineWatch for that, and
  // half of them of one address: as many as two connections may have. Each
  // takes some 13 KB.
  static constexpr size_t kMostAwaitingCalls = 8'192;

  // Borrows `authorizer`, `counters` and `clock`. `going_down` is the outcome
  // of a unary call that comes while the server goes down. `on_due` is called
  // when one of the watches becomes due earlier.
  ServerCalls(const Options& call_options, Authorizer* authorizer,
              const CallStatus& going_down, CallCounters* counters,
              Clock* server_clock, const DueListener& on_due)
      : options(call_options),
        clock(*server_clock),
        connections(options.connections),
        rates(options.rates),
        unfinished(
            {WaitsFor::kFirstMessage, kFirstMessageLimit, kMostAwaitingCalls},
            on_due),
        slow_readers({WaitsFor::kReading, options.slow_reader_limit}, on_due),
        gate(authorizer, going_down),
        methods(&gate, &rates, counters) {}

  const Options options;
  Clock& clock;
  // Counts every call, including those that wait for a client.
  LiveCalls live;
  Connections connections;
  PayerRates rates;
  // Tracks unary calls, and calls of health's Watch that await their message.
  DeadlineWatch unfinished;
  // Tracks streams that are not read.
  DeadlineWatch slow_readers;
  UnreadAnswers unread;
  Gate gate;
  // Complete before the server starts.
  MethodTable methods;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_SERVER_CALLS_H_
