// One Watch call of gRPC, whose events become a stream's reactions.
#ifndef CLIENT_GRPC_WATCH_CALL_H_
#define CLIENT_GRPC_WATCH_CALL_H_

#include <memory>

#include "client/grpc/connect_call.h"
#include "client/watch/watch_stub.h"
#include "common/rpc/channel/channel_holder.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/admin.grpc.pb.h"

namespace rmq {

//   Start -> Read, Read, ... until one fails -> Finish
//
// Operations under way own the call, so it lives until Finish() is done,
// whatever becomes of its WatchStream. Only Detach() ends the reactions
// earlier.
//
// Thread-safety: none; it is used on the environment's loop only.
class WatchCall : public std::enable_shared_from_this<WatchCall> {
 public:
  using Environment = ConnectCall::Environment;

  // A stream over a new call to the channel of `holder`. `reactor` is borrowed
  // and must outlive the stream.
  static std::unique_ptr<WatchStream> NewStream(
      const Environment& environment, std::shared_ptr<ChannelHolder> holder,
      WatchStream::Reactor* reactor);

  WatchCall(const Environment& environment,
            std::shared_ptr<ChannelHolder> holder,
            WatchStream::Reactor* reactor);
  WatchCall(const WatchCall&) = delete;
  WatchCall& operator=(const WatchCall&) = delete;
  ~WatchCall();

  // As those of WatchStream.
  void Start(const rocketmq::clientmanager::v1::WatchRequest& request);
  void Read();

  // Ends the reactions, and cancels the call if it has not ended. No further
  // call uses the channel of a call that was cancelled so.
  void Detach();

 private:
  // A tag for one operation, which calls `react` on the loop. It owns the call.
  template <typename React>
  void* NewTag(React react);

  void ReadNext();
  void OnStartDone(bool ok);
  void OnReadDone(bool ok);
  void OnFinishDone();
  // Finishes the call once it has ended and no other operation is under way.
  void MaybeFinish();

  const Environment environment_;
  std::shared_ptr<ChannelHolder> holder_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<rocketmq::clientmanager::v1::ClientManagerAdmin::Stub> stub_;

  WatchStream::Reactor* reactor_;  // Null once detached.
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientAsyncReader<rocketmq::clientmanager::v1::WatchResponse>>
      call_;
  rocketmq::clientmanager::v1::WatchResponse response_;
  grpc::Status status_;
  bool starting_ = false;
  bool reading_ = false;
  bool wants_read_ = false;  // Read() came before the start was done.
  bool ended_ = false;       // No further read.
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_WATCH_CALL_H_
