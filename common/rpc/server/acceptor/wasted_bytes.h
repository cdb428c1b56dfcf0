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
// came whole, kBytesAroundAMessage for each of these, and kBytesOfHeaders for
// each call that had one. A credit is a burst that refills.
//
// - A connection may waste `max_rate` bytes a second, and kBytesBurst times as
//   many at once, beside one message that has not come whole yet.
// - One of an address that is suspect may waste kBytesWhenTight at once, beside
//   what its messages and waiting calls make up for (see below), which is
//   kBytesOfUnknownCalls at most.
// - While the process's memory grows fast, the worst of those that have
//   together wasted more than kBytesWhenTight lately are over: a flood of small
//   frames takes hundreds of times its size until it is handled. The more
//   memory has grown, the less is allowed. What open calls that have a message
//   take, kMemoryOfACall each, is no such growth, nor is it once they have
//   ended: the process keeps their memory for a while.
//   Of many calls that come at once, which are legal, those that are not read
//   yet look like waste. So each message makes up for some waste of its
//   connection, and each wasted call takes as much back. Until memory has grown
//   by two steps, or kManyWastedCalls tell a flood, calls whose message may
//   still come make up for some, too, and so do those that gRPC has not told of
//   yet.
// - While a thread is stuck, the one of whose waste most counts is over, if
//   that is kFewestBytesWhenTight.
//
// Not thread-safe. Deterministic: the caller reads the sockets and the clock.
class WastedBytes {
 public:
  static constexpr int kBytesBurst = 8;
  // What surrounds a message: frames, and headers that are short.
  static constexpr int64_t kBytesAroundAMessage = 1024;
  // What the headers of a call may have besides: a token.
  static constexpr int64_t kBytesOfHeaders = 4 * 1024;

  // A look is calm if it comes kLookPeriod after the last calm one or later,
  // and all connections together have wasted at most kBytesWhenTight in
  // between. Memory is tight if it has grown by kMemoryStep since then; for
  // each further step half of the bytes are allowed. 4,000 calls that come at
  // once, and are not read yet, take less than two steps.
  static constexpr absl::Duration kLookPeriod = absl::Seconds(1);
  static constexpr int64_t kMemoryStep = 32 * 1024 * 1024;
  static constexpr int64_t kBytesWhenTight = 64 * 1024;
  // What an open call takes: gRPC's part of it, the server's, and the client's
  // place in registries.
  static constexpr int64_t kMemoryOfACall = 16 * 1024;
  static constexpr int64_t kFewestBytesWhenTight = 4 * 1024;
  // What a message that has come since then makes up for, or a call that waits
  // for its first one.
  static constexpr int64_t kBytesOfACallWhenTight = 4 * 1024;
  // What the calls of a connection that gRPC has not told of yet make up for:
  // 2,000 that come at once have a hundred bytes each or two.
  static constexpr int64_t kBytesOfUnknownCalls = 512 * 1024;
  // Of all connections together, since then.
  static constexpr uint64_t kManyWastedCalls = 64;

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
  void Count(const Connection::Counts& counts, absl::Duration passed,
             Connection::WastedBytesState* state) const;
  // By how many steps memory has grown since the last calm look, for other
  // things than calls that have a message.
  int64_t StepsGrown(int64_t memory) const;
  // Adds the worst of `wastes` to `found`, so that the others have at most
  // `allowed` bytes.
  static void AddWorst(std::vector<Waste> wastes, int64_t allowed,
                       Found* found);

  const int64_t max_rate_;
  const int64_t max_message_bytes_;
  absl::Time last_look_ = absl::InfinitePast();
  // The memory and the open calls that had a message are those of the last calm
  // look; and the most such calls of a look since then.
  absl::Time last_calm_ = absl::InfinitePast();
  absl::optional<int64_t> calm_memory_;
  int64_t calm_calls_with_message_ = 0;
  int64_t most_calls_with_message_ = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_WASTED_BYTES_H_
