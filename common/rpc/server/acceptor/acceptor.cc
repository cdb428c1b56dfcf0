#include "common/rpc/server/acceptor/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/server/acceptor/connection_socket.h"
#include "common/rpc/server/acceptor/first_bytes.h"
#include "common/rpc/server/acceptor/process_cpu_alarm.h"
#include "common/rpc/server/acceptor/resident_memory.h"
#include "common/rpc/server/acceptor/socket_address.h"
#include "glog/logging.h"

namespace rmq {
namespace {

// Events that are taken at once, and connections that are accepted before other
// events are looked at.
constexpr int kMostEvents = 64;
constexpr int kMostAcceptedAtOnce = 64;

constexpr char kHttp1Answer[] =
    "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    "Content-Type: text/plain\r\nContent-Length: 46\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks gRPC, which is over HTTP/2.\r\n";

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

// Whether accept() fails because the process, or the system, has no room for
// one more connection.
bool IsOutOfRoom(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS ||
         error == ENOMEM;
}

absl::Status Failed(absl::string_view what) {
  return absl::UnavailableError(
      absl::StrCat("cannot accept connections: ", what, ": ",
                   std::generic_category().message(errno)));
}

}  // namespace

Acceptor::Acceptor(const Options& options, Connections* connections,
                   Clock* clock, HandOver hand_over)
    : options_(options),
      connections_(*connections),
      clock_(*clock),
      hand_over_(std::move(hand_over)) {}

Acceptor::~Acceptor() { Stop(); }

absl::StatusOr<std::string> Acceptor::Listen(const ListenAddress& address) {
  absl::StatusOr<ListenSocket> socket = ListenSocket::Open(address);
  if (!socket.ok()) return socket.status();
  std::string bound = socket->address();
  const int fd = socket->fd();
  fcntl(fd, F_SETFL, O_NONBLOCK);
  // Those that are accepted inherit these.
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  if (address.kind != TransportKind::kLocal) {
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  if (address.kind != TransportKind::kLocal &&
      options_.unacknowledged_limit > absl::ZeroDuration()) {
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
              static_cast<int>(
                  absl::ToInt64Milliseconds(options_.unacknowledged_limit)));
  }
  listeners_.push_back(*std::move(socket));
  return bound;
}

absl::Status Acceptor::Start(const std::vector<WatchedThread>& watched) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_event_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_event_ < 0) return Failed("epoll");
  for (const ListenSocket& listener : listeners_) {
    if (!Poll(listener.fd(), EPOLLIN)) return Failed("epoll_ctl");
  }
  if (!Poll(wake_event_, EPOLLIN)) return Failed("epoll_ctl");
  hand_over_thread_ = std::thread([this] { RunHandOver(); });
  for (const WatchedThread& thread : watched) Watch(thread);
  Watch({hand_over_thread_.native_handle(), &hand_overs_});
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

ThreadLoad::Sample Acceptor::SampleOf(const ThreadCpuTime& cpu,
                                      const std::atomic<uint64_t>& returns) {
  return {cpu.Read(), returns.load(std::memory_order_relaxed)};
}

bool Acceptor::Poll(int fd, uint32_t events) const {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Acceptor::Watch(const WatchedThread& thread) {
  const ThreadCpuTime cpu(thread.thread);
  watched_.push_back(
      {cpu, *thread.returns, ThreadLoad(SampleOf(cpu, *thread.returns))});
}

void Acceptor::StopAccepting() {
  MutexLock lock(&mu_);
  accepts_no_more_ = true;
  // The other thread closes what it has.
  Wake();
  mu_.Await(absl::Condition(
      +[](Acceptor* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
        return !self->is_handing_over_;
      },
      this));
}

void Acceptor::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopping_ = true;
  }
  Wake();
  if (thread_.joinable()) thread_.join();
  if (hand_over_thread_.joinable()) hand_over_thread_.join();
  listeners_.clear();
  for (const int fd :
       {std::exchange(epoll_, -1), std::exchange(wake_event_, -1)}) {
    if (fd >= 0) close(fd);
  }
}

void Acceptor::Wake() const {
  const uint64_t one = 1;
  if (wake_event_ >= 0) (void)!write(wake_event_, &one, sizeof one);
}

absl::Duration Acceptor::LongestWait(const ProcessCpuAlarm& alarm) const {
  if (is_busy_) return kTick;
  const bool is_due_soon = !waiting_.empty() || rests_until_.has_value();
  return alarm.is_set() && !is_due_soon ? kIdleTick : kQuietTick;
}

