#include "broker/service/grpc_server.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/service/completion_loop.h"
#include "broker/service/connect_stream.h"
#include "broker/service/slow_reader_watch.h"
#include "broker/service/unary_call.h"
#include "broker/service/wire.h"
#include "common/keepalive.h"
#include "common/mutex_lock.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

using AdminAsyncService = pb::ClientManagerAdmin::WithAsyncMethod_ListGroups<
    pb::ClientManagerAdmin::WithAsyncMethod_GetConsumerConnectionList<
        pb::ClientManagerAdmin::WithAsyncMethod_GetProducerConnectionList<
            pb::ClientManagerAdmin::Service>>>;

// Streams that wait for a client on each queue, so that a crowd of connecting
// clients does not wait for one stream to be set up after the other.
constexpr int kWaitingStreams = 16;
// Streams ended in one piece of a shutdown.
constexpr size_t kDrainPiece = 1000;

}  // namespace

absl::Status GrpcServer::Options::Validate() const {
  if (address.empty()) {
    return absl::InvalidArgumentError("address must not be empty");
  }
  if (max_frame_bytes < 1024 || max_frame_bytes > 64 * 1024 * 1024) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_bytes must be 1 KiB to 64 MiB, got ", max_frame_bytes));
  }
  if (max_frame_rate < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_frame_rate must not be negative, got ", max_frame_rate));
  }
  if (slow_reader_limit <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("slow_reader_limit must be positive, got ",
                     absl::FormatDuration(slow_reader_limit)));
  }
  if (threads < 1 || threads > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads must be 1 to 64, got ", threads));
  }
  return absl::OkStatus();
}

class GrpcServer::Impl {
 public:
  Impl(const Options& options, const Core& core)
      : options_(options),
        core_(core),
        slow_readers_(options.slow_reader_limit),
        stream_environment_{&client_manager_,
                            core.request_handler,
                            core.table,
                            core.housekeeping,
                            &slow_readers_,
                            core.clock,
                            options.max_frame_rate,
                            &draining_} {
    heartbeat_ = Unary<pb::HeartbeatRequest, pb::HeartbeatResponse>(
        &client_manager_, &ClientManagerAsyncService::RequestHeartbeat,
        [this](absl::string_view peer, const pb::HeartbeatRequest& request,
               pb::HeartbeatResponse* response) {
          return core_.request_handler->Heartbeat(
              peer, request, core_.clock->TimeNow(), response);
        });
    unregister_client_ =
        Unary<pb::UnregisterClientRequest, pb::UnregisterClientResponse>(
            &client_manager_,
            &ClientManagerAsyncService::RequestUnregisterClient,
            [this](absl::string_view peer,
                   const pb::UnregisterClientRequest& request,
                   pb::UnregisterClientResponse*) {
              return core_.request_handler->UnregisterClient(
                  peer, request, core_.clock->TimeNow());
            });
    check_client_config_ =
        Unary<pb::CheckClientConfigRequest, pb::CheckClientConfigResponse>(
            &client_manager_,
            &ClientManagerAsyncService::RequestCheckClientConfig,
            [this](absl::string_view peer,
                   const pb::CheckClientConfigRequest& request,
                   pb::CheckClientConfigResponse*) {
              return core_.request_handler->CheckClientConfig(peer, request);
            });
    get_consumer_list_by_group_ = Unary<pb::GetConsumerListByGroupRequest,
                                        pb::GetConsumerListByGroupResponse>(
        &client_manager_,
        &ClientManagerAsyncService::RequestGetConsumerListByGroup,
        [this](absl::string_view peer,
               const pb::GetConsumerListByGroupRequest& request,
               pb::GetConsumerListByGroupResponse* response) {
          return core_.request_handler->GetConsumerListByGroup(peer, request,
                                                               response);
        });
    list_groups_ = Unary<pb::ListGroupsRequest, pb::ListGroupsResponse>(
        &admin_, &AdminAsyncService::RequestListGroups,
        [this](absl::string_view peer, const pb::ListGroupsRequest& request,
               pb::ListGroupsResponse* response) {
          return core_.admin_handler->ListGroups(peer, request, response);
        });
    get_consumer_connection_list_ =
        Unary<pb::GetConsumerConnectionListRequest,
              pb::GetConsumerConnectionListResponse>(
            &admin_, &AdminAsyncService::RequestGetConsumerConnectionList,
            [this](absl::string_view peer,
                   const pb::GetConsumerConnectionListRequest& request,
                   pb::GetConsumerConnectionListResponse* response) {
              return core_.admin_handler->GetConsumerConnectionList(
                  peer, request, response);
            });
    get_producer_connection_list_ =
        Unary<pb::GetProducerConnectionListRequest,
              pb::GetProducerConnectionListResponse>(
            &admin_, &AdminAsyncService::RequestGetProducerConnectionList,
            [this](absl::string_view peer,
                   const pb::GetProducerConnectionListRequest& request,
                   pb::GetProducerConnectionListResponse* response) {
              return core_.admin_handler->GetProducerConnectionList(
                  peer, request, response);
            });
  }

