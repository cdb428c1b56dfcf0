#include "tools/bench/echo/loop_echo.h"

#include <vector>

#include "common/rpc/loop/completion_loop.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace rmq::bench {
namespace {

constexpr int kWaitingStreams = 16;

// Deletes itself after its last event. Used by the loop's thread only.
class EchoStream {
 public:
  static void Accept(LoopEchoService* service, ServerLoop* loop,
                     const EchoAnswers* answers) {
    auto* const stream = new EchoStream(service, loop, answers);
    service->RequestConnect(
        &stream->context_, &stream->stream_, &stream->queue_, loop->queue.get(),
        static_cast<CompletionHandler*>(&stream->accepted_tag_));
  }

 private:
  EchoStream(LoopEchoService* service, ServerLoop* loop,
             const EchoAnswers* answers)
      : service_(*service),
        loop_(*loop),
        queue_(*loop->queues.AddCall()),
        answers_(*answers) {}

  ~EchoStream() { loop_.queues.RemoveCall(&queue_); }

  void OnAccepted(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    Accept(&service_, &loop_, &answers_);
    Read();
  }

  void OnRead(bool ok) {
    if (!ok) {
      reads_done_ = true;
      if (!write_in_flight_) Finish();
      return;
    }
    waiting_.push_back(&answers_.To(frame_));
    if (!write_in_flight_) Write();
    Read();
  }

  void OnWritten(bool ok) {
    write_in_flight_ = false;
    if (!ok) waiting_.clear();
    if (!waiting_.empty()) {
      Write();
    } else if (reads_done_) {
      Finish();
    }
  }

  void OnFinished(bool /*ok*/) { delete this; }

  void Read() {
    stream_.Read(&frame_, static_cast<CompletionHandler*>(&read_tag_));
  }
  void Write() {
    write_in_flight_ = true;
    stream_.Write(*waiting_.front(),
                  static_cast<CompletionHandler*>(&written_tag_));
    waiting_.erase(waiting_.begin());
  }
  void Finish() {
    stream_.Finish(grpc::Status::OK,
                   static_cast<CompletionHandler*>(&finished_tag_));
  }

  LoopEchoService& service_;
  ServerLoop& loop_;
  grpc::CompletionQueue& queue_;
  const EchoAnswers& answers_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{
      &context_};
  grpc::ByteBuffer frame_;
  std::vector<const grpc::ByteBuffer*> waiting_;
  bool write_in_flight_ = false;
  bool reads_done_ = false;
  CompletionTag<EchoStream, &EchoStream::OnAccepted> accepted_tag_{this};
  CompletionTag<EchoStream, &EchoStream::OnRead> read_tag_{this};
  CompletionTag<EchoStream, &EchoStream::OnWritten> written_tag_{this};
  CompletionTag<EchoStream, &EchoStream::OnFinished> finished_tag_{this};
};

}  // namespace

void AcceptEchoStreams(LoopEchoService* service, ServerLoop* loop,
                       const EchoAnswers* answers) {
  for (int i = 0; i < kWaitingStreams; ++i) {
    EchoStream::Accept(service, loop, answers);
  }
}

}  // namespace rmq::bench
