#include "broker/service/connect_stream.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/fronts/clientmanager/fill_status.h"
#include "broker/fronts/clientmanager/frame_bytes.h"
#include "common/kv.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/inflate.h"
#include "common/rpc/server/outcome_writer.h"
#include "common/rpc/server/peer_address.h"
#include "common/rpc/server/refusal_log.h"
#include "glog/logging.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace rmq {
namespace {

// As grpc::SerializationTraits has it, without its stream: the size is known.
grpc::ByteBuffer Serialize(const pb::BrokerFrame& frame) {
  grpc::Slice slice(frame.ByteSizeLong());
  frame.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

// What was read, in one piece, as nearly all frames come. `buffer` is empty
// afterwards. False if it cannot be read.
bool TakeBytes(grpc::ByteBuffer* buffer, grpc::Slice* bytes) {
  const bool taken = buffer->TrySingleSlice(bytes).ok() ||
                     buffer->DumpToSingleSlice(bytes).ok();
  buffer->Clear();
  return taken;
}

// As long as a frame's beginning is that has the request id.
constexpr size_t kRequestIdBytes = 16;

// The request id that the frame begins with; 0 if it begins otherwise. `buffer`
// is empty afterwards. Copies nothing.
uint64_t TakeRequestId(grpc::ByteBuffer* buffer) {
  uint64_t request_id;
  {
    grpc::ProtoBufferReader bytes(buffer);
    google::protobuf::io::CodedInputStream input(&bytes);
    request_id = ReadRequestId(&input);
  }
  buffer->Clear();
  return request_id;
}

CallStatus NoFrame() { return BadForm("the frame is not a ClientFrame"); }

}  // namespace

CallStatus EndStatus(RemovalReason reason) {
  const auto status = [](absl::StatusCode code, absl::string_view message) {
    return CallStatus{code, ResponseCode::kSystemError, std::string(message)};
  };
  switch (reason) {
    case RemovalReason::kExpired:
      return status(absl::StatusCode::kDeadlineExceeded,
                    "EXPIRED: no heartbeat for longer than the channel expiry");
    case RemovalReason::kReplaced:
      return status(absl::StatusCode::kAborted,
                    "REPLACED: a newer stream has this client id and "
                    "incarnation");
    case RemovalReason::kKicked:
      return status(absl::StatusCode::kPermissionDenied,
                    "KICKED: taken out by an operator");
    case RemovalReason::kDrained:
      return status(absl::StatusCode::kUnavailable,
                    "DRAINED: the broker is going down");
    case RemovalReason::kUnregistered:
    case RemovalReason::kDisconnected: break;
  }
  return status(absl::StatusCode::kInternal, Name(reason));
}

void ConnectStream::Accept(const Environment* environment, ServerLoop* loop) {
  // Not make_shared: the watch's weak_ptr would keep the memory.
  const std::shared_ptr<ConnectStream> stream(
      new ConnectStream(environment, loop));
  environment->live_calls->Wait();
  MutexLock lock(&stream->mu_);
  stream->self_ = stream;
  environment->service->RequestConnect(
      &stream->context_, &stream->stream_, stream->queue_, loop->queue.get(),
      static_cast<CompletionHandler*>(&stream->accepted_tag_));
}

ConnectStream::ConnectStream(const Environment* environment, ServerLoop* loop)
    : ClientChannel(Kind::kStream),
      environment_(*environment),
      loop_(*loop),
      queue_(loop->queues.AddCall()),
      frame_rate_(environment->max_frame_rate) {}

void ConnectStream::OnAccepted(bool ok) {
  LiveCalls& live_calls = *environment_.live_calls;
  if (!ok) {  // The server is shutting down: nobody came.
    Release();
    live_calls.Abandon();
    return;
  }
  Accept(&environment_, &loop_);
  live_calls.Begin();
  environment_.front->connect().counters->CountCall();
  set_remote_address(PeerAddress(context_.peer()));
  absl::string_view reason;
  const CallStatus status = Begin(&reason);
  if (!status.ok()) {
    NoteRefused(status);
    EndWith(status, reason);
    return;
  }
  MutexLock lock(&mu_);
  if (!ending_) StartReadLocked();
}

CallStatus ConnectStream::Begin(absl::string_view* reason) {
  CallStatus status = environment_.connections->Begin(remote_address());
  is_counted_ = status.ok();
  if (!status.ok()) return status;
  status = FromStatus(environment_.table->CheckRoom());
  if (!status.ok()) return status;
  const absl::Time now = environment_.clock->TimeNow();
  std::shared_ptr<ConnectStream> self;
  {
    MutexLock lock(&mu_);
    self = self_;
  }
  unheard_ticket_ = environment_.unheard->Add(std::move(self), now, now);
  // After that: a drain says so before it ends those that are unheard, so that
  // a stream is ended by one of the two.
  if (environment_.draining->load()) {
    status = EndStatus(RemovalReason::kDrained);
    *reason = Name(RemovalReason::kDrained);
  }
  return status;
}

void ConnectStream::OnHeard() {
  environment_.unheard->Remove(std::exchange(unheard_ticket_, {}));
  bool has_ended;
  {
    MutexLock lock(&mu_);
    is_heard_ = true;
    has_ended = ending_;
  }
  // While its heartbeat was handled: nobody else knew of the channel.
  if (has_ended) CloseChannel();
}

void ConnectStream::OnRead(bool ok) {
  if (!ok) {  // Half-closed, or gone.
    {
      MutexLock lock(&mu_);
      read_in_flight_ = false;
      reads_done_ = true;
      if (write_in_flight_) WatchWriteLocked();
    }
    FinishIfReadsDone();
    ReleaseIfDone();
    return;
  }

  // Room for a heartbeat of some groups and its reply, so that the arena needs
  // no heap.
  alignas(8) char block[4096];
  google::protobuf::ArenaOptions arena_options;
  arena_options.initial_block = block;
  arena_options.initial_block_size = sizeof(block);
  google::protobuf::Arena arena(arena_options);
  auto& answer =
      *google::protobuf::Arena::CreateMessage<pb::BrokerFrame>(&arena);
  pb::Reply* const reply = answer.mutable_reply();
  const CallStatus answered = AnswerFrame(&arena, reply);
  if (!answered.ok()) {
    RefuseStream(answered);
    return;
  }
  {
    MutexLock lock(&mu_);
    read_in_flight_ = false;
    if (!ending_) {
      replies_.push_back(Serialize(answer));
      if (write_in_flight_) {
        WatchWriteLocked();
      } else {
        StartNextLocked();
      }
      if (replies_.size() < kMaxWaitingReplies) StartReadLocked();
    }
  }
  ReleaseIfDone();
}

CallStatus ConnectStream::AnswerFrame(google::protobuf::Arena* arena,
                                      pb::Reply* reply) {
  const absl::Time now = environment_.clock->TimeNow();
  const bool in_time = frame_rate_.Take(now);
  if (IsCompressed(read_buffer_, context_.c_call())) {
    CallStatus status = InflateFrame(in_time, now);
    if (!status.ok()) return RefuseFrame(std::move(status), reply);
  } else if (read_buffer_.Length() > environment_.max_frame_bytes) {
    return RefuseFrame(
        OverSize("frame", read_buffer_.Length(), environment_.max_frame_bytes),
        reply);
  }

  grpc::Slice slice;
  if (!TakeBytes(&read_buffer_, &slice)) return NoFrame();
  const absl::string_view bytes(reinterpret_cast<const char*>(slice.begin()),
                                slice.size());
  if (in_time && environment_.front->HandleRepeatedHeartbeat(*this, bytes, now,
                                                             client_, reply)) {
    return {};
  }
  auto& frame = *google::protobuf::Arena::CreateMessage<pb::ClientFrame>(arena);
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return NoFrame();
  }
  if (!in_time) {
    const CallStatus over = OverFrameRate();
    NoteRefused(over);
    reply->set_request_id(frame.request_id());
    FillStatus(over, reply->mutable_status());
    return {};
  }
  const bool was_heard = client_.is_bound();
  const CallContext stream = {*environment_.front->connect().descriptor,
                              {remote_address(), ""},
                              MetadataView(context_),
                              now};
  CallStatus end = environment_.front->HandleFrame(stream, *this, frame, bytes,
                                                   &client_, reply);
  if (client_.is_bound() && !was_heard) OnHeard();
  return end;
}

