// What the machine takes for a message and its answer at a pace, whoever reads
// it: a wake-up, a read and a write. Without gRPC, TLS or HTTP/2.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"

ABSL_FLAG(int, connections, 1000, "connections, 1 to 20,000");
ABSL_FLAG(int, rate, 1000,
          "messages a second in all, on the connections in turn");
ABSL_FLAG(int, bytes, 64, "size of a message and of its answer, 1 to 4,096");
ABSL_FLAG(absl::Duration, warmup, absl::Seconds(1),
          "time at that pace before it is measured");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(5), "time measured");

namespace {

[[noreturn]] void Fail(const char* what) {
  perror(what);
  std::_Exit(1);
}

int64_t NowNs(clockid_t clock = CLOCK_MONOTONIC) {
  timespec now;
  if (clock_gettime(clock, &now) != 0) Fail("epoll_echo: clock_gettime");
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

void SetNoDelay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Watch(int epoll, int socket) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = socket;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
    Fail("epoll_echo: epoll_ctl");
  }
}

// Answers each message with itself, until it is killed.
[[noreturn]] void Serve(int listener) {
  const int epoll = epoll_create1(0);
  Watch(epoll, listener);
  std::vector<epoll_event> events(64);
  std::vector<char> buffer(4096);
  while (true) {
    const int ready =
        epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener) {
        const int accepted = accept(listener, nullptr, nullptr);
        if (accepted < 0) Fail("epoll_echo: accept");
        SetNoDelay(accepted);
        Watch(epoll, accepted);
        continue;
      }
      const ssize_t size = read(socket, buffer.data(), buffer.size());
      if (size <= 0) {
        close(socket);
      } else if (write(socket, buffer.data(), size) != size) {
        Fail("epoll_echo: write");
      }
    }
  }
}

int Listen(sockaddr_in* address) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  *address = {};
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(*address);
  if (bind(listener, reinterpret_cast<sockaddr*>(address), size) != 0 ||
      listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(address), &size) != 0) {
    Fail("epoll_echo: listen");
  }
  return listener;
}

std::vector<int> Connect(const sockaddr_in& address, int connections) {
  std::vector<int> sockets;
  for (int i = 0; i < connections; ++i) {
    sockets.push_back(socket(AF_INET, SOCK_STREAM, 0));
    if (connect(sockets.back(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
      Fail("epoll_echo: connect");
    }
    SetNoDelay(sockets.back());
  }
  return sockets;
}

// Sends and reads at the pace until `end`. Returns how long each answer took,
// in nanoseconds.
std::vector<int64_t> Drive(const std::vector<int>& sockets, int epoll,
                           int64_t gap_ns, int64_t end) {
  std::vector<int64_t> times;
  std::vector<int64_t> sent(*std::max_element(sockets.begin(), sockets.end()) +
                            1);
  std::vector<char> buffer(absl::GetFlag(FLAGS_bytes));
  std::vector<epoll_event> events(64);
  int64_t due = NowNs();
  size_t next = 0;
  while (due < end) {
    const int64_t left = due - NowNs();
    const timespec timeout = {0, std::clamp<int64_t>(left, 0, 999'999'999)};
    const int ready =
        epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()),
                     &timeout, nullptr);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[i].data.fd;
      if (read(socket, buffer.data(), buffer.size()) <= 0) {
        Fail("epoll_echo: read");
      }
      times.push_back(NowNs() - sent[socket]);
    }
    if (NowNs() < due) continue;
    const int socket = sockets[next];
    next = (next + 1) % sockets.size();
    due += gap_ns;
    sent[socket] = NowNs();
    if (write(socket, buffer.data(), buffer.size()) !=
        static_cast<ssize_t>(buffer.size())) {
      Fail("epoll_echo: write");
    }
  }
  return times;
}

double PercentileUs(const std::vector<int64_t>& sorted, double share) {
  const auto at = static_cast<size_t>(share * sorted.size());
  return sorted[std::min(at, sorted.size() - 1)] / 1000.0;
}

int CheckFlags() {
  const int connections = absl::GetFlag(FLAGS_connections);
  const int rate = absl::GetFlag(FLAGS_rate);
  const int bytes = absl::GetFlag(FLAGS_bytes);
  if (connections < 1 || connections > 20'000) {
    std::cerr << "epoll_echo: connections must be 1 to 20000, got "
              << connections << "\n";
  } else if (rate < 1 || rate > 100'000) {
    std::cerr << "epoll_echo: rate must be 1 to 100000, got " << rate << "\n";
  } else if (bytes < 1 || bytes > 4096) {
    std::cerr << "epoll_echo: bytes must be 1 to 4096, got " << bytes << "\n";
  } else {
    return 0;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Sends messages at a pace over loopback to a child that answers each "
      "with "
      "itself, and\nprints a report as loadgen's: the child's CPU time for "
      "each, "
      "and how long answers took.");
  absl::ParseCommandLine(argc, argv);
  if (CheckFlags() != 0) return 1;

  sockaddr_in address;
  const int listener = Listen(&address);
  const pid_t server = fork();
  if (server < 0) Fail("epoll_echo: fork");
  if (server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Serve(listener);
  }
  close(listener);

  const std::vector<int> sockets =
      Connect(address, absl::GetFlag(FLAGS_connections));
  const int epoll = epoll_create1(0);
  for (const int socket : sockets) Watch(epoll, socket);
  const int64_t gap_ns = 1'000'000'000 / absl::GetFlag(FLAGS_rate);
  Drive(sockets, epoll, gap_ns,
        NowNs() + absl::ToInt64Nanoseconds(absl::GetFlag(FLAGS_warmup)));
  clockid_t server_cpu;
  if (clock_getcpuclockid(server, &server_cpu) != 0) {
    Fail("epoll_echo: clock_getcpuclockid");
  }
  const int64_t cpu_before = NowNs(server_cpu);
  const int64_t begin = NowNs();
  std::vector<int64_t> times =
      Drive(sockets, epoll, gap_ns,
            begin + absl::ToInt64Nanoseconds(absl::GetFlag(FLAGS_duration)));
  const double seconds = (NowNs() - begin) / 1e9;
  const int64_t cpu = NowNs(server_cpu) - cpu_before;
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  if (times.empty()) {
    std::cerr << "epoll_echo: no answer came in the time measured\n";
    return 1;
  }

  std::sort(times.begin(), times.end());
  const double rate = times.size() / seconds;
  std::cout << "{\"heartbeats_per_second\": " << rate << ", \"on_schedule\": "
            << (rate >= 0.95 * absl::GetFlag(FLAGS_rate) ? "true" : "false")
            << ", \"server\": {\"cpu_us_per_heartbeat\": "
            << cpu / 1000.0 / times.size()
            << "}, \"answers\": {\"p50_us\": " << PercentileUs(times, 0.5)
            << ", \"p99_us\": " << PercentileUs(times, 0.99)
            << ", \"p999_us\": " << PercentileUs(times, 0.999) << "}}\n";
  return 0;
}
