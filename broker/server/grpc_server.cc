#include "broker/server/grpc_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/real_clock.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/server/connection_arguments.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/transport_kind.h"
#include "common/rpc/server/unary_call.h"
#include "grpc/support/time.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_builder.h"

namespace rmq {
namespace {

// Unary calls that wait for a client on each loop.
constexpr int kWaitingUnaryCalls = 4;
// The limit of all calls of reflection together: gRPC serves each by a thread.
constexpr int kReflectionThreads = 8;
// The time in which calls that arrive during the end of a stop are turned away,
// and in which reflection answers its last requests.
constexpr absl::Duration kLastCalls = absl::Milliseconds(100);

// Adds server reflection to one server: gRPC's own way adds it to all servers
// of the process.
class ReflectionOption final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments* /*arguments*/) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*
                         plugins) override {
    plugins->push_back(
        std::make_unique<grpc::reflection::ProtoServerReflectionPlugin>());
  }
};

}  // namespace

ServerCalls::Options CallOptions(const ServerOptions& options) {
  ServerCalls::Options calls;
  calls.max_message_bytes = options.max_frame_bytes;
  calls.max_message_rate = options.max_frame_rate;
  calls.slow_reader_limit = options.slow_reader_limit;
  rlimit open_files = {};
  getrlimit(RLIMIT_NOFILE, &open_files);
  calls.connections = options.connections.WithOpenFiles(static_cast<int64_t>(
      std::min<rlim_t>(open_files.rlim_cur, Connections::kMostConnections)));
  calls.connections.max_calls = options.max_streams_per_connection;
  calls.connections.max_message_bytes =
      static_cast<int64_t>(options.max_frame_bytes);
  calls.rates = options.rates;
  return calls;
}

GrpcServer::GrpcServer(const Options& options, ServerCalls* calls,
                       std::vector<Front*> fronts, ServerCredentialsSource* tls)
    : options_(options),
      calls_(*calls),
      tls_(tls),
      health_(calls),
      fronts_(std::move(fronts)),
      acceptor_({options.keepalive_timeout}, &calls->connections, &RealClock(),
                [this](TransportKind kind, int fd) { HandOver(kind, fd); }) {
  for (const Front* const front : fronts_) {
    health_.AddService(front->service_name());
  }
  fronts_.push_back(&health_);
  for (Front* const front : fronts_) front->AddMethods(&calls->methods);
}

GrpcServer::~GrpcServer() { Stop(absl::ZeroDuration()); }

absl::Status GrpcServer::Start() {
  const absl::Status listens = Listen();
  if (!listens.ok()) return listens;
  grpc::ServerBuilder builder;
  if (options_.TellsServices()) {
    builder.SetOption(std::make_unique<ReflectionOption>());
  }
  for (auto& [kind, takes_over] : take_over_) {
    takes_over = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        kind == TransportKind::kTls ? tls_->Get()
                                    : PlaintextServerCredentials().Get());
  }
  // The same limit whatever max_frame_bytes is: the broker would not see a
  // message that gRPC itself refuses, and could not log it. A lower limit would
  // save nothing, since gRPC reads a message to its end before it checks the
  // size.
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(ServerOptions::kLargestFrame));
  SetConnectionArguments(&builder, options_.keepalive_time,
                         options_.keepalive_timeout,
                         options_.max_streams_per_connection);
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(kReflectionThreads);
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  for (Front* const front : fronts_) front->RegisterServices(&builder);
  builder.RegisterAsyncGenericService(&generic_);
  for (int i = 0; i < options_.threads; ++i) {
    loops_.push_back(
        std::make_unique<ServerLoop>(builder.AddCompletionQueue()));
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    return absl::UnavailableError(
        "gRPC could not start a server, and says why in its log");
  }
  for (const auto& loop : loops_) {
    for (Front* const front : fronts_) front->AcceptStreams(loop.get());
    for (int i = 0; i < kWaitingUnaryCalls; ++i) {
      UnaryCall::Wait(&calls_, server_.get(), loop->queue.get());
    }
    threads_.emplace_back([this, loop = loop.get()] {
      RunCompletionLoop(&loop->queues, options_.nap);
    });
  }
  std::vector<WatchedThread> watched;
  for (size_t i = 0; i < threads_.size(); ++i) {
    watched.push_back(
        {threads_[i].native_handle(), &loops_[i]->queues.returns()});
  }
  return acceptor_.Start(watched);
}

absl::Status GrpcServer::Listen() {
  const auto addresses = options_.ListenAddresses();
  for (const ListenAddress& address : *addresses) {
    const absl::StatusOr<std::string> bound = acceptor_.Listen(address);
    if (!bound.ok()) return bound.status();
    addresses_.push_back(*bound);
    take_over_[address.kind] = nullptr;
  }
  return absl::OkStatus();
}

int GrpcServer::port() const {
  int port = 0;
  (void)absl::SimpleAtoi(address().substr(address().rfind(':') + 1), &port);
  return port;
}

void GrpcServer::HandOver(TransportKind kind, int fd) {
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      connection;
  connection.fd = fd;
  take_over_.at(kind)->HandleNewConnection(&connection);
}

void GrpcServer::BeginDrain() {
  calls_.gate.BeginGoingDown();
  health_.SetServing(false);
}

void GrpcServer::Stop(absl::Duration timeout) {
  if (std::exchange(stopped_, true)) return;
  if (server_ != nullptr) EndCalls(timeout);
  // Events of ended calls may still have to be handled; see LiveCalls.
  calls_.live.AwaitNone();
  for (const auto& loop : loops_) loop->queue->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  // If the server could not start, no thread has drained the queues.
  if (threads_.empty()) {
    for (const auto& loop : loops_) {
      RunCompletionLoop(&loop->queues, absl::ZeroDuration());
    }
  }
}

void GrpcServer::EndCalls(absl::Duration timeout) {
  BeginDrain();
  for (Front* const front : fronts_) front->StopServing();
  // grpc::Server::Shutdown() waits for all calls until its deadline, and calls
  // of reflection may never end: they get kLastCalls once all other calls have
  // ended. By the real clock, whatever the broker's is, since gRPC's deadline
  // is real.
  timeout =
      calls_.live.AwaitNoneBegun(&RealClock(), RealClock().TimeNow() + timeout)
          ? std::min(timeout, kLastCalls)
          : absl::ZeroDuration();
  acceptor_.StopAccepting();
  // Which reads what comes on connections, and would not end while one floods.
  server_->Shutdown(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN)));
  acceptor_.Stop();
}

}  // namespace rmq
