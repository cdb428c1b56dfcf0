#include "common/rpc/server/acceptor/connection_socket.h"

// After each other: both define tcp_info, and linux's has the bytes.
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace rmq {
namespace {

// 0 if `fd` is no socket.
uint64_t CookieOf(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

// Ends the connection of `fd`, and discards what the kernel still has of it,
// which would be handled otherwise: a flood that ends at once takes less
// memory.
void EndConnection(int fd) {
  shutdown(fd, SHUT_RDWR);
  constexpr size_t kPiece = 64 * 1024;
  constexpr int kMostPieces = 16;
  int pieces = 0;
  while (pieces < kMostPieces &&
         recv(fd, nullptr, kPiece, MSG_TRUNC | MSG_DONTWAIT) > 0) {
    ++pieces;
  }
}

}  // namespace

AcceptedSocket::AcceptedSocket(int fd) : fd_(fd), cookie_(CookieOf(fd)) {}

bool AcceptedSocket::IsStill(int fd) const {
  return cookie_ != 0 && CookieOf(fd) == cookie_;
}

absl::optional<uint64_t> TcpConnectionSocket::BytesReceived() const {
  tcp_info info = {};
  // As far as the field that is asked for; the kernel may know more.
  socklen_t size =
      offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received;
  const bool read = getsockopt(fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  // Afterwards: a socket that was closed before has another cookie now.
  if (!read || !IsStill(fd())) return absl::nullopt;
  return info.tcpi_bytes_received -
         std::min<uint64_t>(info.tcpi_bytes_received, uncounted_);
}

absl::optional<uint64_t> LocalConnectionSocket::BytesReceived() const {
  return IsStill(fd()) ? absl::make_optional<uint64_t>(0) : absl::nullopt;
}

void AcceptedSocket::End() {
  // This descriptor stays that of the same file, whatever the owner does.
  const int copy = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) {
    // Out of open files. The owner could close the socket between the two.
    if (IsStill(fd_)) EndConnection(fd_);
    return;
  }
  if (IsStill(copy)) EndConnection(copy);
  close(copy);
}

}  // namespace rmq
