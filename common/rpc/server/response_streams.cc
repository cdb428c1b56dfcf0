#include "common/rpc/server/response_streams.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/payer_rates.h"
#include "common/rpc/server/received_message.h"
#include "common/rpc/server/refusal_log.h"

namespace rmq {

// One call.
//
// Its source is pulled by one thread at a time: the loop's when a response is
// written, or the one that wakes it when there was nothing to say. One response
// is pulled ahead of the one that is written, so that those that are there
// together go out together.
class ResponseStreams::Stream final
    : public ServerStream::Reactor,
      public ResponseWaker::Sleeper,
      public std::enable_shared_from_this<Stream> {
 public:
  static void Accept(ResponseStreams* streams, ServerLoop* loop) {
    // Not make_shared: a weak_ptr would keep the memory.
    const std::shared_ptr<Stream> stream(new Stream(streams, loop));
    stream->stream_.Accept(
        std::shared_ptr<ServerStream::Reactor>(stream, stream.get()));
  }

  void End(const CallStatus& status) {
    {
      MutexLock lock(&mu_);
      if (!ends_with_.has_value()) ends_with_ = status;
      // Others that belong to the last response come first; SendNext() ends the
      // call then.
      if (goes_on_) return;
    }
    stream_.EndWith(status);
  }

  // ServerStream::Reactor.
  absl::string_view peer() const { return stream_.peer(); }

  void OnOpened() override {
    stream_.AwaitClient();
    const CallStatus may_come = streams_.Add(this);
    if (!may_come.ok()) Refuse(may_come);
  }

  bool OnMessage(grpc::ByteBuffer* message,
                 grpc::ByteBuffer* /*reply*/) override {
    if (!stream_.StopAwaitingClient()) return false;
    std::shared_ptr<ResponseSource> source;
    const CallStatus answered = Answer(message, &source);
    if (!answered.ok()) {
      Refuse(answered);
      return false;
    }
    {
      MutexLock lock(&mu_);
      has_message_ = true;
      source_ = std::move(source);
    }
    SendNext();
    return false;
  }

  void OnReadsDone() override {
    {
      MutexLock lock(&mu_);
      if (has_message_) return;  // The client is gone.
    }
    Refuse(NoMessage());
  }

  void OnAllWritten() override { SendNext(); }

  void OnGone() override {
    streams_.Remove(this);
    std::shared_ptr<ResponseSource> source;
    MutexLock lock(&mu_);
    source = std::move(source_);
  }

  // ResponseWaker::Sleeper.
  void Wake() override {
    {
      MutexLock lock(&mu_);
      was_woken_ = true;
      if (is_busy_) return;
      is_busy_ = true;
    }
    SendNext();
  }

 private:
  Stream(ResponseStreams* streams, ServerLoop* loop)
      : streams_(*streams), stream_(&streams->environment_, loop, this) {}

  ServerCalls& calls() { return *streams_.environment_.calls; }

  void Refuse(const CallStatus& status) {
    NoteRefusal(*streams_.environment_.method, peer(), "", status);
    stream_.EndWith(status);
  }

  CallStatus Answer(grpc::ByteBuffer* message,
                    std::shared_ptr<ResponseSource>* source) {
    const absl::Time now = calls().clock.TimeNow();
    CallStatus status = stream_.Identify();
    if (!status.ok()) {
      return PayUnidentified(&calls(), stream_.network(), now, *message,
                             std::move(status));
    }
    status = ReceiveMessage(&calls(), stream_.payer(), now,
                            stream_.context().c_call(), message);
    if (!status.ok()) return status;
    status = calls().rates.Check(PayerRates::Kind::kRows, stream_.payer(), now);
    if (!status.ok()) return status;
    status = streams_.TakePlace(this, stream_.payer());
    if (!status.ok()) return status;
    if (stream_.generation() != 0) request_ = *message;  // Shares the bytes.
    return streams_.method_.answer(
        calls().gate, stream_.ContextOf(streams_.method_.descriptor, now),
        message, ResponseWaker(weak_from_this()), source);
  }

  // Whether the client may still have what it asked for: an error if the rules
  // have changed. Called by the one that has set `is_busy_`.
  CallStatus CheckAnew(absl::Time now) {
    const uint64_t before = stream_.generation();
    CallStatus status = stream_.Identify();
    if (!status.ok() || stream_.generation() == before) return status;
    grpc::ByteBuffer request = request_;
    return streams_.method_.check(
        calls().gate, stream_.ContextOf(streams_.method_.descriptor, now),
        &request);
  }

  // Pulls until there is a response to write, or nothing. Called by the one
  // that has set `is_busy_`.
  void SendNext() {
    std::shared_ptr<ResponseSource> source;
    {
      MutexLock lock(&mu_);
      source = source_;
      was_woken_ = false;
    }
    while (source != nullptr) {
      const absl::Time now = calls().clock.TimeNow();
      const CallStatus may = CheckAnew(now);
      if (!may.ok()) {
        Refuse(may);
        return;
      }
      NextResponse next =
          following_.outcome == NextResponse::Outcome::kNothing
              ? source->Next(now)
              : std::exchange(following_, NextResponse::Nothing());
      const absl::optional<CallStatus> ends_with = TakeEnd(next);
      switch (next.outcome) {
        case NextResponse::Outcome::kResponse:
          calls().rates.Take(PayerRates::Kind::kRows, stream_.payer(),
                             next.rows, now);
          if (ends_with.has_value()) {
            stream_.EndAfter(std::move(next.bytes), *ends_with);
            return;
          }
          following_ = source->Next(now);
          stream_.Send(std::move(next.bytes),
                       following_.outcome == NextResponse::Outcome::kResponse);
          return;
        case NextResponse::Outcome::kEnd:
          if (next.status.ok()) {
            stream_.EndWith(next.status);
          } else {
            Refuse(next.status);
          }
          return;
        case NextResponse::Outcome::kNothing: break;
      }
      if (ends_with.has_value()) {
        stream_.EndWith(*ends_with);
        return;
      }
      MutexLock lock(&mu_);
      if (!std::exchange(was_woken_, false)) {
        is_busy_ = false;
        return;
      }
    }
  }

  // With what the call ends after `next`; none if it goes on.
  absl::optional<CallStatus> TakeEnd(const NextResponse& next) {
    MutexLock lock(&mu_);
    goes_on_ = next.outcome == NextResponse::Outcome::kResponse && next.goes_on;
    return goes_on_ ? absl::nullopt : ends_with_;
  }

  ResponseStreams& streams_;
  // What the client asked for; empty if there are no rules. Written before
  // there is a source.
  grpc::ByteBuffer request_;
  absl::Mutex mu_;
  bool has_message_ ABSL_GUARDED_BY(mu_) = false;
  // Null before the message, and after the call.
  std::shared_ptr<ResponseSource> source_ ABSL_GUARDED_BY(mu_);
  // A response is being made or written, or the call has none any more. At
  // first the message is awaited.
  bool is_busy_ ABSL_GUARDED_BY(mu_) = true;
  // What the source made last goes on.
  bool goes_on_ ABSL_GUARDED_BY(mu_) = false;
  // End() was called.
  absl::optional<CallStatus> ends_with_ ABSL_GUARDED_BY(mu_);
  // Wake() was called since Next() was.
  bool was_woken_ ABSL_GUARDED_BY(mu_) = false;
  // What is sent when the response before it is written, unless it is nothing.
  // Of the one that has set `is_busy_`.
  NextResponse following_;

  ServerStream stream_;
};

ResponseStreams::ResponseStreams(
    ResponsesMethod method,
    decltype(ServerStream::Environment::request) request, ServerCalls* calls)
    : method_(std::move(method)) {
  environment_.request = std::move(request);
  environment_.accept_next = [this](ServerLoop* loop) { Accept(loop); };
  environment_.too_late =
      absl::StrCat("the call's message did not come within ",
                   absl::FormatDuration(ServerCalls::kFirstMessageLimit));
  environment_.client_sends_once = true;
  environment_.awaiting = &calls->unfinished;
  environment_.method = calls->methods.Find(method_.descriptor)->counters;
  environment_.calls = calls;
}

void ResponseStreams::Accept(ServerLoop* loop) { Stream::Accept(this, loop); }

void ResponseStreams::EndAll(const CallStatus& status) {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    MutexLock lock(&mu_);
    for (const auto& [stream, payer] : streams_) {
      streams.push_back(stream->shared_from_this());
    }
  }
  for (const auto& stream : streams) stream->End(status);
}

