// The open connections of a server: how many there may be, and which of them
// cost more than they are of use.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_CONNECTIONS_H_
#define COMMON_RPC_SERVER_ACCEPTOR_CONNECTIONS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/client_network.h"
#include "common/counters_by.h"
#include "common/rate_limit.h"
#include "common/response_code.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connection_socket.h"
#include "common/rpc/server/acceptor/ended_addresses.h"
#include "common/rpc/server/acceptor/wasted_bytes.h"

namespace rmq {

// Why a connection was not let in.
enum class ConnectionRefusal {
  kTooMany,           // There are max_connections.
  kTooManyOfAddress,  // Its address has max_connections_per_address.
  kAddressIsHeld,     // Connections of its address were ended lately.
  kNoFirstBytes,      // It sent nothing, or too little, for kFirstBytesLimit.
  kOtherProtocol,     // What it sent first is not HTTP/2, or is TLS.
  // It spoke TLS, and was gone within kTlsWithoutCallLimit, without a call: its
  // handshake failed, or its client changed its mind. gRPC 1.51 tells why a
  // handshake failed, and not whose it was.
  kTlsWithoutCall,
};
// As metrics and logs name it: "connections", "address", ...
absl::string_view NameOf(ConnectionRefusal refusal);

// Why a connection was ended.
enum class ConnectionAbuse {
  kWastedCalls,
  kWastedBytes,
  kStuckThread,
};
absl::string_view NameOf(ConnectionAbuse abuse);

// Knows each connection of a server by its peer, limits how many there are, and
// ends those that cost more than they are of use. gRPC 1.51 does neither: a
// client that opens and resets calls, or floods it with frames that are no
// message, costs each other client its turn, and memory without a bound.
//
// A connection is ended
//
// - when more of its calls than the credit were wasted: they ended before a
//   whole message had come, or were more than a connection may have open;
// - when Look() finds that it has wasted too many bytes, or that a thread is
//   stuck in it: see WastedBytes.
//
// A credit is a burst that refills. Calls that have a message waste nothing,
// however many are opened at once: clients share connections through proxies.
//
// An address is a ClientNetwork. While it is suspect
// (see EndedAddresses), its connections, those that come too, get
// kStrictCallsBurst as credit for calls, and less for bytes; while it is held,
// no new one is let in, and those that it has stay, since a network's clients
// may share it. All connections get kStrictCallsBurst while together they waste
// more calls than kCallsBurst connections may, and twice that at once.
//
// Thread-safe. Logs what it ends and refuses, one line a second.
class Connections {
 public:
  struct Options {
    // In all, and from one address. Beyond these connections are closed as
    // soon as they are accepted. 0: as many as WithOpenFiles() says, and half
    // of max_connections.
    int64_t max_connections = 0;
    int64_t max_connections_per_address = 0;
    // Open calls on one connection; at least 1. gRPC announces the limit
    // (SETTINGS_MAX_CONCURRENT_STREAMS), but enforces it only for clients that
    // have acknowledged it.
    int64_t max_calls = 2048;
    // Wasted calls a second, and kCallsBurst times as many at once; 0: no
    // limit.
    int32_t max_wasted_calls_rate = 100;
    // Wasted bytes a second, and kBytesBurst times as many at once; 0: no
    // limit.
    int64_t max_wasted_bytes_rate = 64 * 1024;
    // A message may be this long, and takes its time to come: it is no waste.
    int64_t max_message_bytes = 1024 * 1024;

    // Returns InvalidArgument, naming the field, for an invalid option.
    absl::Status Validate() const;
    // The options with the limits that are 0 replaced, for a process that may
    // have so many open files: all of them, less a reserve for other files of a
    // quarter, and at most kReservedFiles.
    Options WithOpenFiles(int64_t open_files) const;
  };
  static constexpr int64_t kReservedFiles = 64;
  static constexpr int64_t kMostConnections = 10'000'000;
  static constexpr int kCallsBurst = 10;
  static constexpr int kStrictCallsBurst = 2;
  // While there is no room, closed connections are looked for this often.
  static constexpr absl::Duration kSweepPause = absl::Milliseconds(100);

  // The first bytes, the handshake and a look may take 10 s each.
  static constexpr absl::Duration kTlsWithoutCallLimit = absl::Seconds(30);

  using Refusals =
      CountersBy<ConnectionRefusal, ConnectionRefusal::kTooMany, 6>;
  using Abuses = CountersBy<ConnectionAbuse, ConnectionAbuse::kWastedCalls, 3>;

  // `options` must validate.
  explicit Connections(const Options& options);

  // Lets a connection in, which is known from now on. Null if it is refused,
  // with the reason in `*refusal`; the caller closes the socket.
  ConnectionPtr Open(absl::string_view peer,
                     std::unique_ptr<ConnectionSocket> socket, absl::Time now,
                     ConnectionRefusal* refusal) ABSL_LOCKS_EXCLUDED(mu_);
  // Counts and logs a connection that was not let in, or was let in and closed
  // before a call.
  void NoteRefused(absl::string_view peer, ConnectionRefusal refusal);
  // Forgets a connection, whose socket is closed before it was handed over.
  void Close(const ConnectionPtr& connection) ABSL_LOCKS_EXCLUDED(mu_);

