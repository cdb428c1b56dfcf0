#include "client/grpc/connect_call.h"

#include <utility>

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
    : StreamCall(environment, std::move(holder), reactor),
      stub_(v1::ClientManager::NewStub(channel())) {}

void ConnectCall::Start() {
  stream_ = stub_->PrepareAsyncConnect(&context(), environment().queue);
  stream_->StartCall(NewTag(&ConnectCall::OnStartDone));
}

void ConnectCall::Write(const v1::ClientFrame& frame) {
  CHECK(started_ && !writing_) << "one write at a time, after the start";
  writing_ = true;
  stream_->Write(frame, NewTag(&ConnectCall::OnWriteDone));
}

void ConnectCall::HalfClose() {
  CHECK(started_ && !writing_) << "one write at a time, after the start";
  writing_ = true;
  half_closed_ = true;
  stream_->WritesDone(NewTag(&ConnectCall::OnHalfCloseDone));
}

void ConnectCall::Read() {
  frame_.Clear();
  stream_->Read(&frame_, NewTag(&ConnectCall::OnReadDone));
}

void ConnectCall::OnStartDone(bool ok) {
  if (!ok) {
    read_ended_ = true;
    MaybeFinish();
    return;
  }
  started_ = true;
  Read();
  if (reactor() != nullptr) reactor()->OnStarted();
}

void ConnectCall::OnReadDone(bool ok) {
  if (!ok) {
    read_ended_ = true;
    MaybeFinish();
    return;
  }
  if (reactor() != nullptr) reactor()->OnRead(frame_);
  // Also when detached: the read of a cancelled call fails, and that ends it.
  Read();
}

// A failed write is not reported: the call is over, and the read fails too.
void ConnectCall::OnWriteDone(bool ok) {
  writing_ = false;
  if (ok && reactor() != nullptr) reactor()->OnWritten();
  MaybeFinish();
}

void ConnectCall::OnHalfCloseDone(bool /*ok*/) {
  writing_ = false;
  MaybeFinish();
}

}  // namespace rmq
