#include "broker/fronts/clientmanager/connect_session.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/fronts/clientmanager/fill_push.h"
#include "broker/fronts/clientmanager/fill_status.h"
#include "broker/fronts/clientmanager/frame_bytes.h"
#include "broker/fronts/end_status.h"
#include "common/rpc/server/call_context.h"
#include "common/rpc/server/inflate.h"
#include "common/rpc/server/refusal_log.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace rmq {
namespace {

// Does what grpc::SerializationTraits does, without its output stream, since
// the size is known.
grpc::Slice Serialize(const pb::BrokerFrame& frame) {
  grpc::Slice slice(frame.ByteSizeLong());
  frame.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return slice;
}

// A message of bytes that it shares.
grpc::ByteBuffer BufferOf(const grpc::Slice& bytes) {
  return grpc::ByteBuffer(&bytes, 1);
}

// Takes the bytes of a message in one piece, as nearly all messages come.
// Empties `buffer`. Returns false if the message cannot be read.
bool TakeBytes(grpc::ByteBuffer* buffer, grpc::Slice* bytes) {
  const bool taken = buffer->TrySingleSlice(bytes).ok() ||
                     buffer->DumpToSingleSlice(bytes).ok();
  buffer->Clear();
  return taken;
}

// The length of a frame's beginning that contains the request id, and the tag
// of what follows.
constexpr size_t kRequestIdBytes = 16;

// A frame's beginning of that length, or all of it. Empty if the frame cannot
// be read.
std::string FirstBytes(const grpc::ByteBuffer& frame, bool is_compressed) {
  grpc::ByteBuffer copy = frame;  // Shares the bytes.
  size_t work;
  if (is_compressed) {
    // An error: there are more bytes.
    (void)InflateMessage("frame", kRequestIdBytes, &copy, &work);
  }
  std::string bytes;
  grpc::ProtoBufferReader reader(&copy);
  google::protobuf::io::CodedInputStream input(&reader);
  const void* block;
  int size;
  if (input.GetDirectBufferPointer(&block, &size)) {
    bytes.assign(static_cast<const char*>(block),
                 std::min(static_cast<size_t>(size), kRequestIdBytes));
  }
  return bytes;
}

// Returns the request id that the frame begins with; 0 if it begins otherwise.
// Empties `buffer`; copies nothing.
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

void ConnectSession::Accept(const Environment* environment, ServerLoop* loop) {
  // Not make_shared: a DeadlineWatch's weak_ptr would keep the memory.
  const std::shared_ptr<ConnectSession> session(
      new ConnectSession(environment, loop));
  session->stream_.Accept({session, static_cast<Reactor*>(session.get())});
}

ConnectSession::ConnectSession(const Environment* environment, ServerLoop* loop)
    : ClientChannel(Kind::kStream),
      environment_(*environment),
      frame_rate_(environment->stream.calls->options.max_message_rate),
      stream_(&environment->stream, loop, this) {}

void ConnectSession::OnOpened() {
  CallStatus status = stream_.Identify();
  if (status.ok()) {
    status = FromStatus(
        environment_.table->CheckRoom(stream_.pays_as(), remote_address()));
  }
  if (status.ok()) status = JoinIdentified();
  if (!status.ok()) {
    NoteRefused(status);
    stream_.EndWith(status);
    return;
  }
  stream_.AwaitClient();
  // After AwaitClient(): a drain closes the gate before it ends the streams
  // that it finds, so that either the drain or this check ends the stream.
  const CallStatus let_in = calls().gate.CheckClient(calls().clock.TimeNow());
  if (!let_in.ok()) {
    NoteRefused(let_in);
    stream_.EndWith(let_in);
  }
}

CallStatus ConnectSession::JoinIdentified() {
  const Peer client =
      stream_
          .ContextOf(*environment_.handler->connect().descriptor,
                     absl::InfinitePast())
          .peer;
  if (client.generation == 0 || client.is_trial) return {};
  identified_ = environment_.identified->Add(
      std::shared_ptr<IdentifiedStreams::Stream>(stream_.reactor(), this),
      {std::string(client.principal), client.generation});
  return stream_.Identify();
}

void ConnectSession::IdentifyAnew(CallerIdentity opened) {
  const CallStatus known = calls().gate.Identify(
      stream_.OpeningAt(calls().clock.TimeNow()), &opened);
  if (known.ok()) return;
  stream_.EndWith(known);
  // Else the stream does not become one: StopAwaitingClient() says that it
  // ends.
  if (is_channel_.load(std::memory_order_acquire)) {
    NoteRefused(known);
    CloseChannel();
  } else {
    NoteRefusal(*environment_.stream.method, remote_address(), "", known);
  }
}

bool ConnectSession::OnMessage(grpc::ByteBuffer* message,
                               grpc::ByteBuffer* reply) {
  // Room for a heartbeat of some groups and its reply, so that the arena needs
  // no heap.
  alignas(8) char block[4096];
  google::protobuf::ArenaOptions arena_options;
  arena_options.initial_block = block;
  arena_options.initial_block_size = sizeof(block);
  google::protobuf::Arena arena(arena_options);
  const CallStatus known = stream_.Identify();
  if (!known.ok()) {
    RefuseStream(known);
    return false;
  }
  if (stream_.generation() != client_.generation) {
    client_.generation = stream_.generation();
    client_.last_heartbeat = 0;
  }
  auto& answer =
      *google::protobuf::Arena::CreateMessage<pb::BrokerFrame>(&arena);
  bool has_reply = true;
  const CallStatus answered =
      AnswerFrame(message, &arena, answer.mutable_reply(), &has_reply);
  if (!answered.ok()) {
    RefuseStream(answered);
    return false;
  }
  if (!has_reply) return false;
  BufferOf(Serialize(answer)).Swap(reply);
  if (!client_.end_after_reply.ok()) {
    CloseChannel();
    stream_.EndAfter(std::move(*reply), client_.end_after_reply);
    return false;
  }
  return true;
}

CallStatus ConnectSession::AnswerFrame(grpc::ByteBuffer* message,
                                       google::protobuf::Arena* arena,
                                       pb::Reply* reply, bool* has_reply) {
  const absl::Time now = calls().clock.TimeNow();
  const size_t most = calls().options.max_message_bytes;
  const bool is_compressed = IsCompressed(*message, stream_.context().c_call());
  FrameOutline outline = {false, false};
  if (is_compressed || message->Length() > most) {
    outline = Outline(FirstBytes(*message, is_compressed), now);
    CallStatus status = is_compressed
                            ? InflateFrame(outline, now, message)
                            : OverSize("frame", message->Length(), most);
    if (!status.ok()) {
      *has_reply = !outline.is_acknowledgment;
      return RefuseFrame(std::move(status), outline, message, reply);
    }
  }
  grpc::Slice slice;
  if (!TakeBytes(message, &slice)) return NoFrame();
  const absl::string_view bytes(reinterpret_cast<const char*>(slice.begin()),
                                slice.size());
  if (!is_compressed) outline = Outline(bytes, now);
  return AnswerBytes(bytes, outline, now, arena, reply, has_reply);
}

ConnectSession::FrameOutline ConnectSession::Outline(
    absl::string_view first_bytes, absl::Time now) {
  const bool is_acknowledgment = BeginsWithAcknowledgment(first_bytes);
  return {is_acknowledgment, IsInTime(is_acknowledgment, now)};
}

bool ConnectSession::IsInTime(bool is_acknowledgment, absl::Time now) {
  return is_acknowledgment ? environment_.handler->MayReadAcknowledgment(
                                 remote_address(), now, &client_)
                           : frame_rate_.Take(now);
}

CallStatus ConnectSession::AnswerBytes(absl::string_view bytes,
                                       const FrameOutline& outline,
                                       absl::Time now,
                                       google::protobuf::Arena* arena,
                                       pb::Reply* reply, bool* has_reply) {
  bool in_time = outline.in_time;
  if (outline.is_acknowledgment && !in_time) {
    *has_reply = false;
    return {};
  }
  if (in_time && environment_.handler->HandleRepeatedHeartbeat(
                     *this, bytes, now, client_, reply)) {
    return {};
  }
  auto& frame = *google::protobuf::Arena::CreateMessage<pb::ClientFrame>(arena);
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return NoFrame();
  }
  if (frame.has_acknowledge() != outline.is_acknowledgment) {
    // Its fields come in an odd order.
    in_time = IsInTime(frame.has_acknowledge(), now) && in_time;
  }
  const CallContext stream =
      stream_.ContextOf(*environment_.handler->connect().descriptor, now);
  if (frame.has_acknowledge()) {
    *has_reply = false;
    if (in_time) {
      environment_.handler->HandleAcknowledgment(stream, *this,
                                                 frame.acknowledge(), &client_);
    }
    return {};
  }
  if (!in_time) {
    const CallStatus over = OverFrameRate();
    NoteRefused(over);
    reply->set_request_id(frame.request_id());
    FillStatus(over, reply->mutable_status());
    return {};
  }
  const bool was_heard = client_.is_bound();
  CallStatus end = environment_.handler->HandleFrame(stream, *this, frame,
                                                     bytes, &client_, reply);
  if (client_.is_bound() && !was_heard) {
    is_channel_.store(true, std::memory_order_release);
    // The stream was ended while its heartbeat was handled, when nobody else
    // knew of the channel.
    if (!stream_.StopAwaitingClient()) CloseChannel();
  }
  return end;
}

