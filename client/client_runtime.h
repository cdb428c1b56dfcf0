// The threads that clients run on.
#ifndef CLIENT_CLIENT_RUNTIME_H_
#define CLIENT_CLIENT_RUNTIME_H_

#include <memory>

namespace rmq {

// Three threads, however many clients and brokers: one waits for the network,
// one runs the clients' state machines and timers, one runs the applications'
// callbacks. A client makes a runtime of its own unless ClientOptions::runtime
// gives it one to share. Clients that share a runtime share the callback
// thread: a slow callback of one delays the callbacks of all, and nothing else.
//
// Thread-safety: thread-safe.
// Ownership: clients hold their runtime. The last one to go, or the application
// if it holds on for longer, ends the threads and waits for them; so neither
// may do so inside a callback.
class ClientRuntime {
 public:
  static std::shared_ptr<ClientRuntime> Create();

  ClientRuntime(const ClientRuntime&) = delete;
  ClientRuntime& operator=(const ClientRuntime&) = delete;
  ~ClientRuntime();

 private:
  friend class ClientImpl;
  class Impl;

  ClientRuntime();

  const std::unique_ptr<Impl> impl_;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_RUNTIME_H_
