#include "tools/bench/echo/unary_echo.h"

#include "apache/rocketmq/v2/service.pb.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/slice.h"
#include "grpcpp/support/status.h"

namespace rmq::bench {
namespace {

constexpr int kWaitingCalls = 4;

// Deletes itself after its last event. Used by the loop's thread only.
class EchoCall {
 public:
  static void Accept(grpc::AsyncGenericService* service,
                     grpc::ServerCompletionQueue* queue,
                     const grpc::ByteBuffer* answer) {
    auto* const call = new EchoCall(service, queue, answer);
    service->RequestCall(&call->context_, &call->call_, queue, queue,
                         static_cast<CompletionHandler*>(&call->accepted_tag_));
  }

 private:
  EchoCall(grpc::AsyncGenericService* service,
           grpc::ServerCompletionQueue* queue, const grpc::ByteBuffer* answer)
      : service_(*service), queue_(*queue), answer_(*answer) {}

  void OnAccepted(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    Accept(&service_, &queue_, &answer_);
    call_.Read(&message_, static_cast<CompletionHandler*>(&read_tag_));
  }
  void OnRead(bool /*ok*/) {
    call_.WriteAndFinish(answer_, grpc::WriteOptions(), grpc::Status::OK,
                         static_cast<CompletionHandler*>(&finished_tag_));
  }
  void OnFinished(bool /*ok*/) { delete this; }

  grpc::AsyncGenericService& service_;
  grpc::ServerCompletionQueue& queue_;
  const grpc::ByteBuffer& answer_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_{&context_};
  grpc::ByteBuffer message_;
  CompletionTag<EchoCall, &EchoCall::OnAccepted> accepted_tag_{this};
  CompletionTag<EchoCall, &EchoCall::OnRead> read_tag_{this};
  CompletionTag<EchoCall, &EchoCall::OnFinished> finished_tag_{this};
};

}  // namespace

grpc::ByteBuffer SdkHeartbeatAnswer() {
  apache::rocketmq::v2::HeartbeatResponse response;
  response.mutable_status()->set_code(apache::rocketmq::v2::OK);
  response.mutable_status()->set_message("OK");
  const grpc::Slice slice(response.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

void AcceptEchoCalls(grpc::AsyncGenericService* service, ServerLoop* loop,
                     const grpc::ByteBuffer* answer) {
  for (int i = 0; i < kWaitingCalls; ++i) {
    EchoCall::Accept(service, loop->queue.get(), answer);
  }
}

}  // namespace rmq::bench
