// The standard health service, on the broker's own completion queues.
#ifndef BROKER_SERVICE_HEALTH_SERVICE_H_
#define BROKER_SERVICE_HEALTH_SERVICE_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/service/live_calls.h"
#include "common/response_code.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/completion_queue.h"

namespace rmq {

// Says SERVING of the server and of the services that it knows, then
// NOT_SERVING. gRPC's own implementation is on its callback API, whose threads
// would defeat the loops' nap (completion_loop.h). Thread-safe.
class HealthService {
 public:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  // Borrowed, outlives the queues' events; has each call of Watch, the waiting
  // ones too.
  explicit HealthService(LiveCalls* live_calls) : live_calls_(*live_calls) {}

  // For the server, before it starts.
  grpc::Service* service() { return &service_; }
  // "", the server, is known. Before Wait().
  void AddService(absl::string_view full_name);
  // Waits for calls of Watch on `queue`.
  void Wait(grpc::ServerCompletionQueue* queue);
  // Answers a call of Check. NotFound if the service is not known.
  CallStatus Check(const Request& request, Response* response)
      ABSL_LOCKS_EXCLUDED(mu_);
  // NOT_SERVING from now on, also to those that watch; their calls end.
  void StopServing() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Watch;

  bool Knows(const Request& request) const {
    return services_.contains(request.service());
  }
  // Of a service that is known, or of one that is not.
  Response StatusLocked(bool is_known) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant once calls are waited for.
  absl::flat_hash_set<std::string> services_{""};

  // Own synchronisation.
  LiveCalls& live_calls_;
  grpc::health::v1::Health::WithGenericMethod_Check<
      grpc::health::v1::Health::WithAsyncMethod_Watch<
          grpc::health::v1::Health::Service>>
      service_;

  absl::Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  // That have come and are not over.
  absl::flat_hash_set<Watch*> watches_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // BROKER_SERVICE_HEALTH_SERVICE_H_
