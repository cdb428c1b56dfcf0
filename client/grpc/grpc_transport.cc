#include "client/grpc/grpc_transport.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/cond_var.h"
#include "common/mutex_lock.h"
#include "common/real_clock.h"
#include "common/rpc/keepalive.h"
#include "glog/logging.h"
#include "grpc/grpc.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

// The trailing metadata in which a broker says why it ended a stream, and with
// which of RocketMQ's codes it ended a call: its own word in distinction from
// that of somebody on the way.
constexpr char kEndReasonKey[] = "rocketmq-end-reason";
constexpr char kResponseCodeKey[] = "rocketmq-response-code";

// For how long the end of a transport waits for connections that are being
// made: some round trips of any network. One kWatchTime comes on top.
constexpr absl::Duration kMostCloseTime = absl::Milliseconds(200);

// A watch cannot be called off: so often it ends, and begins anew.
constexpr absl::Duration kWatchTime = absl::Milliseconds(50);

gpr_timespec After(absl::Duration duration) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_micros(absl::ToInt64Microseconds(duration), GPR_TIMESPAN));
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
}

EndReason EndReasonOf(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto reason = metadata.find(kEndReasonKey);
  if (reason == metadata.end()) return EndReason::kNone;
  if (reason->second == "REPLACED") return EndReason::kReplaced;
  if (reason->second == "KICKED") return EndReason::kKicked;
  return EndReason::kNone;
}

// Whether a call that ended with `status` may have failed because of its
// connection: a broken one, or one that leads to somebody who refuses in the
// broker's place, such as a proxy. `wanted`: we ended it, or had it end.
bool BlamesConnection(const grpc::ClientContext& context,
                      const grpc::Status& status, bool wanted) {
  // Also by the broker's word: it goes down.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) return true;
  if (wanted) return false;
  const auto& metadata = context.GetServerTrailingMetadata();
  return metadata.count(kEndReasonKey) == 0 &&
         metadata.count(kResponseCodeKey) == 0;
}

grpc::ChannelArguments MakeChannelArguments(absl::Duration connect_timeout) {
  const auto ms = [](absl::Duration d) {
    return static_cast<int>(absl::ToInt64Milliseconds(d));
  };
  grpc::ChannelArguments args;
  // What gRPC calls the least backoff is the time that one attempt is given,
  // and so is any longer backoff. It does not dial again before that: we do, on
  // another channel, when our own backoff says so (common/backoff.h).
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ms(connect_timeout));
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, ms(connect_timeout));
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, ms(connect_timeout));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ms(kClientKeepaliveTime));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ms(kClientKeepaliveTimeout));
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // gRPC would measure the bandwidth by pings after answers, which wake the
  // broker once more. It is of use to who streams megabytes.
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // A connection of its own for each client, as RocketMQ has; and dropping a
  // channel ends its attempts to connect.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A broker is dialled as named, whatever http_proxy says.
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // The session tries again, not gRPC. And with its retries gRPC 1.51 aborts
  // the process if an answer has no grpc-status, as a proxy's page has none.
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return args;
}

// What comes out of the completion queue.
struct Tag {
  std::function<void(bool ok)> done;  // On the polling thread.
};

using Channels = absl::flat_hash_set<std::shared_ptr<grpc::Channel>>;

bool IsConnecting(const std::shared_ptr<grpc::Channel>& channel) {
  return channel->GetState(/*try_to_connect=*/false) == GRPC_CHANNEL_CONNECTING;
}

// Channels that connected for longer than their transport waited for, of the
// whole process: each goes once its attempt has ended and another transport
// begins or ends. As many as were connecting at the ends of transports within
// one connect timeout, since each end lets those go that are done.
class LateChannels {
 public:
  static LateChannels& OfTheProcess() {
    static auto& late = *new LateChannels;
    return late;
  }

  void Keep(Channels channels) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    connecting_.merge(channels);
  }

  void CloseThoseThatAreDone() ABSL_LOCKS_EXCLUDED(mu_) {
    Channels done;  // Destroyed last, without the lock.
    MutexLock lock(&mu_);
    for (const auto& channel : connecting_) {
      if (!IsConnecting(channel)) done.insert(channel);
    }
    for (const auto& channel : done) connecting_.erase(channel);
  }

 private:
  absl::Mutex mu_;
  Channels connecting_ ABSL_GUARDED_BY(mu_);
};

