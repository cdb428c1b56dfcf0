// The threads that clients run on.
#ifndef CLIENT_CLIENT_RUNTIME_H_
#define CLIENT_CLIENT_RUNTIME_H_

#include <memory>

namespace rmq {

// Three threads, however many clients, watchers and brokers: one waits for the
// network, one runs the clients' state machines and timers, one runs the
// applications' callbacks. A client makes a runtime of its own unless
// ClientOptions::runtime gives it one to share. Clients that share a runtime
// share the callback thread: a slow callback of one delays the callbacks of
// all, and nothing else.
//
// Thread-safety: thread-safe.
// Ownership: clients share the ownership of their runtime, and the application
// may too. Its last owner ends the threads and waits for them, so the last
// owner must not release it inside a callback.
class ClientRuntime {
 public:
  static std::shared_ptr<ClientRuntime> Create();

  ClientRuntime(const ClientRuntime&) = delete;
  ClientRuntime& operator=(const ClientRuntime&) = delete;
  ~ClientRuntime();

 private:
  friend class ClientImpl;
  friend class MembershipWatcher;
  class Impl;

  ClientRuntime();

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_RUNTIME_H_
