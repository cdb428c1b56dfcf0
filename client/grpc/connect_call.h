// One Connect call of gRPC, whose events become a stream's reactions.
#ifndef CLIENT_GRPC_CONNECT_CALL_H_
#define CLIENT_GRPC_CONNECT_CALL_H_

#include <memory>

#include "client/grpc/stream_call.h"
#include "client/session/broker_stub.h"
#include "common/rpc/channel/channel_holder.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/status.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"

namespace rmq {

//   Start -> Read, Read, ... until one fails -> (no write under way) -> Finish
//
// Ownership and thread-safety: see StreamCall.
class ConnectCall final : public StreamCall<BrokerStream::Reactor> {
 public:
  // A stream over a new call to the channel of `holder`. `reactor` is borrowed
  // and must outlive the stream.
  static std::unique_ptr<BrokerStream> NewStream(
      const Environment& environment, std::shared_ptr<ChannelHolder> holder,
      BrokerStream::Reactor* reactor);

  ConnectCall(const Environment& environment,
              std::shared_ptr<ChannelHolder> holder,
              BrokerStream::Reactor* reactor);

  // As those of BrokerStream.
  void Start();
  void Write(const rocketmq::clientmanager::v1::ClientFrame& frame);
  void HalfClose();

 private:
  bool HasBegun() const override { return stream_ != nullptr; }
  bool IsOver() const override { return read_ended_ && !writing_; }
  void BeginFinish(grpc::Status* status, void* tag) override {
    stream_->Finish(status, tag);
  }
  bool EndedAsAsked(const grpc::Status& status) const override {
    return half_closed_ && status.ok();
  }

  void Read();
  void OnStartDone(bool ok);
  void OnReadDone(bool ok);
  void OnWriteDone(bool ok);
  void OnHalfCloseDone(bool ok);

  const std::unique_ptr<rocketmq::clientmanager::v1::ClientManager::Stub> stub_;
  std::unique_ptr<
      grpc::ClientAsyncReaderWriter<rocketmq::clientmanager::v1::ClientFrame,
                                    rocketmq::clientmanager::v1::BrokerFrame>>
      stream_;
  rocketmq::clientmanager::v1::BrokerFrame frame_;
  bool started_ = false;
  bool half_closed_ = false;
  bool writing_ = false;  // Or half-closing.
  bool read_ended_ = false;
};

}  // namespace rmq

#endif  // CLIENT_GRPC_CONNECT_CALL_H_