CallStatus ConnectSession::InflateFrame(const FrameOutline& outline,
                                        absl::Time now,
                                        grpc::ByteBuffer* message) {
  constexpr auto kBytes = PayerRates::Kind::kBytes;
  const size_t most = calls().options.max_message_bytes;
  CallStatus refused;
  if (message->Length() > most) {
    refused = OverSize("frame", message->Length(), most);
  } else if (!outline.in_time) {
    refused = OverFrameRate();
  } else {
    refused = calls().rates.Check(kBytes, stream_.payer(), now);
    // It may be a heartbeat, and others at this address may be to blame. By new
    // rules the client may not be what it has stated.
    if (!refused.ok() && client_.is_bound() && !outline.is_acknowledgment &&
        (stream_.generation() == 0 || client_.last_heartbeat != 0)) {
      RenewLight(/*token=*/0, now);
    }
  }
  size_t work;
  // Of one that is not to be handled, no more than its id is needed.
  CallStatus status = InflateMessage(
      "frame", refused.ok() ? most : kRequestIdBytes, message, &work);
  calls().rates.Take(kBytes, stream_.payer(), static_cast<int64_t>(work), now);
  return refused.ok() ? status : refused;
}

CallStatus ConnectSession::OverFrameRate() const {
  return OverLimit(absl::StrCat("frames on a stream must be at most ",
                                calls().options.max_message_rate, " a second"));
}

