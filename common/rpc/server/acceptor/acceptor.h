// Accepts the connections of a server.
#ifndef COMMON_RPC_SERVER_ACCEPTOR_ACCEPTOR_H_
#define COMMON_RPC_SERVER_ACCEPTOR_ACCEPTOR_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/clock.h"
#include "common/cpu_time.h"
#include "common/rpc/server/acceptor/connection.h"
#include "common/rpc/server/acceptor/connections.h"
#include "common/rpc/server/acceptor/process_cpu_alarm.h"
#include "common/rpc/server/acceptor/process_load.h"
#include "common/rpc/server/acceptor/thread_load.h"
#include "common/rpc/server/acceptor/wasted_bytes.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/listen_socket.h"
#include "common/rpc/server/transport_kind.h"

namespace rmq {

// A thread that handles connections, and a count that rises whenever it comes
// back from one. Both outlive those who watch it.
struct WatchedThread {
  pthread_t thread;
  const std::atomic<uint64_t>* returns;
};

// Accepts connections, and hands over those that have begun to speak HTTP/2, or
// TLS if that is what their address is for.
// gRPC's own listener ends for good at the first error of accept(), knows no
// limit, and accepts on a thread that has other work.
//
// One thread accepts, reads (and leaves) the first bytes, and calls
// Connections::Look(): each WastedBytes::kLookPeriod while the process has much
// to do, more often while it is busy, and else, since a look at 20,000 quiet
// connections costs 50 ms of a core, each kQuietLookPeriod. The process counts,
// and not the watched threads alone: gRPC moves a connection that it is busy
// with to threads of its own.
// Another thread hands over, since whoever takes a connection may do work for
// it.
//
// Errors of accept() are logged, once a second. While the process is out of
// open files, connections wait in the kernel until there are some.
//
// Thread-safety: the methods are called by one thread, in this order.
class Acceptor {
 public:
  struct Options {
    // What was sent and not acknowledged by the client's kernel ends a
    // connection after this time; 0: after the system's own.
    absl::Duration unacknowledged_limit = absl::ZeroDuration();
  };
  // Takes a connected socket, which it closes when it is done, and the kind of
  // the address at which it was accepted. Called on a thread of its own, one
  // socket at a time.
  using HandOver = std::function<void(TransportKind kind, int fd)>;

  // A connection must send its first bytes within this time.
  static constexpr absl::Duration kFirstBytesLimit = absl::Seconds(10);
  // How often the watched threads and the process are looked at: while it is
  // busy, and else, whenever it has used kQuietTickCpu, which is each
  // kQuietTick if it is about to be busy.
  static constexpr absl::Duration kTick = absl::Milliseconds(20);
  static constexpr absl::Duration kQuietTick = absl::Milliseconds(100);
  static constexpr absl::Duration kQuietTickCpu = absl::Milliseconds(10);
  static constexpr absl::Duration kIdleTick = absl::Seconds(1);
  static constexpr absl::Duration kQuietLookPeriod = absl::Seconds(10);
  // The time that looks may take of all, at most: one part in so many, and
  // while much is wasted.
  static constexpr int kLookShare = 100;
  static constexpr int kUrgentLookShare = 4;
  // What the kernel keeps of what was not read yet, in bytes: a client that
  // floods is held up early.
  static constexpr int kReceiveBuffer = 32 * 1024;
  // While the process is busy, connections gather for so long, so that one turn
  // of the thread takes several.
  static constexpr absl::Duration kNap = absl::Milliseconds(2);
  // How long the acceptor rests when it is out of open files.
  static constexpr absl::Duration kRest = absl::Milliseconds(100);

  // Borrows `connections` and `clock`.
  Acceptor(const Options& options, Connections* connections, Clock* clock,
           HandOver hand_over);
  // Stops.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Listens on one more address. Returns "host:port", with the port that was
  // chosen, or "unix:/path", or Unavailable, as ListenSocket::Open() does.
  // Connections wait until Start().
  //
  // All connections of Unix sockets count as those of one address.
  absl::StatusOr<std::string> Listen(const ListenAddress& address);

  // Begins to accept. `watched`: threads that handle connections; they live
  // until Stop(). Returns Unavailable if the system has no room for it.
  absl::Status Start(const std::vector<WatchedThread>& watched);

