// One Watch call of gRPC, whose events become a stream's reactions.
#ifndef CLIENT_GRPC_WATCH_CALL_H_
#define CLIENT_GRPC_WATCH_CALL_H_

#include <memory>

#include "client/grpc/stream_call.h"
#include "client/watch/watch_stub.h"
#include "common/rpc/channel/channel_holder.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {

//   Start -> Read, Read, ... until one fails -> Finish
//
// Ownership and thread-safety: see StreamCall.
class WatchCall final : public StreamCall<WatchStream::Reactor> {
 public:
  // A stream over a new call to the channel of `holder`. `reactor` is borrowed
  // and must outlive the stream.
  static std::unique_ptr<WatchStream> NewStream(
      const Environment& environment, std::shared_ptr<ChannelHolder> holder,
      WatchStream::Reactor* reactor);

  WatchCall(const Environment& environment,
            std::shared_ptr<ChannelHolder> holder,
            WatchStream::Reactor* reactor);

  // As those of WatchStream.
  void Start(const rocketmq::clientmanager::v1::WatchRequest& request);
  void Read();

 private:
  bool HasBegun() const override { return call_ != nullptr; }
  bool IsOver() const override { return ended_ && !starting_ && !reading_; }
  void BeginFinish(grpc::Status* status, void* tag) override {
    call_->Finish(status, tag);
  }
  // No read may be under way that would fail.
  void OnDetached() override {
    ended_ = true;
    MaybeFinish();
  }

  void ReadNext();
  void OnStartDone(bool ok);
  void OnReadDone(bool ok);

  const std::unique_ptr<rocketmq::clientmanager::v1::ClientManagerAdmin::Stub>
      stub_;
  std::unique_ptr<
      grpc::ClientAsyncReader<rocketmq::clientmanager::v1::WatchResponse>>
      call_;
  rocketmq::clientmanager::v1::WatchResponse response_;
  bool starting_ = false;
  bool reading_ = false;
  bool wants_read_ = false;  // Read() came before the start was done.
  bool ended_ = false;       // No further read.
};

}  // namespace rmq

#endif  // CLIENT_GRPC_WATCH_CALL_H_
