// A TCP socket that listens, and the reason if there can be none.
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
  // Listens on `address`, on IPv4 first if its host is a name of both; `[::]`
  // takes IPv4 too. The port is never shared with another socket.
  //
  // Unavailable, with the address and what is wrong with it: the port is in
  // use, the address is not this machine's, this user may not take the port,
  // the name is unknown.
  static absl::StatusOr<ListenSocket> Open(const ListenAddress& address);

  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept
      : address_(std::move(other.address_)), fd_(other.Release()) {}
  ListenSocket& operator=(ListenSocket&&) = delete;

  // "host:port": the host as it was given, the port as it was chosen.
  const std::string& address() const { return address_; }

  // The descriptor, which is the caller's from here on.
  int Release() { return std::exchange(fd_, -1); }

 private:
  ListenSocket(std::string address, int fd)
      : address_(std::move(address)), fd_(fd) {}

  std::string address_;
  int fd_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_SOCKET_H_
