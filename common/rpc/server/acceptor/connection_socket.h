// The socket of a connection, for those who do not own its descriptor.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_SOCKET_H_
#define COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_SOCKET_H_

#include <cstdint>

#include "absl/types/optional.h"

namespace rmq {

// Thread-safe.
class ConnectionSocket {
 public:
  virtual ~ConnectionSocket() = default;

  // The bytes that the socket has received in all, or nothing if its owner has
  // closed it.
  virtual absl::optional<uint64_t> BytesReceived() const = 0;
  // Ends the connection, in both directions: the owner of the socket is told so
  // by the kernel, and closes it. Does nothing if it is closed.
  virtual void End() = 0;
};

// A TCP socket whose descriptor gRPC owns and closes at any time, after which
// the same number may be another file. The kernel gives each socket a cookie
// that no other one ever has; so each operation shows whether it was this
// socket's.
class TcpConnectionSocket final : public ConnectionSocket {
 public:
  // `fd` is open.
  explicit TcpConnectionSocket(int fd);

  absl::optional<uint64_t> BytesReceived() const override;
  void End() override;

 private:
  bool IsStill(int fd) const;

  const int fd_;
  uint64_t cookie_ = 0;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_SOCKET_H_
