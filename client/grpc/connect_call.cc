#include "client/grpc/connect_call.h"

#include <utility>

#include "client/grpc/call_end.h"
#include "common/rpc/loop/completion_callback.h"
#include "glog/logging.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

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

}  // namespace

std::unique_ptr<BrokerStream> ConnectCall::NewStream(
    const Environment& environment, std::shared_ptr<ChannelHolder> holder,
    BrokerStream::Reactor* reactor) {
  return std::make_unique<GrpcBrokerStream>(
      std::make_shared<ConnectCall>(environment, std::move(holder), reactor));
}

ConnectCall::ConnectCall(const Environment& environment,
                         std::shared_ptr<ChannelHolder> holder,
                         BrokerStream::Reactor* reactor)
    : environment_(environment),
      holder_(std::move(holder)),
      channel_(holder_->Get()),
      stub_(v1::ClientManager::NewStub(channel_)),
      reactor_(reactor) {
  // A call that this process makes waits for no client: it begins at once.
  environment_.live_calls->Wait();
  environment_.live_calls->Begin();
}

ConnectCall::~ConnectCall() {
  // The transport may be destroyed once the call is not counted any more.
  stream_.reset();
  stub_.reset();
  channel_.reset();
  holder_.reset();
  environment_.live_calls->End();
}

template <typename React>
void* ConnectCall::NewTag(React react) {
  return CompletionCallback::New([self = shared_from_this(), react](bool ok) {
    EventLoop& loop = *self->environment_.loop;
    loop.Post([self, react, ok] { react(*self, ok); });
  });
}

void ConnectCall::Start() {
  stream_ = stub_->PrepareAsyncConnect(&context_, environment_.queue);
  stream_->StartCall(
      NewTag([](ConnectCall& call, bool ok) { call.OnStartDone(ok); }));
}

void ConnectCall::Write(const v1::ClientFrame& frame) {
  CHECK(started_ && !writing_) << "one write at a time, after the start";
  writing_ = true;
  stream_->Write(
      frame, NewTag([](ConnectCall& call, bool ok) { call.OnWriteDone(ok); }));
}

void ConnectCall::HalfClose() {
  CHECK(started_ && !writing_) << "one write at a time, after the start";
  writing_ = true;
  half_closed_ = true;
  stream_->WritesDone(
      NewTag([](ConnectCall& call, bool) { call.OnHalfCloseDone(); }));
}

void ConnectCall::Detach() {
  reactor_ = nullptr;
  if (stream_ == nullptr || finished_) return;
  holder_->Drop(channel_);
  context_.TryCancel();
}

void ConnectCall::Read() {
  frame_.Clear();
  stream_->Read(
      &frame_, NewTag([](ConnectCall& call, bool ok) { call.OnReadDone(ok); }));
}

void ConnectCall::OnStartDone(bool ok) {
  if (!ok) {
    read_ended_ = true;
    MaybeFinish();
    return;
  }
  started_ = true;
  Read();
  if (reactor_ != nullptr) reactor_->OnStarted();
}

void ConnectCall::OnReadDone(bool ok) {
  if (!ok) {
    read_ended_ = true;
    MaybeFinish();
    return;
  }
  if (reactor_ != nullptr) reactor_->OnRead(frame_);
  // Also when detached: the read of a cancelled call fails, and that ends it.
  Read();
}

// A failed write is not reported: the call is over, and the read fails too.
void ConnectCall::OnWriteDone(bool ok) {
  writing_ = false;
  if (ok && reactor_ != nullptr) reactor_->OnWritten();
  MaybeFinish();
}

void ConnectCall::OnHalfCloseDone() {
  writing_ = false;
  MaybeFinish();
}

void ConnectCall::MaybeFinish() {
  if (!read_ended_ || writing_ || finishing_) return;
  finishing_ = true;
  stream_->Finish(&status_,
                  NewTag([](ConnectCall& call, bool) { call.OnFinishDone(); }));
}

void ConnectCall::OnFinishDone() {
  finished_ = true;
  const bool is_own_doing =
      reactor_ == nullptr || (half_closed_ && status_.ok());
  if (BlamesConnection(context_, status_, is_own_doing)) {
    holder_->Drop(channel_);
  }
  if (reactor_ != nullptr) {
    reactor_->OnFinished(StreamEndOf(context_, status_));
  }
}

}  // namespace rmq
