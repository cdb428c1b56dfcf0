// Which connections send more bytes than messages come of.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_WASTED_BYTES_H_
#define COMMON_RPC_SERVER_ACCEPTOR_WASTED_BYTES_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/rpc/server/acceptor/connection.h"

namespace rmq {

// Finds, at each look at all open connections, those that have wasted more
// bytes than they may: what the socket has received, less the messages that
// came whole, and kBytesAroundAMessage for each of these. A credit is a burst
// that refills.
//
// - A connection may waste `max_rate` bytes a second, and kBytesBurst times as
//   many at once, beside one message that has not come whole yet.
// - One of an address that is suspect may waste kBytesWhenTight at once.
// - While the process's memory grows fast, the worst of those that have
//   together wasted more than kBytesWhenTight lately are over: a flood of small
//   frames takes hundreds of times its size until it is handled. The more
//   memory has grown, the less is allowed.
// - While a thread is stuck, the one of whose waste most counts is over, if
//   that is kFewestBytesWhenTight.
//
// Not thread-safe. Deterministic: the caller reads the sockets and the clock.
class WastedBytes {
 public:
  static constexpr int kBytesBurst = 8;
  // What surrounds a message in a call of its own: headers and frames.
  static constexpr int64_t kBytesAroundAMessage = 1024;

  // A look is calm if it comes kLookPeriod after the last calm one or later,
  // and all connections together have wasted at most kBytesWhenTight in
  // between. Memory is tight if it has grown by kMemoryStep since then (2,000
  // calls that come at once take up to 33 MiB, over TLS); for each further step
  // half of the bytes are allowed.
  static constexpr absl::Duration kLookPeriod = absl::Seconds(1);
  static constexpr int64_t kMemoryStep = 40 * 1024 * 1024;
  static constexpr int64_t kBytesWhenTight = 64 * 1024;
  static constexpr int64_t kFewestBytesWhenTight = 4 * 1024;
  // What each message that has come since then is worth: of many calls that
  // came at once, each with a message, the ones that are not read yet look like
  // waste.
  static constexpr int64_t kBytesOfAMessageWhenTight = 4 * 1024;

  // From when on a thread counts as stuck, and from when on no credit refills:
  // what a thread is stuck in may take long and have few bytes.
  static constexpr absl::Duration kStuck = absl::Milliseconds(150);
  static constexpr absl::Duration kStalled = absl::Milliseconds(20);

  // What a look has found.
  struct Found {
    std::vector<ConnectionPtr> wasteful;
    // The one that a stuck thread is taken to be in, if there is one.
    ConnectionPtr stuck;
    // Much is wasted: the next look should come soon.
    bool is_urgent = false;
  };

  // `max_rate`: bytes a second; 0: nothing is ever found. `max_message_bytes`:
  // a message may be this long, and takes its time to come.
  WastedBytes(int64_t max_rate, int64_t max_message_bytes)
      : max_rate_(max_rate), max_message_bytes_(max_message_bytes) {}

  // `open`: all connections, with what their sockets have received by now
  // (Connection::Counts::bytes). `memory`: the bytes that the process has.
  // `stuck`: the time of a core that a thread has used without coming back from
  // the connection that it handles. `is_suspect` tells of a connection whether
  // its address is.
  Found Look(const std::vector<ConnectionPtr>& open, absl::Time now,
             int64_t memory, absl::Duration stuck,
             const std::function<bool(const Connection&)>& is_suspect);

 private:
  // What a connection has wasted since the last calm look.
  using Waste = std::pair<int64_t, ConnectionPtr>;

  // Counts what has come since the last look against the credit.
  void Count(Connection& connection, absl::Duration passed) const;
  // How many bytes all connections may have wasted since the last calm look, if
  // memory is tight.
  absl::optional<int64_t> AllowedWhenTight(int64_t memory) const;
  // Adds the worst of `wastes` to `found`, so that the others have at most
  // `allowed` bytes.
  static void AddWorst(std::vector<Waste> wastes, int64_t allowed,
                       Found* found);

  const int64_t max_rate_;
  const int64_t max_message_bytes_;
  absl::Time last_look_ = absl::InfinitePast();
  // The memory is that of the last calm look.
  absl::Time last_calm_ = absl::InfinitePast();
  absl::optional<int64_t> calm_memory_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_WASTED_BYTES_H_