void Acceptor::Run() {
  ProcessCpuAlarm alarm;
  if (alarm.fd() >= 0) Poll(alarm.fd(), EPOLLIN);
  while (true) {
    if (!is_busy_ && !alarm.is_set()) alarm.Set(kQuietTickCpu);
    std::array<epoll_event, kMostEvents> events;
    const int count = epoll_wait(
        epoll_, events.data(), kMostEvents,
        static_cast<int>(absl::ToInt64Milliseconds(LongestWait(alarm))));
    bool accepts_no_more;
    {
      MutexLock lock(&mu_);
      if (is_stopping_) break;
      accepts_no_more = accepts_no_more_;
    }
    if (accepts_no_more) CloseAll();
    const absl::Time now = clock_.TimeNow();
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      const ListenSocket* const listener = FindListener(fd);
      if (listener != nullptr) {
        AcceptAll(*listener);
      } else if (waiting_.contains(fd)) {
        ReadFirstBytes(fd);
      } else if (fd == alarm.fd()) {
        alarm.Clear();
      } else if (fd == wake_event_) {
        uint64_t wakes;
        (void)!read(wake_event_, &wakes, sizeof wakes);
      }
    }
    RefuseLate(now);
    ResumeIfRested(now);
    LookIfDue(now, accepts_no_more);
    if (count > 0 && is_busy_) Nap();
  }
  CloseAll();
}

void Acceptor::Nap() const {
  pollfd wake = {wake_event_, POLLIN, 0};
  (void)poll(&wake, 1, static_cast<int>(absl::ToInt64Milliseconds(kNap)));
}

void Acceptor::CloseAll() {
  listeners_.clear();
  while (!waiting_.empty()) Close(waiting_.begin()->first);
}

const ListenSocket* Acceptor::FindListener(int fd) const {
  const auto found = absl::c_find_if(
      listeners_,
      [fd](const ListenSocket& listener) { return listener.fd() == fd; });
  return found == listeners_.end() ? nullptr : &*found;
}

