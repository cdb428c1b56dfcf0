#include "client/grpc/grpc_transport.h"

#include <string>
#include <thread>
#include <utility>

#include "client/grpc/connect_call.h"
#include "client/grpc/grpc_broker_stub.h"
#include "client/grpc/grpc_watch_stub.h"
#include "client/grpc/watch_call.h"
#include "common/real_clock.h"
#include "common/rpc/channel/channel_closer.h"
#include "common/rpc/credentials/channel_security.h"
#include "common/rpc/loop/completion_loop.h"
#include "common/rpc/loop/live_calls.h"
#include "grpcpp/completion_queue.h"

namespace rmq {
namespace {

// For how long the end of a transport waits for connections that are being
// made: some round trips of any network. ChannelCloser::kWatchTime comes on
// top.
constexpr absl::Duration kMostCloseTime = absl::Milliseconds(200);

std::shared_ptr<ChannelSecurity> OrPlaintext(
    std::shared_ptr<ChannelSecurity> security) {
  return security != nullptr ? std::move(security)
                             : ChannelSecurity::Plaintext();
}

}  // namespace

class GrpcTransport::Impl {
 public:
  explicit Impl(EventLoop* loop) : loop_(*loop), poller_([this] { Poll(); }) {}

  ~Impl() {
    live_calls_.AwaitNone();
    closer_.CloseAll(kMostCloseTime);
    queue_.Shutdown();
    poller_.join();
  }

  std::unique_ptr<BrokerStub> NewStub(
      absl::string_view address, absl::Duration connect_timeout,
      std::shared_ptr<ChannelSecurity> security) {
    return std::make_unique<GrpcBrokerStub>(
        ConnectCall::Environment{&loop_, &queue_, &live_calls_}, &closer_,
        std::string(address), connect_timeout, std::move(security));
  }

  std::unique_ptr<WatchStub> NewWatchStub(
      absl::string_view address, absl::Duration connect_timeout,
      std::shared_ptr<ChannelSecurity> security) {
    return std::make_unique<GrpcWatchStub>(
        WatchCall::Environment{&loop_, &queue_, &live_calls_}, &closer_,
        std::string(address), connect_timeout, std::move(security));
  }

 private:
  void Poll() {
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
      static_cast<CompletionHandler*>(tag)->OnCompletion(ok);
    }
  }

  EventLoop& loop_;
  grpc::CompletionQueue queue_;
  LiveCalls live_calls_;
  ChannelCloser closer_{&queue_};
  std::thread poller_;  // Last: it uses the members above.
};

GrpcTransport::GrpcTransport(EventLoop* loop)
    : impl_(std::make_unique<Impl>(loop)) {}

GrpcTransport::~GrpcTransport() = default;

absl::StatusOr<std::shared_ptr<ChannelSecurity>> GrpcTransport::Secure(
    const absl::optional<TlsOptions>& tls,
    const absl::optional<Credentials>& credentials) {
  return ChannelSecurity::Create(tls, credentials, &RealClock());
}

std::unique_ptr<BrokerStub> GrpcTransport::NewStub(
    absl::string_view address, absl::Duration connect_timeout,
    std::shared_ptr<ChannelSecurity> security) {
  return impl_->NewStub(address, connect_timeout,
                        OrPlaintext(std::move(security)));
}

std::unique_ptr<WatchStub> GrpcTransport::NewWatchStub(
    absl::string_view address, absl::Duration connect_timeout,
    std::shared_ptr<ChannelSecurity> security) {
  return impl_->NewWatchStub(address, connect_timeout,
                             OrPlaintext(std::move(security)));
}

}  // namespace rmq