  // Forgets connections whose sockets are closed, and ends those that have
  // wasted more bytes than they may. `memory`: the bytes that the process has.
  // `stuck`: the time of a core that a thread has used without coming back from
  // the connection that it handles. Returns whether much is wasted, so that the
  // next look should come soon. One thread at a time.
  bool Look(absl::Time now, int64_t memory, absl::Duration stuck)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Up to `max` connections after the one of `number`, in the order of their
  // numbers.
  std::vector<ConnectionPtr> List(uint64_t number, size_t max) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the connection of `peer` ("host:port") is for operators. All of
  // Unix sockets are, since a call does not tell by which of them it has come;
  // one that is not open is not.
  bool IsForOperators(absl::string_view peer) const ABSL_LOCKS_EXCLUDED(mu_);

  // Counts since the start.
  const Refusals& refused() const { return refused_; }
  const Abuses& ended() const { return ended_; }
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class ConnectionCall;

  struct Hash {
    using is_transparent = void;
    size_t operator()(absl::string_view peer) const {
      return absl::Hash<absl::string_view>()(peer);
    }
    size_t operator()(const ConnectionPtr& connection) const {
      return (*this)(connection->peer());
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const ConnectionPtr& a, absl::string_view b) const {
      return a->peer() == b;
    }
    bool operator()(const ConnectionPtr& a, const ConnectionPtr& b) const {
      return a->peer() == b->peer();
    }
  };

  // For ConnectionCall. Find() returns a connection of no list for a peer that
  // is not known: its connection is closed.
  ConnectionPtr Find(absl::string_view peer, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Counts a call that begins, if there is room and the connection was not
  // ended.
  CallStatus BeginCall(Connection& connection, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  void EndCall(Connection& connection);
  void NoteWastedCall(Connection& connection, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Why there is no room for a connection of `network`, if there is none.
  absl::optional<ConnectionRefusal> WhyFull(ClientNetwork network) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<ConnectionPtr> All() const ABSL_LOCKS_EXCLUDED(mu_);
  // Forgets a connection whose owner has closed its socket.
  void Forget(const ConnectionPtr& connection, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ForgetLocked(const Connection& connection)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(Connection& connection, ConnectionAbuse abuse, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const Rate wasted_calls_rate_;
  const Rate strict_wasted_calls_rate_;
  const Rate all_wasted_calls_rate_;
  Refusals refused_;
  Abuses ended_;
  std::atomic<int64_t> refused_since_log_{0};
  std::atomic<int64_t> ended_since_log_{0};
  // Of the one that looks.
  WastedBytes wasted_bytes_;

  mutable absl::Mutex mu_;
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  // When the credit for wasted calls of all connections is full again.
  absl::Time all_calls_full_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  // By peer, each known once.
  absl::flat_hash_set<ConnectionPtr, Hash, Equal> connections_
      ABSL_GUARDED_BY(mu_);
  // The number of `connections_`, by network.
  absl::flat_hash_map<ClientNetwork, int64_t> by_network_ ABSL_GUARDED_BY(mu_);
  EndedAddresses ended_addresses_ ABSL_GUARDED_BY(mu_);
  absl::Time last_sweep_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

// A call's place on its connection. Not thread-safe.
class ConnectionCall {
 public:
  ConnectionCall() = default;
  ConnectionCall(const ConnectionCall&) = delete;
  ConnectionCall& operator=(const ConnectionCall&) = delete;

  // The call came from `peer` ("host:port"). Returns RESOURCE_EXHAUSTED if its
  // connection has too many open calls already, and CANCELLED if it was ended.
  // Called once.
  CallStatus Begin(Connections* connections, absl::string_view peer,
                   absl::Time now);
  // "host:port"; empty before Begin().
  absl::string_view peer() const {
    return connection_ == nullptr ? absl::string_view() : connection_->peer();
  }
  // The caller was identified (empty: anonymous). After Begin().
  void NoteUser(absl::string_view user) { connection_->NoteUser(user); }
  ClientNetwork network() const {
    return connection_ == nullptr ? kNoIpNetwork : connection_->network();
  }
  // A whole message of so many bytes came. After Begin().
  void NoteMessage(size_t bytes) {
    if (!std::exchange(has_message_, true)) {
      connection_->calls_with_message_.fetch_add(1, std::memory_order_relaxed);
    }
    connection_->messages_.fetch_add(1, std::memory_order_relaxed);
    connection_->message_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  // The call is over: it was wasted if NoteMessage() was not called. Does
  // nothing if Begin() was not called, or refused.
  void End(absl::Time now);

 private:
  Connections* connections_ = nullptr;
  ConnectionPtr connection_;
  bool is_counted_ = false;
  bool has_message_ = false;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_CONNECTIONS_H_
