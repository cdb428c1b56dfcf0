// Connect answered through gRPC's callback API, with nothing behind it.
#ifndef TOOLS_BENCH_ECHO_CALLBACK_ECHO_H_
#define TOOLS_BENCH_ECHO_CALLBACK_ECHO_H_

#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "rocketmq/clientmanager/v1/client_manager.grpc.pb.h"
#include "tools/bench/echo/echo_answers.h"

namespace rmq::bench {

// As one would write a bidirectional stream today. gRPC brings the threads.
class CallbackEchoService final
    : public rocketmq::clientmanager::v1::ClientManager::
          WithRawCallbackMethod_Connect<
              rocketmq::clientmanager::v1::ClientManager::Service> {
 public:
  // Borrowed; outlives the server.
  explicit CallbackEchoService(const EchoAnswers* answers)
      : answers_(*answers) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Connect(
      grpc::CallbackServerContext* context) override;

 private:
  const EchoAnswers& answers_;
};

}  // namespace rmq::bench

#endif  // TOOLS_BENCH_ECHO_CALLBACK_ECHO_H_