CallStatus ConnectStream::InflateFrame(bool in_time, absl::Time now) {
  constexpr auto kBytes = AddressRates::Kind::kBytes;
  const size_t most = environment_.max_frame_bytes;
  CallStatus refused;
  if (read_buffer_.Length() > most) {
    refused = OverSize("frame", read_buffer_.Length(), most);
  } else if (!in_time) {
    refused = OverFrameRate();
  } else {
    refused = environment_.rates->Check(kBytes, remote_address(), now);
    // It may be a heartbeat, and others at this address may be to blame.
    if (!refused.ok() && client_.is_bound()) RenewLight(/*token=*/0, now);
  }
  size_t work;
  // Of one that is not to be handled, no more than its id is needed.
  CallStatus status = InflateMessage(
      "frame", refused.ok() ? most : kRequestIdBytes, &read_buffer_, &work);
  environment_.rates->Take(kBytes, remote_address(), static_cast<int64_t>(work),
                           now);
  return refused.ok() ? status : refused;
}

CallStatus ConnectStream::OverFrameRate() const {
  return OverLimit(absl::StrCat("frames on a stream must be at most ",
                                environment_.max_frame_rate, " a second"));
}

CallStatus ConnectStream::RefuseFrame(CallStatus status, pb::Reply* reply) {
  const uint64_t request_id = TakeRequestId(&read_buffer_);
  if (request_id == 0) return status;
  NoteRefused(status);
  reply->set_request_id(request_id);
  FillStatus(status, reply->mutable_status());
  return {};
}

