#include "tests/end_to_end/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/mutex_lock.h"
#include "glog/logging.h"

namespace rmq {
namespace {

constexpr int kBacklog = 1024;
constexpr size_t kMostPending = 64 * 1024;
// 800 bytes a second each way.
constexpr size_t kTrickleBytes = 16;
constexpr absl::Duration kTricklePeriod = absl::Milliseconds(20);
// Small, so that they are full soon.
constexpr int kSocketBufferBytes = 4096;

absl::Status Failed(absl::string_view what, absl::string_view address) {
  return absl::UnavailableError(
      absl::StrCat("cannot ", what, " ", address, ": ", strerror(errno)));
}

sockaddr_in ToSockaddr(absl::string_view address) {
  const std::pair<std::string, std::string> host_port =
      absl::StrSplit(address, ':');
  uint32_t port = 0;
  sockaddr_in result = {};
  result.sin_family = AF_INET;
  CHECK_EQ(inet_pton(AF_INET, host_port.first.c_str(), &result.sin_addr), 1)
      << address;
  CHECK(absl::SimpleAtoi(host_port.second, &port)) << address;
  result.sin_port = htons(static_cast<uint16_t>(port));
  return result;
}

int NewSocket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(fd, 0) << strerror(errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes,
             sizeof(kSocketBufferBytes));
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes,
             sizeof(kSocketBufferBytes));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

absl::StatusOr<int> Listen(absl::string_view address) {
  const int fd = NewSocket();
  const sockaddr_in sockaddr = ToSockaddr(address);
  if (bind(fd, reinterpret_cast<const struct sockaddr*>(&sockaddr),
           sizeof(sockaddr)) != 0 ||
      listen(fd, kBacklog) != 0) {
    const absl::Status status = Failed("listen on", address);
    close(fd);
    return status;
  }
  return fd;
}

// -1 if nobody listens there.
int ConnectTo(absl::string_view address) {
  const int fd = NewSocket();
  const sockaddr_in sockaddr = ToSockaddr(address);
  if (connect(fd, reinterpret_cast<const struct sockaddr*>(&sockaddr),
              sizeof(sockaddr)) == 0) {
    return fd;
  }
  close(fd);
  return -1;
}

void CloseByReset(int fd) {
  const linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::Start(
    absl::string_view address, absl::string_view target) {
  const absl::StatusOr<int> listener = Listen(address);
  if (!listener.ok()) return listener.status();
  sockaddr_in bound = {};
  socklen_t size = sizeof(bound);
  getsockname(*listener, reinterpret_cast<sockaddr*>(&bound), &size);
  return std::unique_ptr<TcpProxy>(new TcpProxy(
      *listener, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
      absl::StrCat("127.0.0.1:", ntohs(bound.sin_port)), std::string(target)));
}

TcpProxy::TcpProxy(int listener, int wake, std::string address,
                   std::string target)
    : address_(std::move(address)),
      target_(std::move(target)),
      wake_(wake),
      listener_(listener),
      thread_([this] { Run(); }) {}

TcpProxy::~TcpProxy() {
  {
    MutexLock lock(&mu_);
    is_stopping_ = true;
  }
  Wake();
  thread_.join();
  CutConnections();
  MutexLock lock(&mu_);
  if (listener_ >= 0) close(listener_);
  close(wake_);
}

void TcpProxy::SetMode(Mode mode) {
  {
    MutexLock lock(&mu_);
    mode_ = mode;
    if (mode == Mode::kRefuse && listener_ >= 0) {
      close(std::exchange(listener_, -1));
    } else if (mode != Mode::kRefuse && listener_ < 0) {
      const absl::StatusOr<int> listener = Listen(address_);
      CHECK(listener.ok()) << listener.status();
      listener_ = *listener;
    }
    SpoilLocked();
  }
  Wake();
}

void TcpProxy::CutConnections() {
  {
    MutexLock lock(&mu_);
    for (const Connection& connection : connections_) {
      CloseByReset(connection.up.from);
      CloseByReset(connection.up.to);
    }
    connections_.clear();
  }
  // The thread's poll() holds the sockets, so that closing resets nothing yet.
  Wake();
}

int64_t TcpProxy::accepted() const {
  MutexLock lock(&mu_);
  return accepted_;
}

void TcpProxy::Run() {
  while (true) {
    std::vector<pollfd> fds = {{wake_, POLLIN, 0}};
    bool is_trickling;
    {
      MutexLock lock(&mu_);
      if (is_stopping_) return;
      is_trickling = mode_ == Mode::kTrickle;
      if (listener_ >= 0) fds.push_back({listener_, POLLIN, 0});
      for (const Connection& connection : connections_) {
        for (const Direction* way : {&connection.up, &connection.down}) {
          if (is_trickling || mode_ == Mode::kStall) continue;
          if (!way->has_ended && way->pending.size() < kMostPending) {
            fds.push_back({way->from, POLLIN, 0});
          }
          if (!way->pending.empty()) fds.push_back({way->to, POLLOUT, 0});
        }
      }
    }
    // What it finds is not looked at: reading and writing do not block.
    poll(fds.data(), fds.size(),
         is_trickling ? static_cast<int>(ToInt64Milliseconds(kTricklePeriod))
                      : -1);
    uint64_t wakes;
    (void)!read(wake_, &wakes, sizeof(wakes));

    MutexLock lock(&mu_);
    AcceptLocked();
    if (mode_ == Mode::kStall) continue;
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (MoveLocked(&*it)) {
        ++it;
        continue;
      }
      CloseByReset(it->up.from);
      CloseByReset(it->up.to);
      it = connections_.erase(it);
    }
  }
}

void TcpProxy::AcceptLocked() {
  pollfd ready = {listener_, POLLIN, 0};
  while (listener_ >= 0 && poll(&ready, 1, 0) == 1) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++accepted_;
    const int broker = mode_ == Mode::kHangUp ? -1 : ConnectTo(target_);
    if (broker < 0) {
      CloseByReset(client);
      continue;
    }
    connections_.push_back({{client, broker}, {broker, client}});
  }
  SpoilLocked();
}

