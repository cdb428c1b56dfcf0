#include "tools/bench/echo/callback_echo.h"

#include "grpcpp/support/status.h"

namespace rmq::bench {
namespace {

// One frame at a time: the next is read when its answer is written.
class EchoReactor final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit EchoReactor(const EchoAnswers& answers) : answers_(answers) {
    StartRead(&frame_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&answers_.To(frame_));
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&frame_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  const EchoAnswers& answers_;
  grpc::ByteBuffer frame_;
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
CallbackEchoService::Connect(grpc::CallbackServerContext* /*context*/) {
  return new EchoReactor(answers_);
}

}  // namespace rmq::bench