void ConnectStream::NoteRefused(const CallStatus& status) const {
  NoteRefusal(*environment_.front->connect().counters, remote_address(),
              client_.client_id, status);
}

void ConnectStream::RefuseStream(const CallStatus& status) {
  NoteRefused(status);
  {
    MutexLock lock(&mu_);
    read_in_flight_ = false;
  }
  CloseChannel();
  EndWith(status);
  ReleaseIfDone();
}

void ConnectStream::OnWritten(bool ok) {
  {
    MutexLock lock(&mu_);
    write_in_flight_ = false;
    if (!ok) {  // Gone; a read in flight is about to say so too.
      reads_done_ = true;
      replies_.clear();
      DropPushesLocked();
    }
    StartNextLocked();
    if (!read_in_flight_ && !reads_done_ && !ending_ &&
        replies_.size() < kMaxWaitingReplies) {
      StartReadLocked();
    }
  }
  FinishIfReadsDone();
  ReleaseIfDone();
}

void ConnectStream::OnFinished(bool) {
  {
    MutexLock lock(&mu_);
    finished_ = true;
  }
  ReleaseIfDone();
}

void ConnectStream::Push(const ConsumerIdsChanged& push) {
  MutexLock lock(&mu_);
  if (ending_ || reads_done_) {
    environment_.counters->pushes_dropped.fetch_add(1);
    return;
  }
  if (std::find(pushes_.begin(), pushes_.end(), push.group) != pushes_.end()) {
    environment_.counters->pushes_coalesced.fetch_add(1);
    return;
  }
  pushes_.emplace_back(push.group);
  if (write_in_flight_) {
    WatchWriteLocked();
  } else {
    StartNextLocked();
  }
}

void ConnectStream::End(RemovalReason reason) {
  EndWith(EndStatus(reason), Name(reason));
}

absl::Time ConnectStream::EndIfWaitingSince(WaitsFor what, absl::Time limit) {
  if (what == WaitsFor::kReading) return CutOffIfPendingSince(limit);
  // It has waited since its opening, so it is due.
  EndIfWaiting(
      {absl::StatusCode::kDeadlineExceeded, ResponseCode::kSystemError,
       absl::StrCat("no full heartbeat came within ",
                    absl::FormatDuration(environment_.unheard->options().limit),
                    " of the stream's opening")},
      "");
  return absl::InfiniteFuture();
}

void ConnectStream::EndIfWaiting(const CallStatus& status,
                                 absl::string_view reason) {
  {
    MutexLock lock(&mu_);
    if (is_heard_ || ending_) return;
    EndWithLocked(status, reason);
  }
  NoteRefusal(*environment_.front->connect().counters, remote_address(), "",
              status);
}