// Destroys channels, but none that is connecting.
//
// gRPC 1.51 loses the connection of a channel that is destroyed between the
// dialling and the broker's HTTP/2 settings, if these come after all: its
// socket stays open as long as the process lives (mended in gRPC's pull request
// 32071).
class ChannelCloser {
 public:
  explicit ChannelCloser(grpc::CompletionQueue* queue) : queue_(*queue) {
    LateChannels::OfTheProcess().CloseThoseThatAreDone();
  }

  // `channel`, which is closed here once nobody holds it.
  std::shared_ptr<grpc::Channel> Guard(std::shared_ptr<grpc::Channel> channel) {
    grpc::Channel* const guarded = channel.get();
    return {guarded,
            [this, channel = std::move(channel)](grpc::Channel*) mutable {
              Close(std::move(channel));
            }};
  }

  // Waits for those that are connecting, for `timeout` at most. Who is late is
  // left to LateChannels.
  void CloseAll(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    Channels late;
    {
      MutexLock lock(&mu_);
      RealClock().AwaitWithDeadline(
          &lock, &closed_,
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
            return connecting_.empty();
          },
          RealClock().TimeNow() + timeout);
      late.swap(connecting_);
    }
    LateChannels::OfTheProcess().Keep(std::move(late));
    LateChannels::OfTheProcess().CloseThoseThatAreDone();
  }

 private:
  // An attempt to connect has an end of its own, the connect timeout.
  void Close(std::shared_ptr<grpc::Channel> channel) ABSL_LOCKS_EXCLUDED(mu_) {
    if (!IsConnecting(channel)) return;
    MutexLock lock(&mu_);
    Watch(channel.get());
    connecting_.insert(std::move(channel));
  }

  void Watch(grpc::Channel* channel) {
    channel->NotifyOnStateChange(
        GRPC_CHANNEL_CONNECTING, After(kWatchTime), &queue_,
        new Tag{[this, channel](bool) { OnWatched(channel); }});
  }

  void OnWatched(grpc::Channel* channel) ABSL_LOCKS_EXCLUDED(mu_) {
    Channels::node_type closed;  // Destroyed last, without the lock.
    MutexLock lock(&mu_);
    const auto found = connecting_.find(channel);
    if (found == connecting_.end()) return;  // It is late.
    if (IsConnecting(*found)) {
      Watch(channel);
    } else {
      closed = connecting_.extract(found);
      closed_.SignalAll();
    }
  }

  grpc::CompletionQueue& queue_;
  absl::Mutex mu_;
  CondVar closed_;  // One of `connecting_`.
  // Nobody else holds these.
  Channels connecting_ ABSL_GUARDED_BY(mu_);
};

// The current channel to one broker.
//
// Two kinds of channels are used no more, and go with their last call; the next
// call then begins a new one:
// - One that could not connect, or whose last call blames it
//   (BlamesConnection()). How often a dead broker is dialled is for the calls
//   to decide, that is for the session's backoff.
// - One whose stream was given up: the connection may be the one that is stuck.
class ChannelHolder {
 public:
  ChannelHolder(std::string address, absl::Duration connect_timeout,
                ChannelCloser* closer)
      : target_(absl::StrCat("dns:///", address)),
        connect_timeout_(connect_timeout),
        closer_(*closer) {}

  std::shared_ptr<grpc::Channel> Get() ABSL_LOCKS_EXCLUDED(mu_) {
    std::shared_ptr<grpc::Channel> failed;  // Destroyed last, without the lock.
    MutexLock lock(&mu_);
    if (channel_ == nullptr || channel_->GetState(/*try_to_connect=*/false) ==
                                   GRPC_CHANNEL_TRANSIENT_FAILURE) {
      failed = std::exchange(channel_,
                             closer_.Guard(grpc::CreateCustomChannel(
                                 target_, grpc::InsecureChannelCredentials(),
                                 MakeChannelArguments(connect_timeout_))));
    }
    return channel_;
  }

  // No call begins on `channel` from here on.
  void Drop(const std::shared_ptr<grpc::Channel>& channel)
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (channel_ == channel) channel_ = nullptr;
  }

 private:
  const std::string target_;
  const absl::Duration connect_timeout_;
  ChannelCloser& closer_;
  absl::Mutex mu_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mu_);
};

// How many calls are alive, so that the queue outlives them.
class CallCounter {
 public:
  void Add() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++calls_;
  }
  void Remove() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --calls_;
  }
  void AwaitNone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](int* calls) { return *calls == 0; }, &calls_));
  }

 private:
  absl::Mutex mu_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
};

