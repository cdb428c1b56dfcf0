#include "broker/service/grpc_server.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/service/connect_stream.h"
#include "broker/service/health_service.h"
#include "broker/timer/memory_trim.h"
#include "common/real_clock.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/live_calls.h"
#include "common/rpc/loop/loop_queues.h"
#include "common/rpc/server/address_rates.h"
#include "common/rpc/server/connection_arguments.h"
#include "common/rpc/server/connection_calls.h"
#include "common/rpc/server/deadline_watch.h"
#include "common/rpc/server/gate.h"
#include "common/rpc/server/listen_address.h"
#include "common/rpc/server/listen_socket.h"
#include "common/rpc/server/method_table.h"
#include "common/rpc/server/unary_call.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {
namespace {

// All methods are in the MethodTable. One of them is registered nevertheless,
// as reflection takes the names of services from registered methods; but as a
// stream of bytes, so that its calls are UnaryCalls too.
class AdminService final : public pb::ClientManagerAdmin::Service {
 public:
  AdminService() {
    MarkMethodStreamed(kRegistered, nullptr);
    for (int i = 0; i < Descriptor().method_count(); ++i) {
      if (i != kRegistered) MarkMethodGeneric(i);
    }
  }

  static std::string RegisteredPath() {
    return MethodTable::PathOf(*Descriptor().method(kRegistered));
  }

  void RequestRegistered(grpc::ServerContext* context,
                         grpc::GenericServerAsyncReaderWriter* call,
                         grpc::ServerCompletionQueue* queue, void* tag) {
    RequestAsyncBidiStreaming(kRegistered, context, call, queue, queue, tag);
  }

 private:
  static constexpr int kRegistered = 0;

  static const google::protobuf::ServiceDescriptor& Descriptor() {
    return *pb::ListGroupsRequest::descriptor()->file()->FindServiceByName(
        "ClientManagerAdmin");
  }
};

// The largest max_frame_bytes, and what gRPC hands over whatever
// max_frame_bytes is. What gRPC refuses by itself the broker never sees, and
// cannot log; and it would save nothing: gRPC reads a message to its end before
// it looks at its size.
constexpr size_t kLargestFrame = 64 * 1024 * 1024;
// Streams that wait for a client on each loop, so that a crowd of connecting
// clients does not wait for one stream to be set up after the other.
constexpr int kWaitingStreams = 16;
constexpr int kWaitingUnaryCalls = 4;
// How long a client may take for its first message, and for the heartbeat that
// makes its stream a channel.
constexpr absl::Duration kFirstMessageLimit = absl::Seconds(10);
// Streams that are no channels yet, and unary calls and health watches that
// wait for their clients. Each takes some 20 KB.
constexpr size_t kMostUnheardStreams = 10'000;
constexpr size_t kMostUnfinishedCalls = 10'000;
// Of all calls of reflection, which gRPC serves with a thread each.
constexpr int kReflectionThreads = 8;
// Streams ended in one piece of a shutdown.
constexpr size_t kDrainPiece = 1000;
// What calls get that arrive while a shutdown cancels the rest: to be turned
// away, and for reflection to answer what it was just asked.
constexpr absl::Duration kLastCalls = absl::Milliseconds(100);
// Beyond it answers are late, and nothing more is saved.
constexpr absl::Duration kLongestNap = absl::Milliseconds(100);
// What is due earlier waits for this, or for as long as the timer has just
// worked: no setting makes it spin, and what it has to do much of leaves half
// the time to others.
constexpr absl::Duration kShortestWait = absl::Milliseconds(1);
// One that seems to have worked for longer was stopped meanwhile.
constexpr absl::Duration kLongestRest = absl::Milliseconds(100);

}  // namespace

absl::Status GrpcServer::Options::Validate() const {
  const absl::Status listen = ParseListenAddress("address", address).status();
  if (!listen.ok()) return listen;
  if (max_frame_bytes < 1024 || max_frame_bytes > kLargestFrame) {
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
  const absl::Status rates_status = rates.Validate();
  if (!rates_status.ok()) return rates_status;
  constexpr int kMostStreams = 1'000'000;
  if (max_streams_per_connection < 1 ||
      max_streams_per_connection > kMostStreams) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_streams_per_connection must be 1 to ", kMostStreams,
                     ", got ", max_streams_per_connection));
  }
  for (const auto& [name, duration] :
       {std::make_pair("keepalive_time", keepalive_time),
        std::make_pair("keepalive_timeout", keepalive_timeout)}) {
    if (duration < absl::Milliseconds(1) || duration > absl::Hours(24)) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " must be 1ms to 24h, got ", absl::FormatDuration(duration)));
    }
  }
  if (threads < 1 || threads > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads must be 1 to 64, got ", threads));
  }
  if (nap < absl::ZeroDuration() || nap > kLongestNap) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nap must be 0 to 100ms, got ", absl::FormatDuration(nap)));
  }
  return absl::OkStatus();
}

