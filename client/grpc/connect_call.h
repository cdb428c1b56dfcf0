// One Connect call of gRPC, whose events become a stream's reactions.
#ifndef CLIENT_GRPC_CONNECT_CALL_H_
#define CLIENT_GRPC_CONNECT_CALL_H_

#include <memory>

#include "client/loop/event_loop.h"
#include "client/session/broker_stub.h"
#include "common/rpc/channel/channel_holder.h"
#include "common/rpc/loop/live_calls.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

//   Start -> Read, Read, ... until one fails -> (no write under way) -> Finish
//
// Operations under way own the call, so it lives until Finish() is done,
// whatever becomes of its BrokerStream. Only Detach() ends the reactions
// earlier.
//
// Thread-safety: none; it is used on the environment's loop only.
class ConnectCall : public std::enable_shared_from_this<ConnectCall> {
 public:
  // Borrowed; must outlive the call.
  struct Environment {
    EventLoop* loop;               // Reactions run on it.
    grpc::CompletionQueue* queue;  // Its tags are CompletionHandlers.
    LiveCalls* live_calls;         // The queue outlives the calls in it.
  };

  // A stream over a new call to the channel of `holder`. `reactor` is borrowed
  // and must outlive the stream.
  static std::unique_ptr<BrokerStream> NewStream(
      const Environment& environment, std::shared_ptr<ChannelHolder> holder,
      BrokerStream::Reactor* reactor);

  ConnectCall(const Environment& environment,
              std::shared_ptr<ChannelHolder> holder,
              BrokerStream::Reactor* reactor);
  ConnectCall(const ConnectCall&) = delete;
  ConnectCall& operator=(const ConnectCall&) = delete;
  ~ConnectCall();

  // As those of BrokerStream.
  void Start();
  void Write(const rocketmq::clientmanager::v1::ClientFrame& frame);
  void HalfClose();

  // Ends the reactions, and cancels the call if it has not ended. No further
  // call uses the channel of a call that was cancelled so.
  void Detach();

 private:
  // A tag for one operation, which calls `react` on the loop. It owns the call.
  template <typename React>
  void* NewTag(React react);

  void Read();
  void OnStartDone(bool ok);
  void OnReadDone(bool ok);
  void OnWriteDone(bool ok);
  void OnHalfCloseDone();
  void OnFinishDone();
  // Finishes the call once nothing more can be read and nothing is being
  // written.
  void MaybeFinish();

  const Environment environment_;
  std::shared_ptr<ChannelHolder> holder_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<rocketmq::clientmanager::v1::ClientManager::Stub> stub_;

  BrokerStream::Reactor* reactor_;  // Null once detached.
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientAsyncReaderWriter<rocketmq::clientmanager::v1::ClientFrame,
                                    rocketmq::clientmanager::v1::BrokerFrame>>
      stream_;
  rocketmq::clientmanager::v1::BrokerFrame frame_;
  grpc::Status status_;
  bool started_ = false;
  bool half_closed_ = false;
  bool writing_ = false;  // Or half-closing.
  bool read_ended_ = false;
  bool finishing_ = false;
  bool finished_ = false;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_CONNECT_CALL_H_
