// The standard health service, on the server's own completion queues.
#ifndef COMMON_RPC_SERVER_HEALTH_SERVICE_H_
#define COMMON_RPC_SERVER_HEALTH_SERVICE_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/client_network.h"
#include "common/response_code.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/front.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/server_calls.h"
#include "common/rpc/server/server_stream.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server_builder.h"

namespace rmq {

// Reports SERVING or NOT_SERVING for the server and for each service that it
// knows. gRPC's own implementation uses the callback API, whose threads would
// defeat the loops' nap (completion_loop.h). Thread-safe.
class HealthService final : public Front {
 public:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  // Limits of open calls of Watch, which may last for ever: in all, and from
  // one address.
  static constexpr size_t kMostWatches = 10'000;
  static constexpr size_t kMostWatchesOfAnAddress = 1'000;
  // The largest message of Watch, which is the name of a service.
  static constexpr size_t kMostRequestBytes = 4096;

  // Borrows `calls`.
  explicit HealthService(ServerCalls* calls);
  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  // Makes a service known. The server itself, "", is always known. To be called
  // before AcceptStreams().
  void AddService(absl::string_view full_name);

  // Front. Check and Watch pass no gate: everybody may ask, also while the
  // server drains.
  std::string service_name() const override {
    return grpc::health::v1::Health::service_full_name();
  }
  void AddMethods(MethodTable* methods) override;
  void RegisterServices(grpc::ServerBuilder* builder) override {
    builder->RegisterService(&service_);
  }
  void AcceptStreams(ServerLoop* loop) override;
  // Reports NOT_SERVING from now on: sends it to every watcher that has not got
  // it, and ends the calls of Watch.
  void StopServing() override ABSL_LOCKS_EXCLUDED(mu_);

  // What is reported from now on; SERVING at first. Sends it to every watcher;
  // a watcher that reads slowly gets the latest only. Nothing changes after
  // StopServing().
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes `name` known like a service, with a status of its own: NOT_SERVING
  // where `serving` is false, else that of the server. It says how a part of
  // the server fares that the server can do without. May be called at any time.
  void SetDetail(absl::string_view name, bool serving) ABSL_LOCKS_EXCLUDED(mu_);

  // Answers a call of Check. Returns NOT_FOUND if the service is not known.
  CallStatus Check(const Request& request, Response* response)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Watch;

  // Registers Watch as a stream of bytes. As a method with one request, gRPC
  // would not announce a call before its message has come, and would keep a
  // call without a message for ever.
  class Service final : public grpc::health::v1::Health::Service {
   public:
    Service();
    void RequestWatch(grpc::ServerContext* context,
                      grpc::GenericServerAsyncReaderWriter* call,
                      grpc::CompletionQueue* queue,
                      grpc::ServerCompletionQueue* announced_on, void* tag);
  };

  Response StatusLocked(const std::string& service) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Changes what is reported by `change`, under the lock, and tells watchers.
  void Change(absl::FunctionRef<void()> change) ABSL_LOCKS_EXCLUDED(mu_);

  // Counts an open call of Watch. Returns why the call must end: there is no
  // room for it, or the server has stopped serving.
  CallStatus TakePlace(Watch* watch) ABSL_LOCKS_EXCLUDED(mu_);
  void LeavePlace(Watch* watch) ABSL_LOCKS_EXCLUDED(mu_);

  // Constant once calls are accepted.
  ServerStream::Environment watches_environment_;
  absl::flat_hash_set<std::string> services_{""};
  // Own synchronisation.
  Service service_;

  absl::Mutex mu_;
  bool serving_ ABSL_GUARDED_BY(mu_) = true;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<std::string, bool> details_ ABSL_GUARDED_BY(mu_);
  // The open calls of Watch.
  absl::flat_hash_set<Watch*> watches_ ABSL_GUARDED_BY(mu_);
  // The number of `watches_` from each network.
  absl::flat_hash_map<ClientNetwork, size_t> networks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rmq

#endif  // COMMON_RPC_SERVER_HEALTH_SERVICE_H_
