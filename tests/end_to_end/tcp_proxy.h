// A TCP proxy between clients and one broker, which spoils what passes.
#ifndef TESTS_END_TO_END_TCP_PROXY_H_
#define TESTS_END_TO_END_TCP_PROXY_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace rmq {

// Listens on an address of 127.0.0.1 and connects each client on to the broker.
//
// Thread-safe. One thread of its own.
class TcpProxy {
 public:
  enum class Mode {
    kPass,
    // Nobody listens: connecting is refused. Connections that stand go on.
    kRefuse,
    // Connections are accepted, and end at once.
    kHangUp,
    // Bytes are read and dropped, of the connections that stand and of new
    // ones; also the end of a connection is kept from the other side. TCP
    // cannot mend that, so such a connection stays spoiled in other modes.
    kSwallow,
    kSwallowFromClients,
    kSwallowFromBroker,
    // A few hundred bytes a second each way; senders find their buffers full.
    kTrickle,
    // Nothing is read, so that senders find their buffers full. What waits
    // passes later, in another mode.
    kStall,
  };

  // `address` and `target` are IPv4 host:port; port 0 lets the system choose.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> Start(
      absl::string_view address, absl::string_view target);

  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  // Where it listens, host:port.
  const std::string& address() const { return address_; }

  // Has taken effect when it returns.
  void SetMode(Mode mode) ABSL_LOCKS_EXCLUDED(mu_);
  // Resets every connection, on both sides. They are the proxy's no more when
  // it returns; the sides learn of it at once.
  void CutConnections() ABSL_LOCKS_EXCLUDED(mu_);

  // How often a client has connected.
  int64_t accepted() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What one side sends the other.
  struct Direction {
    int from;
    int to;
    std::string pending = {};
    bool is_spoiled = false;  // Bytes were dropped, or will be.
    bool has_ended = false;   // Nothing more comes.
    bool end_is_passed = false;
  };
  struct Connection {
    Direction up;    // From the client to the broker.
    Direction down;  // From the broker to the client.
  };

  TcpProxy(int listener, int wake, std::string address, std::string target);

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void AcceptLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SpoilLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False when the connection is to be closed.
  bool MoveLocked(Connection* connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool ReadLocked(Direction* direction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool WriteLocked(Direction* direction) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends the thread's wait.
  void Wake();

  const std::string address_;
  const std::string target_;
  const int wake_;  // An eventfd.

  mutable absl::Mutex mu_;
  int listener_ ABSL_GUARDED_BY(mu_);  // -1 while it refuses.
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kPass;
  bool is_stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t accepted_ ABSL_GUARDED_BY(mu_) = 0;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rmq

#endif  // TESTS_END_TO_END_TCP_PROXY_H_