void Acceptor::AcceptAll(const ListenSocket& listener) {
  for (int i = 0; i < kMostAcceptedAtOnce; ++i) {
    sockaddr_storage address = {};
    socklen_t size = sizeof address;
    const int fd = accept4(listener.fd(), reinterpret_cast<sockaddr*>(&address),
                           &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Admit(fd, listener,
            // Clients of Unix sockets have no address.
            listener.kind() == TransportKind::kLocal
                ? absl::StrCat("unix:", ++local_connections_)
                : PeerOf(address),
            clock_.TimeNow());
    } else if (IsOutOfRoom(errno)) {
      Rest(clock_.TimeNow());
      errors_.fetch_add(1, std::memory_order_relaxed);
      LOG_EVERY_T(ERROR, 1)
          << "connections wait: they cannot be accepted"
          << Kv("error", std::generic_category().message(errno))
          << Kv("connections", connections_.size());
      return;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {
      errors_.fetch_add(1, std::memory_order_relaxed);
      // Of the one connection, or of its network: the next one may be well.
      LOG_EVERY_T(WARNING, 1)
          << "a connection could not be accepted"
          << Kv("error", std::generic_category().message(errno));
    }
  }
}

void Acceptor::Admit(int fd, const ListenSocket& listener,
                     absl::string_view peer, absl::Time now) {
  const TransportKind kind = listener.kind();
  std::unique_ptr<ConnectionSocket> socket;
  if (kind == TransportKind::kLocal) {
    socket = std::make_unique<LocalConnectionSocket>(fd);
  } else {
    socket = std::make_unique<TcpConnectionSocket>(
        fd, /*is_tls=*/kind == TransportKind::kTls);
  }
  ConnectionRefusal refusal;
  ConnectionPtr connection =
      connections_.Open(peer, std::move(socket), now, &refusal);
  if (connection == nullptr) {
    connections_.NoteRefused(peer, refusal);
    // Reset, so that the kernel keeps nothing of it.
    const linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    return;
  }
  if (listener.is_for_operators()) connection->set_is_for_operators();
  if (kind == TransportKind::kTls) connection->set_is_tls();
  const uint64_t number = connection->number();
  waiting_[fd] = {std::move(connection), kind};
  // They have often come, if connections had to wait.
  ReadFirstBytes(fd);
  const auto still_waits = waiting_.find(fd);
  if (still_waits == waiting_.end()) return;
  still_waits->second.is_polled = true;
  if (deadlines_.size() > 2 * waiting_.size() + kMostEvents) ForgetDeadlines();
  deadlines_.push_back({now + kFirstBytesLimit, fd, number});
  // An edge, since what has come is left for the one that it is handed over to.
  if (!Poll(fd, EPOLLIN | EPOLLRDHUP | EPOLLET)) Close(fd);
}

void Acceptor::ReadFirstBytes(int fd) {
  std::array<char, kMostFirstBytes> bytes;
  const ssize_t size = recv(fd, bytes.data(), bytes.size(), MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {  // Its client has gone.
    Close(fd);
    return;
  }
  const Protocol wanted = waiting_.at(fd).kind == TransportKind::kTls
                              ? Protocol::kTls
                              : Protocol::kHttp2;
  const Protocol protocol =
      ProtocolOf({bytes.data(), static_cast<size_t>(size)});
  if (protocol == wanted) {
    HandOverTo(fd);
    return;
  }
  if (protocol == Protocol::kUnknownYet) return;
  if (protocol == Protocol::kHttp1) {
    // What has come is read, or the kernel would reset the connection.
    std::array<char, 4096> rest;
    while (recv(fd, rest.data(), rest.size(), 0) ==
           static_cast<ssize_t>(rest.size())) {
    }
    (void)!send(fd, kHttp1Answer, sizeof kHttp1Answer - 1, MSG_NOSIGNAL);
  }
  Refuse(fd, ConnectionRefusal::kOtherProtocol);
}

void Acceptor::HandOverTo(int fd) {
  const auto waiting = waiting_.find(fd);
  const TransportKind kind = waiting->second.kind;
  if (waiting->second.is_polled) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  }
  waiting_.erase(waiting);
  MutexLock lock(&mu_);
  ready_.push_back({kind, fd});
}

bool Acceptor::StillWaits(const Deadline& deadline) const {
  const auto found = waiting_.find(deadline.fd);
  return found != waiting_.end() &&
         found->second.connection->number() == deadline.number;
}

void Acceptor::ForgetDeadlines() {
  deadlines_.erase(std::remove_if(deadlines_.begin(), deadlines_.end(),
                                  [this](const Deadline& deadline) {
                                    return !StillWaits(deadline);
                                  }),
                   deadlines_.end());
}

void Acceptor::RefuseLate(absl::Time now) {
  while (!deadlines_.empty() && deadlines_.front().at <= now) {
    const Deadline late = deadlines_.front();
    deadlines_.pop_front();
    if (StillWaits(late)) Refuse(late.fd, ConnectionRefusal::kNoFirstBytes);
  }
}

void Acceptor::Refuse(int fd, ConnectionRefusal refusal) {
  connections_.NoteRefused(waiting_.at(fd).connection->peer(), refusal);
  Close(fd);
}

void Acceptor::Close(int fd) {
  const auto found = waiting_.find(fd);
  connections_.Close(found->second.connection);
  waiting_.erase(found);
  close(fd);
}

absl::Duration Acceptor::CpuOfOthers() {
  return ProcessCpuTime() - ThreadCpuTime(pthread_self()).Read();
}

void Acceptor::LookIfDue(absl::Time now, bool is_urgent) {
  // The load is one of real time.
  const absl::Time real_now = RealClock().TimeNow();
  const absl::Duration cpu = CpuOfOthers();
  if (!process_.has_value()) process_.emplace(real_now, cpu);
  process_->Add(real_now, cpu);
  is_busy_ = is_urgent || process_->was_busy();
  absl::Duration stuck;
  for (Watched& watched : watched_) {
    watched.load.Add(SampleOf(watched.cpu, watched.returns));
    stuck = std::max(stuck, watched.load.stuck());
  }
  was_busy_ |= is_busy_;
  const bool is_due = now - last_look_ >= (was_busy_ ? WastedBytes::kLookPeriod
                                                     : kQuietLookPeriod) ||
                      (is_busy_ && now >= earliest_look_);
  if (!is_due) return;
  // By the time of a core, since a flood makes this thread wait for one.
  const ThreadCpuTime own(pthread_self());
  const absl::Duration began = own.Read();
  const bool wastes_much = connections_.Look(now, ResidentMemory(), stuck);
  const absl::Duration took = own.Read() - began;
  last_look_ = now;
  was_busy_ = false;
  earliest_look_ = now + (wastes_much ? kUrgentLookShare : kLookShare) * took;
}

void Acceptor::Rest(absl::Time now) {
  rests_until_ = now + kRest;
  for (const ListenSocket& listener : listeners_) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, listener.fd(), nullptr);
  }
}

void Acceptor::ResumeIfRested(absl::Time now) {
  if (!rests_until_.has_value() || now < *rests_until_) return;
  rests_until_.reset();
  for (const ListenSocket& listener : listeners_) Poll(listener.fd(), EPOLLIN);
}

void Acceptor::RunHandOver() {
  while (true) {
    Ready ready;
    {
      MutexLock lock(&mu_);
      mu_.Await(absl::Condition(
          +[](Acceptor* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
            return self->is_stopping_ || !self->ready_.empty();
          },
          this));
      if (is_stopping_ || accepts_no_more_) {
        for (const Ready& left : ready_) close(left.fd);
        ready_.clear();
        if (is_stopping_) return;
        continue;
      }
      ready = ready_.front();
      ready_.pop_front();
      is_handing_over_ = true;
    }
    hand_over_(ready.kind, ready.fd);
    {
      MutexLock lock(&mu_);
      is_handing_over_ = false;
    }
    hand_overs_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace rmq