  // How often accept() has failed. Thread-safe.
  int64_t errors() const { return errors_.load(std::memory_order_relaxed); }

  // Listens no more, and closes what has not been handed over. When it returns,
  // `hand_over` is not called any more.
  //
  // Looks go on, each kTick: who ends the server may handle connections, and
  // does not come back from one that floods.
  void StopAccepting() ABSL_LOCKS_EXCLUDED(mu_);

  // Stops accepting, and looks no more.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A connection that has not sent enough yet.
  struct Waiting {
    ConnectionPtr connection;
    TransportKind kind;
    // Whether `epoll_` tells of it.
    bool is_polled = false;
  };
  // One that is to be handed over.
  struct Ready {
    TransportKind kind;
    int fd;
  };
  // When a connection that may still wait is refused.
  struct Deadline {
    absl::Time at;
    int fd;
    uint64_t number;
  };

  struct Watched {
    ThreadCpuTime cpu;
    const std::atomic<uint64_t>& returns;
    ThreadLoad load;
  };
  static ThreadLoad::Sample SampleOf(const ThreadCpuTime& cpu,
                                     const std::atomic<uint64_t>& returns);

  // The time of all cores that the process has used; what `thread_` has is left
  // out, or looks would make it busy. Called on `thread_`.
  static absl::Duration CpuOfOthers();
  void Watch(const WatchedThread& thread);
  // Has `thread_` told of events of `fd`. Returns whether it could.
  bool Poll(int fd, uint32_t events) const;
  // Ends a wait of `thread_`.
  void Wake() const;
  absl::Duration LongestWait(const ProcessCpuAlarm& alarm) const;
  void Run();
  void RunHandOver();
  // Null if `fd` is no listener's.
  const ListenSocket* FindListener(int fd) const;
  // Waits for kNap, or until Wake().
  void Nap() const;
  void AcceptAll(const ListenSocket& listener);
  void Admit(int fd, const ListenSocket& listener, absl::string_view peer,
             absl::Time now);
  // Something has come on a connection that waits, or its end.
  void ReadFirstBytes(int fd);
  void HandOverTo(int fd);
  bool StillWaits(const Deadline& deadline) const;
  // Forgets those of connections that wait no more.
  void ForgetDeadlines();
  void RefuseLate(absl::Time now);
  // Closes the listeners, and the connections that wait.
  void CloseAll();
  // Closes a connection that waits.
  void Refuse(int fd, ConnectionRefusal refusal);
  void Close(int fd);
  // `is_urgent`: as if the process were busy.
  void LookIfDue(absl::Time now, bool is_urgent);
  void Rest(absl::Time now);
  void ResumeIfRested(absl::Time now);

  const Options options_;
  Connections& connections_;
  Clock& clock_;
  const HandOver hand_over_;

  std::vector<ListenSocket> listeners_;
  std::atomic<int64_t> errors_{0};
  // Connections that were handed over.
  std::atomic<uint64_t> hand_overs_{0};
  int epoll_ = -1;
  int wake_event_ = -1;
  std::thread thread_;
  std::thread hand_over_thread_;

  // Used by `thread_` only.
  std::vector<Watched> watched_;
  absl::optional<ProcessLoad> process_;
  // By descriptor.
  absl::flat_hash_map<int, Waiting> waiting_;
  // How many connections of Unix sockets have come.
  uint64_t local_connections_ = 0;
  // In their order; those of connections that wait no more are forgotten when
  // they are most.
  std::deque<Deadline> deadlines_;
  absl::Time last_look_ = absl::InfinitePast();
  // As of the last tick.
  bool is_busy_ = false;
  // The process was busy since the last look.
  bool was_busy_ = false;
  // Before that no look, however busy the process is.
  absl::Time earliest_look_ = absl::InfinitePast();
  // While it is out of open files.
  absl::optional<absl::Time> rests_until_;

  absl::Mutex mu_;
  bool is_stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool accepts_no_more_ ABSL_GUARDED_BY(mu_) = false;
  bool is_handing_over_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Ready> ready_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_ACCEPTOR_ACCEPTOR_H_