class GrpcServer::Impl {
 public:
  Impl(const Options& options, const Core& core)
      : options_(options),
        core_(core),
        connections_(options.max_streams_per_connection),
        rates_(options.rates),
        slow_readers_({WaitsFor::kReading, options.slow_reader_limit},
                      BringForward(core.alarm)),
        unheard_streams_(
            {WaitsFor::kFirstMessage, kFirstMessageLimit, kMostUnheardStreams},
            BringForward(core.alarm)),
        unfinished_calls_(
            {WaitsFor::kFirstMessage, kFirstMessageLimit, kMostUnfinishedCalls},
            BringForward(core.alarm)),
        health_({&live_calls_, &connections_, &unfinished_calls_,
                 options.slow_reader_limit, core.clock}),
        gate_(core.authorizer, EndStatus(RemovalReason::kDrained)),
        methods_(&gate_, &rates_, &core.counters->calls),
        stream_environment_{&client_manager_,
                            core.client_manager,
                            core.table,
                            core.housekeeping,
                            &slow_readers_,
                            &unheard_streams_,
                            &connections_,
                            &rates_,
                            core.clock,
                            options.max_frame_bytes,
                            options.max_frame_rate,
                            &draining_,
                            &live_calls_,
                            core.counters},
        generic_calls_{[this](grpc::GenericServerContext* context,
                              grpc::GenericServerAsyncReaderWriter* call,
                              grpc::ServerCompletionQueue* queue, void* tag) {
                         generic_.RequestCall(context, call, queue, queue, tag);
                       },
                       "",
                       &methods_,
                       options.max_frame_bytes,
                       &live_calls_,
                       &connections_,
                       &rates_,
                       &unfinished_calls_,
                       options.slow_reader_limit,
                       &unread_bytes_,
                       core.clock},
        admin_calls_{[this](grpc::GenericServerContext* context,
                            grpc::GenericServerAsyncReaderWriter* call,
                            grpc::ServerCompletionQueue* queue, void* tag) {
                       admin_.RequestRegistered(context, call, queue, tag);
                     },
                     AdminService::RegisteredPath(),
                     &methods_,
                     options.max_frame_bytes,
                     &live_calls_,
                     &connections_,
                     &rates_,
                     &unfinished_calls_,
                     options.slow_reader_limit,
                     &unread_bytes_,
                     core.clock} {
    core.client_manager->AddMethods(&methods_);
    core.admin->AddMethods(&methods_);
    health_.AddMethods(&methods_);
    health_.AddService(pb::ClientManager::service_full_name());
    health_.AddService(pb::ClientManagerAdmin::service_full_name());
  }

  ~Impl() { Shutdown(absl::ZeroDuration()); }