// One Connect call. It is used on the loop only; operations under way hold it,
// so it lives until Finish() is done, whatever becomes of its BrokerStream.
//
//   Start -> Read, Read, ... until one fails -> (no write under way) -> Finish
class ConnectCall : public std::enable_shared_from_this<ConnectCall> {
 public:
  ConnectCall(EventLoop* loop, grpc::CompletionQueue* queue,
              CallCounter* counter, std::shared_ptr<ChannelHolder> holder,
              BrokerStream::Reactor* reactor)
      : loop_(*loop),
        queue_(*queue),
        counter_(*counter),
        holder_(std::move(holder)),
        channel_(holder_->Get()),
        stub_(v1::ClientManager::NewStub(channel_)),
        reactor_(reactor) {
    counter_.Add();
  }
  ~ConnectCall() {
    stream_.reset();
    stub_.reset();
    channel_.reset();
    holder_.reset();
    counter_.Remove();
  }

  void Start() {
    stream_ = stub_->PrepareAsyncConnect(&context_, &queue_);
    stream_->StartCall(
        NewTag([](ConnectCall& call, bool ok) { call.OnStartDone(ok); }));
  }

  void Write(const v1::ClientFrame& frame) {
    CHECK(started_ && !writing_) << "one write at a time, after the start";
    writing_ = true;
    stream_->Write(frame, NewTag([](ConnectCall& call, bool ok) {
                     call.OnWriteDone(ok);
                   }));
  }

  void HalfClose() {
    CHECK(started_ && !writing_) << "one write at a time, after the start";
    writing_ = true;
    half_closed_ = true;
    stream_->WritesDone(NewTag([](ConnectCall& call, bool) {
      call.writing_ = false;
      call.MaybeFinish();
    }));
  }

  // No reaction from here on.
  void Detach() {
    reactor_ = nullptr;
    if (stream_ == nullptr || finished_) return;
    holder_->Drop(channel_);
    context_.TryCancel();
  }

 private:
  // A tag for one operation. It runs `react` on the loop, and keeps the call.
  template <typename React>
  Tag* NewTag(React react) {
    return new Tag{[self = shared_from_this(), react](bool ok) {
      EventLoop& loop = self->loop_;
      loop.Post([self, react, ok] { react(*self, ok); });
    }};
  }

  void OnStartDone(bool ok) {
    if (!ok) {
      read_ended_ = true;
      MaybeFinish();
      return;
    }
    started_ = true;
    Read();
    if (reactor_ != nullptr) reactor_->OnStarted();
  }

  void Read() {
    frame_.Clear();
    stream_->Read(&frame_, NewTag([](ConnectCall& call, bool ok) {
      call.OnReadDone(ok);
    }));
  }

  void OnReadDone(bool ok) {
    if (!ok) {
      read_ended_ = true;
      MaybeFinish();
      return;
    }
    if (reactor_ != nullptr) reactor_->OnRead(frame_);
    Read();  // Also when detached: a cancelled call fails it, which ends us.
  }

  // A failed write is no news: the call is over, and the read fails too.
  void OnWriteDone(bool ok) {
    writing_ = false;
    if (ok && reactor_ != nullptr) reactor_->OnWritten();
    MaybeFinish();
  }

  void MaybeFinish() {
    if (!read_ended_ || writing_ || finishing_) return;
    finishing_ = true;
    stream_->Finish(&status_, NewTag([](ConnectCall& call, bool) {
      call.finished_ = true;
      const bool wanted =
          call.reactor_ == nullptr || (call.half_closed_ && call.status_.ok());
      if (BlamesConnection(call.context_, call.status_, wanted)) {
        call.holder_->Drop(call.channel_);
      }
      if (call.reactor_ != nullptr) {
        call.reactor_->OnFinished(
            {FromGrpc(call.status_), EndReasonOf(call.context_)});
      }
    }));
  }

  EventLoop& loop_;
  grpc::CompletionQueue& queue_;
  CallCounter& counter_;
  std::shared_ptr<ChannelHolder> holder_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ClientManager::Stub> stub_;

  BrokerStream::Reactor* reactor_;  // Null once detached.
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientAsyncReaderWriter<v1::ClientFrame, v1::BrokerFrame>>
      stream_;
  v1::BrokerFrame frame_;
  grpc::Status status_;
  bool started_ = false;
  bool half_closed_ = false;
  bool writing_ = false;  // Or half-closing.
  bool read_ended_ = false;
  bool finishing_ = false;
  bool finished_ = false;
};

