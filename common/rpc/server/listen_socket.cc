#include "common/rpc/server/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace rmq {
namespace {

// Connections that the kernel holds until they are accepted.
constexpr int kBacklog = 128;

absl::Status CannotListen(const ListenAddress& address,
                          absl::string_view reason) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", TextOf(address), ": ", reason));
}

absl::Status CannotListen(const ListenAddress& address, int error) {
  switch (error) {
    case EADDRINUSE: return CannotListen(address, "the port is in use");
    case EADDRNOTAVAIL:
      return CannotListen(address, "the address is not this machine's");
    case EACCES:
    case EPERM:
      return CannotListen(address,
                          "this user may not listen there (a port below 1024 "
                          "needs CAP_NET_BIND_SERVICE)");
    case EAFNOSUPPORT:
      return CannotListen(address,
                          "this machine does not speak the address's protocol");
    default:
      return CannotListen(address, std::generic_category().message(error));
  }
}

// A descriptor of a socket that listens at `place`; else -1, and errno is set.
int OpenAt(const addrinfo& place) {
  const int fd = socket(place.ai_family, place.ai_socktype | SOCK_CLOEXEC,
                        place.ai_protocol);
  if (fd < 0) return -1;
  // A port that has connections of an earlier process is free nevertheless.
  // Not SO_REUSEPORT, by which two processes would share the port in silence.
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (place.ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (bind(fd, place.ai_addr, place.ai_addrlen) == 0 &&
      listen(fd, kBacklog) == 0) {
    return fd;
  }
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int PortOf(int fd) {
  sockaddr_storage name = {};
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  return ntohs(name.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(name).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

sockaddr_un PlaceOf(const std::string& path) {
  sockaddr_un place = {};
  place.sun_family = AF_UNIX;
  path.copy(place.sun_path, sizeof place.sun_path - 1);
  return place;
}

int OpenLocalSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

bool BindTo(int fd, const sockaddr_un& place) {
  return bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
}

// Whether a socket's file at `place` is of no process any more.
bool IsLeftOver(const sockaddr_un& place) {
  struct stat file = {};
  if (lstat(place.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
    return false;
  }
  const int fd = OpenLocalSocket();
  if (fd < 0) return false;
  const bool refused = connect(fd, reinterpret_cast<const sockaddr*>(&place),
                               sizeof place) != 0 &&
                       errno == ECONNREFUSED;
  close(fd);
  return refused;
}

}  // namespace

absl::StatusOr<ListenSocket> ListenSocket::OpenLocal(
    const ListenAddress& address) {
  ListenSocket socket(address, TextOf(address), OpenLocalSocket());
  const sockaddr_un place = PlaceOf(address.path);
  // The file gets the socket's mode, so that it never has another one.
  constexpr mode_t kOwnerOnly = 0600;
  if (socket.fd_ < 0 || fchmod(socket.fd_, kOwnerOnly) != 0) {
    return CannotListen(address, errno);
  }
  bool is_bound = BindTo(socket.fd_, place);
  if (!is_bound && errno == EADDRINUSE && IsLeftOver(place)) {
    unlink(place.sun_path);
    is_bound = BindTo(socket.fd_, place);
    if (!is_bound) errno = EADDRINUSE;
  } else if (!is_bound && errno == EADDRINUSE) {
    return CannotListen(
        address, "a process listens there already, or the file is no socket");
  }
  if (!is_bound) {
    return CannotListen(address, std::generic_category().message(errno));
  }
  struct stat file = {};
  if (stat(place.sun_path, &file) == 0) {
    socket.file_ = {address.path, file.st_dev, file.st_ino};
  }
  if (listen(socket.fd_, kBacklog) != 0) return CannotListen(address, errno);
  return socket;
}

absl::StatusOr<ListenSocket> ListenSocket::Open(const ListenAddress& address) {
  if (address.kind == TransportKind::kLocal) return OpenLocal(address);
  absl::string_view host = address.host;
  const bool is_v6 = absl::ConsumePrefix(&host, "[");
  absl::ConsumeSuffix(&host, "]");
  addrinfo hints = {};
  hints.ai_family = is_v6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(std::string(host).c_str(),
                  std::to_string(address.port).c_str(), &hints, &found);
  if (failure != 0) return CannotListen(address, gai_strerror(failure));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found,
                                                                 &freeaddrinfo);
  std::vector<const addrinfo*> places;
  for (const addrinfo* place = found; place != nullptr;
       place = place->ai_next) {
    places.push_back(place);
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const addrinfo* a, const addrinfo* b) {
                     return a->ai_family == AF_INET && b->ai_family != AF_INET;
                   });
  int error = 0;  // Of the first place, which is the one that is meant.
  for (const addrinfo* place : places) {
    const int fd = OpenAt(*place);
    if (fd >= 0) {
      return ListenSocket(address, absl::StrCat(address.host, ":", PortOf(fd)),
                          fd);
    }
    if (error == 0) error = errno;
    if (error == EADDRINUSE) break;  // No quiet move to another family.
  }
  return CannotListen(address, error);
}

ListenSocket::~ListenSocket() {
  struct stat now = {};
  if (!file_.path.empty() && lstat(file_.path.c_str(), &now) == 0 &&
      now.st_dev == file_.device && now.st_ino == file_.inode) {
    unlink(file_.path.c_str());
  }
  if (fd_ >= 0) close(fd_);
}

}  // namespace rmq