  absl::Status Listen() {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options_.address,
                             grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(kLargestFrame));
    SetConnectionArguments(&builder, options_.keepalive_time,
                           options_.keepalive_timeout,
                           options_.max_streams_per_connection);
    grpc::ResourceQuota quota;
    quota.SetMaxThreads(kReflectionThreads);
    builder.SetResourceQuota(quota);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.RegisterService(&client_manager_);
    builder.RegisterService(&admin_);
    builder.RegisterService(health_.service());
    builder.RegisterAsyncGenericService(&generic_);
    for (int i = 0; i < options_.threads; ++i) {
      loops_.push_back(
          std::make_unique<ServerLoop>(builder.AddCompletionQueue()));
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return WhyNotListening();
    }
    address_ = absl::StrCat(
        options_.address.substr(0, options_.address.rfind(':')), ":", port_);
    for (const auto& loop : loops_) {
      for (int i = 0; i < kWaitingStreams; ++i) {
        ConnectStream::Accept(&stream_environment_, loop.get());
      }
      for (int i = 0; i < kWaitingUnaryCalls; ++i) {
        UnaryCall::Wait(&generic_calls_, loop->queue.get());
      }
      UnaryCall::Wait(&admin_calls_, loop->queue.get());
      health_.Wait(loop->queue.get());
      threads_.emplace_back([this, loop = loop.get()] {
        RunCompletionLoop(&loop->queues, options_.nap);
      });
    }
    // Counted from here: when a new thread gets to run is anybody's guess.
    const absl::Time first_tick =
        core_.clock->TimeNow() + core_.housekeeping->options().period;
    timer_ = std::thread([this, first_tick] { RunTimer(first_tick); });
    return absl::OkStatus();
  }

  const std::string& address() const { return address_; }
  int port() const { return port_; }

  void Shutdown(absl::Duration timeout) {
    if (shutdown_.exchange(true)) return;
    core_.alarm->Stop();
    if (server_ != nullptr) {
      health_.StopServing();
      core_.notifier->StartDraining();
      draining_ = true;
      gate_.BeginDrain();
      while (unheard_streams_.EndFirst(EndStatus(RemovalReason::kDrained),
                                       Name(RemovalReason::kDrained))) {
      }
      std::vector<ClientChannelPtr> closed;
      bool more = true;
      while (more) {
        closed.clear();
        more = core_.table->CloseSome(RemovalReason::kDrained, kDrainPiece,
                                      core_.clock->TimeNow(), &closed);
        for (const ClientChannelPtr& channel : closed) {
          channel->End(RemovalReason::kDrained);
        }
      }
      // The server waits for all calls, and some that are not ours never end.
      // By the real clock whatever the broker's: gRPC's own deadline is real.
      timeout = live_calls_.AwaitNoneBegun(&RealClock(),
                                           RealClock().TimeNow() + timeout)
                    ? std::min(timeout, kLastCalls)
                    : absl::ZeroDuration();
      server_->Shutdown(
          gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                       gpr_time_from_millis(absl::ToInt64Milliseconds(timeout),
                                            GPR_TIMESPAN)));
    }
    // Their events may be handled only now; see LiveCalls.
    live_calls_.AwaitNone();
    for (const auto& loop : loops_) loop->queue->Shutdown();
    for (std::thread& thread : threads_) thread.join();
    if (timer_.joinable()) timer_.join();
    // Those whose server never came to life have nobody to drain them.
    if (threads_.empty()) {
      for (const auto& loop : loops_) {
        RunCompletionLoop(&loop->queues, absl::ZeroDuration());
      }
    }
  }

 private:
  static DeadlineWatch::DeadlineListener BringForward(Alarm* alarm) {
    return [alarm](absl::Time time) { alarm->BringForward(time); };
  }

  // gRPC tells its log alone: the address is tried again by hand.
  absl::Status WhyNotListening() const {
    const absl::Status status =
        ListenSocket::Open(*ParseListenAddress("address", options_.address))
            .status();
    if (!status.ok()) return status;
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options_.address,
                     ": gRPC could not, and says why in its log"));
  }

  // Housekeeping, the notifier's window and clients that are waited for:
  // everything that is due by time.
  void RunTimer(absl::Time next_tick) {
    Clock& clock = *core_.clock;
    Housekeeping& housekeeping = *core_.housekeeping;
    Housekeeping::Pass pass;
    absl::Time woke = clock.TimeNow();
    while (true) {
      const absl::Time now = clock.TimeNow();
      absl::Time next = std::min(
          {next_tick, slow_readers_.Check(now), unheard_streams_.Check(now),
           unfinished_calls_.Check(now), core_.notifier->NextDeadline()});
      if (!pass.is_over()) next = now;
      const absl::Time rest_ends =
          now + std::clamp(now - woke, kShortestWait, kLongestRest);
      if (!core_.alarm->Await(&clock, rest_ends, next)) break;
      woke = clock.TimeNow();
      if (woke >= next_tick) {
        housekeeping.BeginTick(woke, &pass);
        next_tick = woke + housekeeping.options().period;
        const ConnectionCalls::Level level = connections_.TakeLevel();
        memory_trim_.Look(level.open, level.highest, woke);
      }
      if (!pass.is_over()) housekeeping.ContinueScan(woke, &pass);
      // Not before: a scan under way has its changes pushed together.
      if (woke >= core_.notifier->NextDeadline()) {
        core_.notifier->Flush(*core_.table, woke);
      }
    }
    // No stream that was taken out is left without its end.
    housekeeping.FinishScan(clock.TimeNow(), &pass);
  }

  // Constant after Listen().
  const Options options_;
  const Core core_;
  std::string address_;
  int port_ = 0;

  // Used by the timer.
  MemoryTrim memory_trim_{[] { malloc_trim(0); }};

  // Own synchronisation.
  ConnectionCalls connections_;
  AddressRates rates_;
  DeadlineWatch slow_readers_;
  DeadlineWatch unheard_streams_;
  DeadlineWatch unfinished_calls_;
  std::atomic<int64_t> unread_bytes_{0};
  LiveCalls live_calls_;
  HealthService health_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> shutdown_{false};

  ClientManagerAsyncService client_manager_;
  AdminService admin_;
  grpc::AsyncGenericService generic_;
  Gate gate_;
  MethodTable methods_;
  const ConnectStream::Environment stream_environment_;
  const UnaryCall::Environment generic_calls_;
  const UnaryCall::Environment admin_calls_;
  std::vector<std::unique_ptr<ServerLoop>> loops_;
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
