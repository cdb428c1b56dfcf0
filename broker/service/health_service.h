// The standard health service, on the broker's own completion queues.
#ifndef BROKER_SERVICE_HEALTH_SERVICE_H_
#define BROKER_SERVICE_HEALTH_SERVICE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/response_code.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/server/connection_calls.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/method_table.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"

namespace rmq {

// Says SERVING of the server and of the services that it knows, then
// NOT_SERVING. gRPC's own implementation is on its callback API, whose threads
// would defeat the loops' nap (completion_loop.h). Thread-safe.
class HealthService {
 public:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  // Borrowed, outlives the queues' events. Each has each call of Watch: from
  // its waiting for a client (`live_calls`), from its beginning to its end
  // (`connections`), until its message has come and its status is read
  // (`unfinished`).
  struct Environment {
    LiveCalls* live_calls;
    ConnectionCalls* connections;
    DeadlineWatch* unfinished;
    // A client that leaves a status unread for longer is cut off.
    absl::Duration slow_reader_limit;
    Clock* clock;
  };

  // Calls of Watch, in all and from one address: they may last for ever.
  static constexpr size_t kMostWatches = 10'000;
  static constexpr size_t kMostWatchesOfAnAddress = 1'000;
  // Of a message of Watch: the name of a service.
  static constexpr size_t kMostRequestBytes = 4096;

  explicit HealthService(const Environment& environment);

  // For the server, before it starts.
  grpc::Service* service() { return &service_; }
  // "", the server, is known. Before Wait().
  void AddService(absl::string_view full_name);
  // Adds Check and Watch, which pass no gate: everybody may ask, also while the
  // server drains. Before Wait(); `table` outlives the queues' events.
  void AddMethods(MethodTable* table);
  // Waits for calls of Watch on `queue`.
  void Wait(grpc::ServerCompletionQueue* queue);
  // Answers a call of Check. NotFound if the service is not known.
  CallStatus Check(const Request& request, Response* response)
      ABSL_LOCKS_EXCLUDED(mu_);
  // NOT_SERVING from now on, also to those that watch; their calls end.
  void StopServing() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Watch;

  // Has Watch as a stream of bytes: gRPC would not hand out a call before its
  // message has come, and would keep who sends none for ever.
  class Service final : public grpc::health::v1::Health::Service {
   public:
    Service();
    void RequestWatch(grpc::ServerContext* context,
                      grpc::GenericServerAsyncReaderWriter* call,
                      grpc::ServerCompletionQueue* queue, void* tag);
  };

  bool Knows(const Request& request) const {
    return services_.contains(request.service());
  }
  // Of a service that is known, or of one that is not.
  Response StatusLocked(bool is_known) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant once calls are waited for.
  const Environment environment_;
  const MethodTable* table_ = nullptr;
  const MethodTable::Method* watch_ = nullptr;
  absl::flat_hash_set<std::string> services_{""};
  // Own synchronisation.
  Service service_;

  absl::Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  // That have come and are not over.
  absl::flat_hash_set<Watch*> watches_ ABSL_GUARDED_BY(mu_);
  // How many of them come from each address.
  absl::flat_hash_map<std::string, size_t> addresses_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_SERVICE_HEALTH_SERVICE_H_
