#include "client/grpc/watch_call.h"

#include <utility>

#include "glog/logging.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

class GrpcWatchStream final : public WatchStream {
 public:
  explicit GrpcWatchStream(std::shared_ptr<WatchCall> call)
      : call_(std::move(call)) {}
  ~GrpcWatchStream() override { call_->Detach(); }

  void Start(const v1::WatchRequest& request) override {
    call_->Start(request);
  }
  void Read() override { call_->Read(); }

 private:
  const std::shared_ptr<WatchCall> call_;
};

}  // namespace

std::unique_ptr<WatchStream> WatchCall::NewStream(
    const Environment& environment, std::shared_ptr<ChannelHolder> holder,
    WatchStream::Reactor* reactor) {
  return std::make_unique<GrpcWatchStream>(
      std::make_shared<WatchCall>(environment, std::move(holder), reactor));
}

WatchCall::WatchCall(const Environment& environment,
                     std::shared_ptr<ChannelHolder> holder,
                     WatchStream::Reactor* reactor)
    : StreamCall(environment, std::move(holder), reactor),
      stub_(v1::ClientManagerAdmin::NewStub(channel())) {}

void WatchCall::Start(const v1::WatchRequest& request) {
  starting_ = true;
  call_ = stub_->PrepareAsyncWatch(&context(), request, environment().queue);
  call_->StartCall(NewTag(&WatchCall::OnStartDone));
}

void WatchCall::Read() {
  CHECK(call_ != nullptr && !reading_ && !wants_read_)
      << "one read at a time, after the start";
  if (starting_) {
    wants_read_ = true;
  } else {
    ReadNext();
  }
}

void WatchCall::ReadNext() {
  reading_ = true;
  call_->Read(&response_, NewTag(&WatchCall::OnReadDone));
}

void WatchCall::OnStartDone(bool ok) {
  starting_ = false;
  ended_ |= !ok;
  if (!ended_ && std::exchange(wants_read_, false)) ReadNext();
  MaybeFinish();
}

void WatchCall::OnReadDone(bool ok) {
  reading_ = false;
  ended_ |= !ok;
  if (ok && reactor() != nullptr) reactor()->OnResponse(response_);
  MaybeFinish();
}

}  // namespace rmq