  ~Impl() { Shutdown(absl::ZeroDuration()); }

  absl::Status Listen() {
    // gRPC's health service brings no descriptor: naming ours links it, and
    // server reflection can describe the service.
    grpc::health::v1::HealthCheckRequest::descriptor();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options_.address,
                             grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(
        static_cast<int>(options_.max_frame_bytes));
    // Otherwise a second broker would share the port in silence.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(
        GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
        static_cast<int>(
            absl::ToInt64Milliseconds(kBrokerPermittedPingInterval)));
    builder.RegisterService(&client_manager_);
    builder.RegisterService(&admin_);
    for (int i = 0; i < options_.threads; ++i) {
      queues_.push_back(builder.AddCompletionQueue());
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options_.address,
                       ": is the port in use, or the address not this "
                       "machine's?"));
    }
    address_ = absl::StrCat(
        options_.address.substr(0, options_.address.rfind(':')), ":", port_);
    for (const auto& queue : queues_) {
      for (int i = 0; i < kWaitingStreams; ++i) {
        ConnectStream::Accept(&stream_environment_, queue.get());
      }
      Wait(heartbeat_, queue.get());
      Wait(unregister_client_, queue.get());
      Wait(check_client_config_, queue.get());
      Wait(get_consumer_list_by_group_, queue.get());
      Wait(list_groups_, queue.get());
      Wait(get_consumer_connection_list_, queue.get());
      Wait(get_producer_connection_list_, queue.get());
      threads_.emplace_back(RunCompletionLoop, queue.get());
    }
    timer_ = std::thread([this] { RunTimer(); });
    return absl::OkStatus();
  }

  const std::string& address() const { return address_; }
  int port() const { return port_; }

  void Shutdown(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      MutexLock lock(&mu_);
      if (std::exchange(shutdown_, true)) return;
    }
    if (server_ != nullptr) {
      if (auto* const health = server_->GetHealthCheckService()) {
        health->SetServingStatus(false);
      }
      core_.notifier->StartDraining();
      draining_ = true;
      std::vector<ClientChannelPtr> closed;
      bool more = true;
      while (more) {
        closed.clear();
        more = core_.table->CloseSome(RemovalReason::kDrained, kDrainPiece,
                                      &closed);
        for (const ClientChannelPtr& channel : closed) {
          channel->End(RemovalReason::kDrained);
        }
      }
      server_->Shutdown(
          gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                       gpr_time_from_millis(absl::ToInt64Milliseconds(timeout),
                                            GPR_TIMESPAN)));
    }
    for (const auto& queue : queues_) queue->Shutdown();
    for (std::thread& thread : threads_) thread.join();
    if (timer_.joinable()) timer_.join();
    // Queues whose server never came to life have nobody to drain them.
    if (threads_.empty()) {
      for (const auto& queue : queues_) RunCompletionLoop(queue.get());
    }
  }

 private:
  template <typename Request, typename Response>
  using Method = typename UnaryCall<Request, Response>::Method;

  template <typename Request, typename Response, typename Service,
            typename Base>
  static Method<Request, Response> Unary(
      Service* service,
      void (Base::*request)(grpc::ServerContext*, Request*,
                            grpc::ServerAsyncResponseWriter<Response>*,
                            grpc::CompletionQueue*,
                            grpc::ServerCompletionQueue*, void*),
      decltype(Method<Request, Response>::answer) answer) {
    return {
        [service, request](grpc::ServerContext* context, Request* message,
                           grpc::ServerAsyncResponseWriter<Response>* responder,
                           grpc::ServerCompletionQueue* queue, void* tag) {
          (service->*request)(context, message, responder, queue, queue, tag);
        },
        std::move(answer)};
  }

  template <typename M>
  void Wait(const M& method, grpc::ServerCompletionQueue* queue) {
    M::Call::Wait(&method, queue);
  }

  // Housekeeping, the notifier's window and slow readers: everything that is
  // due by time.
  void RunTimer() ABSL_LOCKS_EXCLUDED(mu_) {
    Clock& clock = *core_.clock;
    const absl::Duration period = core_.housekeeping->options().period;
    absl::Time next_tick = clock.TimeNow() + period;
    // What becomes due while the timer waits is seen this much later at most.
    absl::Duration resolution = absl::Seconds(1);
    if (core_.notifier->notify_window() > absl::ZeroDuration()) {
      resolution = std::min(resolution, core_.notifier->notify_window() / 4);
    }
    resolution = std::min(resolution, options_.slow_reader_limit);
    while (true) {
      absl::Time now = clock.TimeNow();
      const absl::Time next =
          std::min({next_tick, slow_readers_.Check(now),
                    core_.notifier->NextDeadline(), now + resolution});
      {
        MutexLock lock(&mu_);
        if (clock.AwaitWithDeadline(&mu_, absl::Condition(&shutdown_), next)) {
          return;
        }
      }
      now = clock.TimeNow();
      if (now >= next_tick) {
        core_.housekeeping->Tick(now);
        next_tick = now + period;
      }
      core_.notifier->Flush(*core_.table, now);
    }
  }

  // Constant after Listen().
  const Options options_;
  const Core core_;
  std::string address_;
  int port_ = 0;

  // Own synchronisation.
  SlowReaderWatch slow_readers_;
  std::atomic<bool> draining_{false};

  absl::Mutex mu_;
  bool shutdown_ ABSL_GUARDED_BY(mu_) = false;

  ClientManagerAsyncService client_manager_;
  AdminAsyncService admin_;
  const ConnectStream::Environment stream_environment_;
  Method<pb::HeartbeatRequest, pb::HeartbeatResponse> heartbeat_;
  Method<pb::UnregisterClientRequest, pb::UnregisterClientResponse>
      unregister_client_;
  Method<pb::CheckClientConfigRequest, pb::CheckClientConfigResponse>
      check_client_config_;
  Method<pb::GetConsumerListByGroupRequest, pb::GetConsumerListByGroupResponse>
      get_consumer_list_by_group_;
  Method<pb::ListGroupsRequest, pb::ListGroupsResponse> list_groups_;
  Method<pb::GetConsumerConnectionListRequest,
         pb::GetConsumerConnectionListResponse>
      get_consumer_connection_list_;
  Method<pb::GetProducerConnectionListRequest,
         pb::GetProducerConnectionListResponse>
      get_producer_connection_list_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  // After what it serves: it goes first.
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  std::thread timer_;
};

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const Options& options, const Core& core) {
  absl::Status status = options.Validate();
  if (!status.ok()) return status;
  auto impl = std::make_unique<Impl>(options, core);
  status = impl->Listen();
  if (!status.ok()) return status;
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() = default;

const std::string& GrpcServer::address() const { return impl_->address(); }
int GrpcServer::port() const { return impl_->port(); }
void GrpcServer::Shutdown(absl::Duration timeout) { impl_->Shutdown(timeout); }

}  // namespace rmq
