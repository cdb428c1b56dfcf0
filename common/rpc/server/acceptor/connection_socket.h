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

// A socket whose descriptor gRPC owns and closes at any time, after which the
// same number may be another file. The kernel gives each socket a cookie that
// no other one ever has; so each operation shows whether it was this socket's.
class AcceptedSocket : public ConnectionSocket {
 public:
  // `fd` is open.
  explicit AcceptedSocket(int fd);

  void End() override;

 protected:
  bool IsStill(int fd) const;
  int fd() const { return fd_; }

 private:
  const int fd_;
  uint64_t cookie_ = 0;
};

class TcpConnectionSocket final : public AcceptedSocket {
 public:
  // What a client sends for a TLS handshake, its certificates included, is no
  // more than this, and does not count as received.
  static constexpr uint64_t kTlsHandshakeBytes = 16 * 1024;

  explicit TcpConnectionSocket(int fd, bool is_tls = false)
      : AcceptedSocket(fd), uncounted_(is_tls ? kTlsHandshakeBytes : 0) {}

  absl::optional<uint64_t> BytesReceived() const override;

 private:
  const uint64_t uncounted_;
};

// A Unix socket. The kernel does not tell what it has received, and gRPC does
// not tell of which socket a call is, so nothing counts as received.
class LocalConnectionSocket final : public AcceptedSocket {
 public:
  using AcceptedSocket::AcceptedSocket;

  absl::optional<uint64_t> BytesReceived() const override;
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_CONNECTION_SOCKET_H_
