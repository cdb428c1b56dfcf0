// Opens a listening socket, or says why that is not possible.
#ifndef COMMON_RPC_SERVER_LISTEN_SOCKET_H_
#define COMMON_RPC_SERVER_LISTEN_SOCKET_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {

// Owns a listening socket. Not thread-safe.
class ListenSocket {
 public:
  // Listens on `address`. Prefers IPv4 if the host is a name with addresses of
  // both kinds; `[::]` accepts IPv4 connections too. The port is never shared
  // with another socket.
  //
  // A Unix socket's file has the mode 0600: this user may connect, and nobody
  // else. A file that a socket left whose process has ended is replaced.
  //
  // Returns Unavailable, naming the address and the reason: the port is in use,
  // the address does not belong to this machine, this user may not use the
  // port, or the name is unknown; a process listens on the Unix socket, its
  // file is no socket, or its directory cannot be written.
  static absl::StatusOr<ListenSocket> Open(const ListenAddress& address);

  // Removes the file of a Unix socket, unless it is another one by now.
  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept
      : address_(std::move(other.address_)),
        kind_(other.kind_),
        is_for_operators_(other.is_for_operators_),
        file_(std::exchange(other.file_, {})),
        fd_(std::exchange(other.fd_, -1)) {}
  ListenSocket& operator=(ListenSocket&&) = delete;

  // "host:port": the host as given, the port that was chosen; or "unix:/path".
  const std::string& address() const { return address_; }
  TransportKind kind() const { return kind_; }
  // As the address says.
  bool is_for_operators() const { return is_for_operators_; }
  int fd() const { return fd_; }

  // Returns the descriptor of a TCP socket and gives up its ownership.
  int Release() { return std::exchange(fd_, -1); }

 private:
  // A file, as it was when it was made.
  struct File {
    std::string path;
    dev_t device = 0;
    ino_t inode = 0;
  };

  // `bound`: as address() returns it.
  ListenSocket(const ListenAddress& address, std::string bound, int fd)
      : address_(std::move(bound)),
        kind_(address.kind),
        is_for_operators_(address.is_for_operators),
        fd_(fd) {}

  static absl::StatusOr<ListenSocket> OpenLocal(const ListenAddress& address);

  std::string address_;
  TransportKind kind_;
  bool is_for_operators_;
  File file_;
  int fd_;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_LISTEN_SOCKET_H_
