// What is known of one connection.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_H_
#define COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/call_once.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/client_network.h"
#include "common/rpc/server/acceptor/connection_socket.h"

namespace rmq {

// One connection of a client: who, since when, and what has come. Made and
// changed by Connections; calls hold it to count what comes.
//
// Thread-safe.
class Connection {
 public:
  struct Counts {
    // As the socket had received at the last look.
    uint64_t bytes = 0;
    // Messages that came whole, and their bytes.
    uint64_t messages = 0;
    uint64_t message_bytes = 0;
    // Calls that began, and those of them of which a message came whole.
    uint64_t calls = 0;
    uint64_t calls_with_message = 0;
    int64_t open_calls = 0;
    // Calls that ended before a whole message had come, or were refused because
    // the connection had too many.
    uint64_t wasted_calls = 0;
  };

  // `number`: 1, 2, ... in the order of accepting; 0: of no list. `socket` may
  // be null.
  Connection(uint64_t number, std::string peer, absl::Time since,
             std::unique_ptr<ConnectionSocket> socket)
      : number_(number),
        peer_(std::move(peer)),
        network_(ClientNetworkOf(peer_)),
        since_(since),
        socket_(std::move(socket)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  uint64_t number() const { return number_; }
  // Whether the server has ended it.
  bool is_ended() const { return is_ended_.load(std::memory_order_relaxed); }
  // "host:port" of the client.
  const std::string& peer() const { return peer_; }
  // That of peer().
  ClientNetwork network() const { return network_; }
  absl::Time since() const { return since_; }

  // Whether it has come to an address of TLS.
  bool is_tls() const { return is_tls_.load(std::memory_order_relaxed); }
  // Before its first call.
  void set_is_tls() { is_tls_.store(true, std::memory_order_relaxed); }

  // Whether it has come to an address that serves what is kept from others.
  bool is_for_operators() const {
    return is_for_operators_.load(std::memory_order_relaxed);
  }
  // Before its first call.
  void set_is_for_operators() {
    is_for_operators_.store(true, std::memory_order_relaxed);
  }

  // A call over it is that of `user` (empty: anonymous).
  void NoteUser(absl::string_view user) {
    if (user.empty()) return;
    absl::call_once(user_once_, [this, user] {
      user_ = std::string(user);
      has_user_.store(true, std::memory_order_release);
    });
    if (user != user_)
      has_several_users_.store(true, std::memory_order_relaxed);
  }
  // The first that a call was of; empty: none yet. Lives as long as this.
  absl::string_view user() const {
    return has_user_.load(std::memory_order_acquire) ? absl::string_view(user_)
                                                     : absl::string_view();
  }
  // Whether calls were of others too, as over a proxy.
  bool has_several_users() const {
    return has_several_users_.load(std::memory_order_relaxed);
  }

  Counts counts() const {
    Counts counts;
    counts.bytes = bytes_.load(std::memory_order_relaxed);
    counts.messages = messages_.load(std::memory_order_relaxed);
    counts.message_bytes = message_bytes_.load(std::memory_order_relaxed);
    counts.calls = calls_.load(std::memory_order_relaxed);
    counts.calls_with_message =
        calls_with_message_.load(std::memory_order_relaxed);
    counts.open_calls = open_calls_.load(std::memory_order_relaxed);
    counts.wasted_calls = wasted_calls_.load(std::memory_order_relaxed);
    return counts;
  }

 private:
  friend class Connections;
  friend class ConnectionCall;
  friend class WastedBytes;

  // Of WastedBytes.
  struct WastedBytesState {
    // The wasted bytes at the last look, and how many of them count against the
    // credit.
    int64_t wasted = 0;
    int64_t counted = 0;
    // What counted, the messages and the wasted calls, when memory was calm.
    int64_t calm_counted = 0;
    uint64_t calm_messages = 0;
    uint64_t calm_wasted_calls = 0;
  };

  const uint64_t number_;
  const std::string peer_;
  const ClientNetwork network_;
  const absl::Time since_;
  const std::unique_ptr<ConnectionSocket> socket_;

  absl::once_flag user_once_;
  std::string user_;  // Written once.
  std::atomic<bool> has_user_{false};
  std::atomic<bool> has_several_users_{false};
  std::atomic<bool> is_tls_{false};
  std::atomic<bool> is_for_operators_{false};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> message_bytes_{0};
  std::atomic<uint64_t> calls_{0};
  std::atomic<uint64_t> calls_with_message_{0};
  std::atomic<int64_t> open_calls_{0};
  std::atomic<uint64_t> wasted_calls_{0};
  // It was ended by Connections.
  std::atomic<bool> is_ended_{false};

  // Guarded by the lock of Connections: when the credit for wasted calls is
  // full again.
  absl::Time calls_full_at_ = absl::InfinitePast();
  // Of the one that looks.
  WastedBytesState wasted_bytes_;
};

using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_H_