void TcpProxy::SpoilLocked() {
  for (Connection& connection : connections_) {
    connection.up.is_spoiled |=
        mode_ == Mode::kSwallow || mode_ == Mode::kSwallowFromClients;
    connection.down.is_spoiled |=
        mode_ == Mode::kSwallow || mode_ == Mode::kSwallowFromBroker;
  }
}

bool TcpProxy::MoveLocked(Connection* connection) {
  Direction& up = connection->up;
  Direction& down = connection->down;
  for (Direction* way : {&up, &down}) {
    const bool is_well = ReadLocked(way) && WriteLocked(way);
    if (is_well) continue;
    // An error ends both ways, but where the other side must not learn of it.
    if (!up.is_spoiled && !down.is_spoiled) return false;
    up.is_spoiled = down.is_spoiled = true;
    way->has_ended = true;
  }
  const auto is_done = [](const Direction& way) {
    return way.has_ended && (way.is_spoiled || way.end_is_passed);
  };
  return !is_done(up) || !is_done(down);
}

bool TcpProxy::ReadLocked(Direction* direction) {
  const size_t most =
      mode_ == Mode::kTrickle ? kTrickleBytes : size_t{kSocketBufferBytes};
  char buffer[kSocketBufferBytes];
  while (!direction->has_ended && direction->pending.size() < kMostPending) {
    const ssize_t size = recv(direction->from, buffer, most, MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) {
      direction->has_ended = true;
    } else if (!direction->is_spoiled) {
      direction->pending.append(buffer, size);
    }
    if (mode_ == Mode::kTrickle) break;
  }
  return true;
}

bool TcpProxy::WriteLocked(Direction* direction) {
  if (direction->is_spoiled) direction->pending.clear();
  while (!direction->pending.empty()) {
    const ssize_t size =
        send(direction->to, direction->pending.data(),
             direction->pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    direction->pending.erase(0, size);
  }
  if (direction->has_ended && !direction->is_spoiled &&
      !direction->end_is_passed) {
    shutdown(direction->to, SHUT_WR);
    direction->end_is_passed = true;
  }
  return true;
}

void TcpProxy::Wake() {
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
}

}  // namespace rmq
