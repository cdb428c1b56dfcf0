#include "tools/loadgen/load_stream.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/channel/channel_arguments.h"
#include "common/rpc/loop/completion_loop.h"
#include "grpc/grpc.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/channel_arguments.h"

namespace rmq::loadgen {
namespace {

constexpr int kGrpcBackoffMs = 100;

grpc::ChannelArguments MakeChannelArguments() {
  grpc::ChannelArguments args = ClientChannelArguments();
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kGrpcBackoffMs);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kGrpcBackoffMs);
  // A load of thousands of connections does without its bookkeeping.
  args.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return args;
}

}  // namespace

int64_t NowNanos() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

std::shared_ptr<grpc::Channel> LoadConnection::Get() {
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments = MakeChannelArguments();
    security_->AddArguments(&arguments);
    channel_ =
        grpc::CreateCustomChannel(absl::StrCat("dns:///", broker_),
                                  security_->credentials().Get(), arguments);
  }
  return channel_;
}

void LoadConnection::Drop(const std::shared_ptr<grpc::Channel>& channel) {
  if (channel_ == channel) channel_ = nullptr;
}

// One Connect call. Deletes itself after its last event.
//
//   start -> write the first heartbeat -> read, read, ... until one fails
//         -> (no write under way) -> finish
class LoadStream::Call {
 public:
  explicit Call(LoadStream* stream)
      : stream_(*stream),
        channel_(stream->connection_.Get()),
        queue_(*stream->environment_.queues->AddCall()),
        call_(grpc::GenericStub(channel_).PrepareCall(
            &context_, stream->environment_.frames->method(), &queue_)) {
    stream->connection_.Sign(&context_);
    call_->StartCall(static_cast<CompletionHandler*>(&started_tag_));
  }

  ~Call() { stream_.environment_.queues->RemoveCall(&queue_); }

  // Writes the stream's heartbeat, once the write before is done: its event may
  // come after that of the answer. Nothing once the stream has ended, since
  // the call then goes with its last event.
  void SendHeartbeat() {
    if (reads_done_) return;
    heartbeat_waits_ = write_in_flight_;
    if (heartbeat_waits_) return;
    stream_.sent_ns_ = NowNanos();
    Write(stream_.heartbeat_);
  }

  // Writes it after those before it; nothing once the stream has ended.
  void Send(grpc::ByteBuffer response) {
    if (reads_done_ || half_close_) return;
    responses_.push_back(std::move(response));
    if (!write_in_flight_) WriteResponse();
  }

  void HalfClose() {
    half_close_ = true;
    if (!write_in_flight_) StartHalfClose();
  }

  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok) {
    if (!ok) {
      reads_done_ = true;
      FinishIfDone();
      return;
    }
    started_ = true;
    Read();
    if (half_close_) {
      StartHalfClose();
    } else {
      SendHeartbeat();
    }
  }

  void OnRead(bool ok) {
    if (!ok) {
      reads_done_ = true;
      FinishIfDone();
      return;
    }
    stream_.OnFrame(frame_);
    Read();
  }

  void OnWritten(bool /*ok*/) {  // A failed write fails the read too.
    write_in_flight_ = false;
    if (half_close_) {
      StartHalfClose();
    } else if (heartbeat_waits_ && !reads_done_) {
      SendHeartbeat();
    } else if (!responses_.empty() && !reads_done_) {
      WriteResponse();
    }
    FinishIfDone();
  }

  void OnFinished(bool /*ok*/) {
    stream_.OnCallOver(channel_, status_);
    delete this;
  }

  void Write(const grpc::ByteBuffer& frame) {
    write_in_flight_ = true;
    call_->Write(frame, static_cast<CompletionHandler*>(&written_tag_));
  }

  void WriteResponse() {
    const grpc::ByteBuffer response = std::move(responses_.front());
    responses_.pop_front();
    Write(response);
  }

  void Read() {
    call_->Read(&frame_, static_cast<CompletionHandler*>(&read_tag_));
  }

  void StartHalfClose() {
    if (!started_ || reads_done_ || std::exchange(half_closed_, true)) return;
    write_in_flight_ = true;
    call_->WritesDone(static_cast<CompletionHandler*>(&written_tag_));
  }

  void FinishIfDone() {
    if (!reads_done_ || write_in_flight_ || std::exchange(finishing_, true)) {
      return;
    }
    call_->Finish(&status_, static_cast<CompletionHandler*>(&finished_tag_));
  }

  LoadStream& stream_;
  const std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  grpc::CompletionQueue& queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer frame_;
  std::deque<grpc::ByteBuffer> responses_;
  grpc::Status status_;
  bool started_ = false;
  bool write_in_flight_ = false;  // Or a half-close.
  bool heartbeat_waits_ = false;
  bool reads_done_ = false;
  bool half_close_ = false;
  bool half_closed_ = false;
  bool finishing_ = false;
  CompletionTag<Call, &Call::OnStarted> started_tag_{this};
  CompletionTag<Call, &Call::OnRead> read_tag_{this};
  CompletionTag<Call, &Call::OnWritten> written_tag_{this};
  CompletionTag<Call, &Call::OnFinished> finished_tag_{this};
};

void LoadStream::Open() {
  state_ = State::kOpening;
  heartbeat_ = environment_.frames->Full(client_);
  if (environment_.holds_lists) lists_ = std::make_unique<HeldLists>();
  call_ = new Call(this);
}

void LoadStream::SendHeartbeat() {
  sent_ns_ = NowNanos();
  call_->SendHeartbeat();
}

void LoadStream::Close() {
  if (state_ != State::kOpening && state_ != State::kRegistered) return;
  state_ = State::kClosing;
  call_->HalfClose();
}

void LoadStream::Cancel() {
  if (call_ == nullptr) return;
  state_ = State::kCancelled;
  call_->Cancel();
}

void LoadStream::OnFrame(const grpc::ByteBuffer& frame) {
  Answer answer = environment_.frames->Parse(frame, lists_.get());
  if (answer.response.has_value() && state_ != State::kClosing) {
    call_->Send(*std::move(answer.response));
  }
  if (answer.is_push) {
    environment_.owner->OnPush(this);
  } else if (!answer.is_list && !answer.channel_closed) {
    OnHeartbeatAnswer(answer);
  }
}

void LoadStream::OnHeartbeatAnswer(const Answer& answer) {
  Owner& owner = *environment_.owner;
  const int64_t sent_ns = std::exchange(sent_ns_, 0);
  if (!answer.error.empty()) {
    owner.OnBadAnswer(this, answer.error);
  }
  if (answer.full_statement_needed) {
    owner.OnFullStatementNeeded();
    heartbeat_ = environment_.frames->Full(client_);
  } else if (environment_.light && answer.statement_token != 0) {
    heartbeat_ = environment_.frames->Light(answer.statement_token);
  }
  if (state_ == State::kOpening) {
    if (!answer.error.empty()) {
      Cancel();
      return;
    }
    state_ = State::kRegistered;
    owner.OnRegistered(this);
  } else if (sent_ns != 0) {
    owner.OnAnswered(this, sent_ns);
  }
}

void LoadStream::OnCallOver(const std::shared_ptr<grpc::Channel>& channel,
                            const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      state_ == State::kOpening) {
    connection_.Drop(channel);
  }
  call_ = nullptr;
  sent_ns_ = 0;
  environment_.owner->OnClosed(this, std::exchange(state_, State::kClosed),
                               status);
}

}  // namespace rmq::loadgen
