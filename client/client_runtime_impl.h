// The parts of a ClientRuntime, for client.cc and watch/membership_watcher.cc.
#ifndef CLIENT_CLIENT_RUNTIME_IMPL_H_
#define CLIENT_CLIENT_RUNTIME_IMPL_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/client_runtime.h"
#include "client/grpc/grpc_transport.h"
#include "client/loop/thread_event_loop.h"
#include "common/clock.h"

namespace rmq {

// Thread-safe.
class ClientRuntime::Impl {
 public:
  explicit Impl(Clock* clock)
      : clock_(*clock), loop_(clock), dispatcher_(clock), transport_(&loop_) {}

  Clock& clock() { return clock_; }
  // The wall clock's time.
  absl::Time WallNow() { return clock_.ClockToWall(clock_.TimeNow()); }
  ThreadEventLoop& loop() { return loop_; }
  ThreadEventLoop& dispatcher() { return dispatcher_; }
  GrpcTransport& transport() { return transport_; }

  // Reserves the client id: at most one client of a runtime has it. False if
  // another client has it.
  bool TakeClientId(absl::string_view client_id) ABSL_LOCKS_EXCLUDED(mu_);
  void ReturnClientId(absl::string_view client_id) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Clock& clock_;

  absl::Mutex mu_;
  absl::flat_hash_set<std::string> client_ids_ ABSL_GUARDED_BY(mu_);

  // The transport is destroyed first: its last calls end on the loop.
  ThreadEventLoop loop_;
  ThreadEventLoop dispatcher_;
  GrpcTransport transport_;
};

}  // namespace rmq

#endif  // CLIENT_CLIENT_RUNTIME_IMPL_H_