absl::Time ConnectStream::CutOffIfPendingSince(absl::Time limit) {
  {
    MutexLock lock(&mu_);
    const bool is_pending = write_in_flight_ || (finish_started_ && !finished_);
    if (is_pending && write_started_ > limit) return write_started_;
    watched_ = false;
    if (!is_pending) return absl::InfiniteFuture();
  }
  LOG(INFO) << "cut off, does not read" << Kv("peer", remote_address());
  environment_.counters->calls.slow_readers.fetch_add(1);
  context_.TryCancel();
  return absl::InfiniteFuture();
}

void ConnectStream::DropPushesLocked() {
  environment_.counters->pushes_dropped.fetch_add(
      static_cast<int64_t>(pushes_.size()));
  pushes_.clear();
}

void ConnectStream::StartReadLocked() {
  read_in_flight_ = true;
  stream_.Read(&read_buffer_, static_cast<CompletionHandler*>(&read_tag_));
}

void ConnectStream::StartNextLocked() {
  if (write_in_flight_ || finish_started_) return;
  if (ending_) {
    finish_started_ = true;
    write_started_ = environment_.clock->TimeNow();
    // It waits for the connection: one that is not read would keep it.
    WatchWriteLocked();
    stream_.Finish(status_, static_cast<CompletionHandler*>(&finished_tag_));
    return;
  }
  if (!pushes_.empty() && (replies_.empty() || !pushed_last_)) {
    pushed_last_ = true;
    pb::BrokerFrame frame;
    environment_.front->FillPush(pushes_.front(), environment_.clock->TimeNow(),
                                 frame.mutable_notify_consumer_ids_changed());
    pushes_.erase(pushes_.begin());
    environment_.counters->pushes_sent.fetch_add(1);
    StartWriteLocked(Serialize(frame));
  } else if (!replies_.empty()) {
    pushed_last_ = false;
    const grpc::ByteBuffer frame = std::move(replies_.front());
    replies_.erase(replies_.begin());
    StartWriteLocked(frame);
  }
}

void ConnectStream::StartWriteLocked(const grpc::ByteBuffer& frame) {
  write_in_flight_ = true;
  write_started_ = environment_.clock->TimeNow();
  stream_.Write(frame, static_cast<CompletionHandler*>(&written_tag_));
}

void ConnectStream::WatchWriteLocked() {
  if (std::exchange(watched_, true)) return;
  environment_.slow_readers->Add(self_, write_started_,
                                 environment_.clock->TimeNow());
}

void ConnectStream::FinishIfReadsDone() {
  {
    MutexLock lock(&mu_);
    if (!reads_done_ || ending_ || write_in_flight_ || !replies_.empty()) {
      return;
    }
  }
  CloseChannel();
  EndWith(CallStatus());
}

void ConnectStream::EndWith(const CallStatus& status,
                            absl::string_view reason) {
  MutexLock lock(&mu_);
  EndWithLocked(status, reason);
}

void ConnectStream::EndWithLocked(const CallStatus& status,
                                  absl::string_view reason) {
  if (std::exchange(ending_, true)) return;
  status_ = ToGrpcStatus(status);
  if (!status.ok()) {
    context_.AddTrailingMetadata(
        kResponseCodeMetadata,
        absl::StrCat(static_cast<int>(status.response_code)));
  }
  if (!reason.empty()) {
    context_.AddTrailingMetadata(kEndReasonMetadata, std::string(reason));
  }
  replies_.clear();
  DropPushesLocked();
  if (write_in_flight_) WatchWriteLocked();
  StartNextLocked();
}

void ConnectStream::CloseChannel() {
  if (!client_.is_bound()) return;
  environment_.housekeeping->OnChannelClose(*this, RemovalReason::kDisconnected,
                                            environment_.clock->TimeNow());
}

void ConnectStream::ReleaseIfDone() {
  LiveCalls& live_calls = *environment_.live_calls;
  {
    MutexLock lock(&mu_);
    if (!finished_ || read_in_flight_ || write_in_flight_) return;
  }
  Release();
  live_calls.End();
}

void ConnectStream::Release() {
  loop_.queues.RemoveCall(queue_);
  environment_.unheard->Remove(unheard_ticket_);
  if (is_counted_) environment_.connections->End(remote_address());
  std::shared_ptr<ConnectStream> self;
  MutexLock lock(&mu_);
  self = std::move(self_);
}

}  // namespace rmq