CallStatus ConnectSession::RefuseFrame(CallStatus status,
                                       const FrameOutline& outline,
                                       grpc::ByteBuffer* message,
                                       pb::Reply* reply) {
  if (outline.is_acknowledgment) {
    message->Clear();
    if (outline.in_time) {  // Else it is counted already.
      environment_.handler->DropAcknowledgment(remote_address(), &client_);
    }
    return {};
  }
  const uint64_t request_id = TakeRequestId(message);
  if (request_id == 0) return status;
  NoteRefused(status);
  reply->set_request_id(request_id);
  FillStatus(status, reply->mutable_status());
  return {};
}

void ConnectSession::RefuseStream(const CallStatus& status) {
  NoteRefused(status);
  CloseChannel();
  stream_.EndWith(status);
}

void ConnectSession::End(const ChannelEnd& end) {
  stream_.EndWith(EndStatus(end));
}

void ConnectSession::Push(std::shared_ptr<const MembershipPush> push) {
  const auto if_one_waits = push->is_bare()
                                ? ServerStream::IfOneWaits::kIsDropped
                                : ServerStream::IfOneWaits::kReplacesIt;
  const std::string& group = push->group;
  stream_.Push(
      group, [this, push = std::move(push)] { return MessageOf(*push); },
      if_one_waits);
}

grpc::ByteBuffer ConnectSession::MessageOf(const MembershipPush& push) const {
  const absl::Time settled_at = environment_.handler->settled_at();
  const absl::Time now = calls().clock.TimeNow();
  const auto make = [&] {
    pb::BrokerFrame frame;
    FillPush(push, settled_at, now,
             frame.mutable_notify_consumer_ids_changed());
    return Serialize(frame);
  };
  // While the broker settles, the message says for how much longer.
  return BufferOf(now < settled_at ? make()
                                   : push.message.Get<grpc::Slice>(make));
}

void ConnectSession::OnGone() {
  if (identified_ != 0) environment_.identified->Remove(identified_);
}

void ConnectSession::NoteRefused(const CallStatus& status) const {
  NoteRefusal(*environment_.stream.method, remote_address(), client_.client_id,
              status);
}

void ConnectSession::CloseChannel() {
  if (!client_.is_bound()) return;
  environment_.housekeeping->OnChannelClose(*this, RemovalReason::kDisconnected,
                                            calls().clock.TimeNow());
}

}  // namespace rmq