void ResponseStreams::Close(const CallStatus& status) {
  {
    MutexLock lock(&mu_);
    closed_ = status;
  }
  EndAll(status);
}

size_t ResponseStreams::size() const {
  MutexLock lock(&mu_);
  return streams_.size();
}

CallStatus ResponseStreams::Add(Stream* stream) {
  MutexLock lock(&mu_);
  if (!closed_.ok()) return closed_;
  streams_.emplace(stream, absl::nullopt);
  return {};
}

CallStatus ResponseStreams::TakePlace(Stream* stream, const Payer& payer) {
  const std::string& name = method_.descriptor.name();
  MutexLock lock(&mu_);
  if (places_ >= method_.limits.calls) {
    return OverLimit(absl::StrCat("open calls of ", name, " must be at most ",
                                  method_.limits.calls));
  }
  size_t& of_payer = payers_[payer];
  if (of_payer >= method_.limits.calls_of_a_payer) {
    return OverLimit(
        absl::StrCat("open calls of ", name,
                     payer.is_principal ? " of one user" : " from one address",
                     " must be at most ", method_.limits.calls_of_a_payer));
  }
  ++of_payer;
  ++places_;
  streams_.find(stream)->second = payer;
  return {};
}

void ResponseStreams::Remove(Stream* stream) {
  MutexLock lock(&mu_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  if (found->second.has_value()) {
    --places_;
    const auto of_payer = payers_.find(*found->second);
    if (--of_payer->second == 0) payers_.erase(of_payer);
  }
  streams_.erase(found);
}

}  // namespace rmq