class GrpcBrokerStream final : public BrokerStream {
 public:
  explicit GrpcBrokerStream(std::shared_ptr<ConnectCall> call)
      : call_(std::move(call)) {}
  ~GrpcBrokerStream() override { call_->Detach(); }

  void Start() override { call_->Start(); }
  void Write(const v1::ClientFrame& frame) override { call_->Write(frame); }
  void HalfClose() override { call_->HalfClose(); }

 private:
  const std::shared_ptr<ConnectCall> call_;
};

class GrpcBrokerStub final : public BrokerStub {
 public:
  GrpcBrokerStub(EventLoop* loop, grpc::CompletionQueue* queue,
                 CallCounter* counter, ChannelCloser* closer,
                 std::string address, absl::Duration connect_timeout)
      : loop_(*loop),
        queue_(*queue),
        counter_(*counter),
        holder_(std::make_shared<ChannelHolder>(std::move(address),
                                                connect_timeout, closer)) {}

  std::unique_ptr<BrokerStream> NewStream(
      BrokerStream::Reactor* reactor) override {
    return std::make_unique<GrpcBrokerStream>(std::make_shared<ConnectCall>(
        &loop_, &queue_, &counter_, holder_, reactor));
  }

  absl::StatusOr<v1::GetConsumerListByGroupResponse> GetConsumerListByGroup(
      const v1::GetConsumerListByGroupRequest& request,
      absl::Duration timeout) override {
    v1::GetConsumerListByGroupResponse response;
    absl::Status status = Call(&v1::ClientManager::Stub::GetConsumerListByGroup,
                               request, &response, timeout);
    if (!status.ok()) return status;
    return response;
  }

  absl::Status CheckClientConfig(const v1::CheckClientConfigRequest& request,
                                 absl::Duration timeout) override {
    v1::CheckClientConfigResponse response;
    return Call(&v1::ClientManager::Stub::CheckClientConfig, request, &response,
                timeout);
  }

  void CancelCalls() override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    cancelled_ = true;
    for (grpc::ClientContext* context : calls_) context->TryCancel();
  }

 private:
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (v1::ClientManager::Stub::*method)(
                        grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response,
                    absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    grpc::ClientContext context;
    const gpr_timespec deadline = After(timeout);
    context.set_deadline(deadline);
    {
      MutexLock lock(&mu_);
      if (cancelled_) return absl::CancelledError("the client is shut down");
      calls_.insert(&context);
    }
    const std::shared_ptr<grpc::Channel> channel = holder_->Get();
    v1::ClientManager::Stub stub(channel);
    const grpc::Status status = (stub.*method)(&context, request, response);
    const bool is_over =
        gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline) >= 0;
    MutexLock lock(&mu_);
    calls_.erase(&context);
    if (BlamesConnection(context, status,
                         status.ok() || is_over || cancelled_)) {
      holder_->Drop(channel);
    }
    return FromGrpc(status);
  }

  EventLoop& loop_;
  grpc::CompletionQueue& queue_;
  CallCounter& counter_;
  const std::shared_ptr<ChannelHolder> holder_;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  // Unary calls under way.
  absl::flat_hash_set<grpc::ClientContext*> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

class GrpcTransport::Impl {
 public:
  explicit Impl(EventLoop* loop) : loop_(*loop), poller_([this] { Poll(); }) {}

  ~Impl() {
    counter_.AwaitNone();
    closer_.CloseAll(kMostCloseTime);
    queue_.Shutdown();
    poller_.join();
  }

  std::unique_ptr<BrokerStub> NewStub(absl::string_view address,
                                      absl::Duration connect_timeout) {
    return std::make_unique<GrpcBrokerStub>(&loop_, &queue_, &counter_,
                                            &closer_, std::string(address),
                                            connect_timeout);
  }

 private:
  void Poll() {
    void* event;
    bool ok;
    while (queue_.Next(&event, &ok)) {
      const std::unique_ptr<Tag> tag(static_cast<Tag*>(event));
      tag->done(ok);
    }
  }

  EventLoop& loop_;
  grpc::CompletionQueue queue_;
  CallCounter counter_;
  ChannelCloser closer_{&queue_};
  std::thread poller_;  // Last: it uses the members above.
};

GrpcTransport::GrpcTransport(EventLoop* loop)
    : impl_(std::make_unique<Impl>(loop)) {}

GrpcTransport::~GrpcTransport() = default;

std::unique_ptr<BrokerStub> GrpcTransport::NewStub(
    absl::string_view address, absl::Duration connect_timeout) {
  return impl_->NewStub(address, connect_timeout);
}

}  // namespace rmq
