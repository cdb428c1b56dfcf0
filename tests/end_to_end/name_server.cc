#include "tests/end_to_end/name_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"

namespace rmq {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr char kTypeA = 1;
constexpr char kTypeAaaa = 28;

enum Code : char { kNoError = 0, kFailure = 2, kNoName = 3 };

// A record of the name in the question, for no longer than this answer.
std::string Record(char type, const std::string& data) {
  std::string record("\xc0\x0c\0\0\0\1\0\0\0\0\0\0", 12);
  record[3] = type;
  record[11] = static_cast<char>(data.size());
  return record + data;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NameServer>> NameServer::Start() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "socket");
  // The thread looks now and then whether it is to stop.
  timeval patience = {};
  patience.tv_usec = 50'000;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) !=
          0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    absl::Status status = absl::ErrnoToStatus(errno, "bind to 127.0.0.1:53");
    close(fd);
    return status;
  }
  return std::unique_ptr<NameServer>(new NameServer(fd));
}

NameServer::NameServer(int socket)
    : socket_(socket), thread_([this] { Run(); }) {}

NameServer::~NameServer() {
  stopping_ = true;
  thread_.join();
  close(socket_);
}

void NameServer::SetMode(Mode mode) {
  absl::MutexLock lock(&mu_);
  mode_ = mode;
}

void NameServer::SetAddresses(std::vector<std::string> addresses) {
  absl::MutexLock lock(&mu_);
  mode_ = Mode::kAnswers;
  addresses_ = std::move(addresses);
}

void NameServer::Run() {
  while (!stopping_) {
    char buffer[512];
    sockaddr_in client = {};
    socklen_t size = sizeof(client);
    const ssize_t bytes = recvfrom(socket_, buffer, sizeof(buffer), 0,
                                   reinterpret_cast<sockaddr*>(&client), &size);
    if (bytes < 0) continue;
    const std::string reply = ReplyTo(std::string(buffer, bytes));
    if (reply.empty()) continue;
    sendto(socket_, reply.data(), reply.size(), 0,
           reinterpret_cast<sockaddr*>(&client), size);
  }
}

std::string NameServer::ReplyTo(const std::string& query) {
  // The question: a name, which ends with a zero, its type and its class.
  const size_t name_end = query.find('\0', kHeaderBytes);
  if (name_end == query.npos || query.size() < name_end + 5) return "";
  const std::string question =
      query.substr(kHeaderBytes, name_end + 5 - kHeaderBytes);
  const char type = query[name_end + 2];

  absl::MutexLock lock(&mu_);
  Code code = kNoError;
  std::string records;
  char count = 0;
  switch (mode_) {
    case Mode::kSilent: return "";
    case Mode::kNoSuchName: code = kNoName; break;
    case Mode::kServerFailure: code = kFailure; break;
    case Mode::kAnswers:
      for (const std::string& address : addresses_) {
        const bool is_v6 = address.find(':') != address.npos;
        if (type != (is_v6 ? kTypeAaaa : kTypeA)) continue;
        std::string data(is_v6 ? 16 : 4, '\0');
        inet_pton(is_v6 ? AF_INET6 : AF_INET, address.c_str(), &data[0]);
        records += Record(type, data);
        ++count;
      }
  }
  // An answer, recursion available; one question, `count` answers.
  std::string header(kHeaderBytes, '\0');
  header[0] = query[0];
  header[1] = query[1];
  header[2] = '\x81';
  header[3] = static_cast<char>('\x80' | code);
  header[5] = 1;
  header[7] = count;
  return header + question + records;
}

}  // namespace rmq
