// Opens a listening TCP socket, or says why that is not possible.
#ifndef COMMON_RPC_SERVER_LISTEN_SOCKET_H_
#define COMMON_RPC_SERVER_LISTEN_SOCKET_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/server/listen_address.h"

namespace rmq {

// Owns a listening socket. Not thread-safe.
class ListenSocket {
 public:
  // Listens on `address`. Prefers IPv4 if the host is a name with addresses of
  // both kinds; `[::]` accepts IPv4 connections too. The port is never shared
  // with another socket.
  //
  // Returns Unavailable, naming the address and the reason: the port is in use,
  // the address does not belong to this machine, this user may not use the
  // port, or the name is unknown.
  static absl::StatusOr<ListenSocket> Open(const ListenAddress& address);

  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept
      : address_(std::move(other.address_)), fd_(other.Release()) {}
  ListenSocket& operator=(ListenSocket&&) = delete;

  // "host:port": the host as given, the port that was chosen.
  const std::string& address() const { return address_; }

  // Returns the descriptor and gives up its ownership.
  int Release() { return std::exchange(fd_, -1); }

 private:
  ListenSocket(std::string address, int fd)
      : address_(std::move(address)), fd_(fd) {}

  std::string address_;
  int fd_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_SOCKET_H_
