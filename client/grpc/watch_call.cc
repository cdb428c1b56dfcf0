#include "client/grpc/watch_call.h"

#include <utility>

#include "client/grpc/call_end.h"
#include "client/loop/event_loop.h"
#include "common/rpc/loop/completion_callback.h"
#include "common/rpc/loop/live_calls.h"
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
    : environment_(environment),
      holder_(std::move(holder)),
      channel_(holder_->Get()),
      stub_(v1::ClientManagerAdmin::NewStub(channel_)),
      reactor_(reactor) {
  // A call that this process makes waits for no client: it begins at once.
  environment_.live_calls->Wait();
  environment_.live_calls->Begin();
}

WatchCall::~WatchCall() {
  // The transport may be destroyed once the call is not counted any more.
  call_.reset();
  stub_.reset();
  channel_.reset();
  holder_.reset();
  environment_.live_calls->End();
}

template <typename React>
void* WatchCall::NewTag(React react) {
  return CompletionCallback::New([self = shared_from_this(), react](bool ok) {
    EventLoop& loop = *self->environment_.loop;
    loop.Post([self, react, ok] { react(*self, ok); });
  });
}

void WatchCall::Start(const v1::WatchRequest& request) {
  starting_ = true;
  call_ = stub_->PrepareAsyncWatch(&context_, request, environment_.queue);
  call_->StartCall(
      NewTag([](WatchCall& call, bool ok) { call.OnStartDone(ok); }));
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
  call_->Read(&response_,
              NewTag([](WatchCall& call, bool ok) { call.OnReadDone(ok); }));
}

void WatchCall::Detach() {
  reactor_ = nullptr;
  if (call_ == nullptr || finished_) return;
  holder_->Drop(channel_);
  context_.TryCancel();
  ended_ = true;
  MaybeFinish();
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
  if (ok && reactor_ != nullptr) reactor_->OnResponse(response_);
  MaybeFinish();
}

void WatchCall::MaybeFinish() {
  if (!ended_ || starting_ || reading_ || finishing_) return;
  finishing_ = true;
  call_->Finish(&status_,
                NewTag([](WatchCall& call, bool) { call.OnFinishDone(); }));
}

void WatchCall::OnFinishDone() {
  finished_ = true;
  if (BlamesConnection(context_, status_, reactor_ == nullptr)) {
    holder_->Drop(channel_);
  }
  if (reactor_ != nullptr) {
    reactor_->OnFinished(StreamEndOf(context_, status_));
  }
}

}  // namespace rmq
