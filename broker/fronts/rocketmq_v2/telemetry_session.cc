#include "broker/fronts/rocketmq_v2/telemetry_session.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "broker/fronts/rocketmq_v2/messaging_methods.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/fronts/rocketmq_v2/settings_answer.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/received_message.h"
#include "common/rpc/server/refusal_log.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/slice.h"

namespace rmq {
namespace {

grpc::ByteBuffer BufferOf(const v2::TelemetryCommand& command) {
  grpc::ByteBuffer buffer;
  bool owns_buffer;
  // Fails for no message of a known size.
  (void)grpc::GenericSerialize<grpc::ProtoBufferWriter,
                               google::protobuf::Message>(command, &buffer,
                                                          &owns_buffer);
  return buffer;
}

grpc::ByteBuffer StatusCommand(const CallStatus& status) {
  v2::TelemetryCommand command;
  FillStatus(status, command.mutable_status());
  return BufferOf(command);
}

// 0 is no digest.
uint64_t DigestOf(absl::string_view bytes) {
  return absl::Hash<absl::string_view>()(bytes) | 1;
}

}  // namespace

void TelemetrySession::Accept(const Environment* environment,
                              ServerLoop* loop) {
  const std::shared_ptr<TelemetrySession> session(
      new TelemetrySession(environment, loop));
  session->stream_.Accept({session, static_cast<Reactor*>(session.get())});
}

TelemetrySession::TelemetrySession(const Environment* environment,
                                   ServerLoop* loop)
    : environment_(*environment),
      rate_(environment->stream.calls->options.max_message_rate),
      stream_(&environment->stream, loop, this) {}

void TelemetrySession::OnOpened() {
  if (!environment_.open->Add(this)) {
    stream_.EndWith(CallStatus());
    return;
  }
  const absl::Time now = calls().clock.TimeNow();
  SdkHeaders headers;
  CallStatus status = stream_.Identify();
  const CallContext context = stream_.ContextOf(
      *MessagingServiceDescriptor().FindMethodByName("Telemetry"), now);
  if (status.ok())
    status = ReadHeaders(context.metadata, parts().limits, &headers);
  if (status.ok()) status = calls().gate.CheckClient(now);
  if (!status.ok()) {
    Refuse(status);
    return;
  }
  client_id_ = std::string(headers.client_id);
  number_ = environment_.broker->clients.OpenStream(CallerOf(context, headers));
  // The SDK for Rust awaits it before it goes on.
  stream_.SendInitialMetadata();
}

CallStatus TelemetrySession::ReadMessage(grpc::ByteBuffer* message,
                                         std::string* bytes) {
  const absl::Time now = calls().clock.TimeNow();
  if (!rate_.Take(now)) {
    return SdkError(v2::TOO_MANY_REQUESTS, "too many commands on a stream");
  }
  CallStatus status = ReceiveMessage(&calls(), stream_.payer(), now,
                                     stream_.context().c_call(), message);
  if (!status.ok()) return status;
  std::vector<grpc::Slice> slices;
  if (!message->Dump(&slices).ok()) {
    return BadForm("the message is not a TelemetryCommand");
  }
  for (const grpc::Slice& slice : slices) {
    bytes->append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return {};
}

bool TelemetrySession::OnMessage(grpc::ByteBuffer* message,
                                 grpc::ByteBuffer* reply) {
  if (is_refused_) return false;
  std::string bytes;
  v2::TelemetryCommand command;
  CallStatus status = stream_.Identify();
  if (status.ok()) status = ReadMessage(message, &bytes);
  message->Clear();
  if (status.ok() && !command.ParseFromString(bytes)) {
    status = BadForm("the message is not a TelemetryCommand");
  }
  // Others are answers to what this broker does not ask.
  if (status.ok() && !command.has_settings()) return false;
  if (status.ok()) status = TakeSettings(bytes, command.mutable_settings());
  if (!status.ok()) {
    Refuse(status);
    return false;
  }
  FillStatus(status, command.mutable_status());
  BufferOf(command).Swap(reply);
  return true;
}

CallStatus TelemetrySession::TakeSettings(absl::string_view bytes,
                                          v2::Settings* settings) {
  const absl::Time now = calls().clock.TimeNow();
  CallStatus status = calls().gate.CheckClient(now);
  if (!status.ok()) return status;
  const CallContext context = stream_.ContextOf(
      *MessagingServiceDescriptor().FindMethodByName("Telemetry"), now);
  SdkHeaders headers;
  status = ReadHeaders(context.metadata, parts().limits, &headers);
  if (!status.ok()) return status;
  SdkClients& clients = environment_.broker->clients;
  const uint64_t digest = DigestOf(bytes);
  SdkStatementPtr statement = clients.StatementOf(client_id_, digest);
  if (statement == nullptr) {
    status = SdkStatement::Parse(*settings, headers, parts().limits, now,
                                 &statement);
    if (!status.ok()) return status;
  }
  status = CheckStatement(calls().gate, context, headers.client_id, *statement);
  if (!status.ok()) return status;
  status =
      clients.State(CallerOf(context, headers), std::move(statement), digest);
  environment_.stream.method->CountCall();
  if (status.ok()) CompleteSettings(settings);
  return status;
}

void TelemetrySession::Refuse(const CallStatus& status) {
  is_refused_ = true;
  NoteRefusal(*environment_.stream.method, stream_.peer(), client_id_, status);
  const v2::Code code = CodeOf(status);
  CallStatus end;
  // Who has no client id is told in the message alone, as the proxy does. Nor
  // is it an error that the broker sends its clients away.
  if (code != v2::CLIENT_ID_REQUIRED &&
      status.code != absl::StatusCode::kUnavailable) {
    end = status;
    end.code = code < v2::INTERNAL_ERROR ? absl::StatusCode::kInvalidArgument
                                         : absl::StatusCode::kInternal;
  }
  const std::weak_ptr<TelemetrySession> self = reference();
  environment_.due_calls->Add(calls().clock.TimeNow() + kEndDelay, [self, end] {
    if (const auto session = self.lock()) session->stream_.EndWith(end);
  });
  stream_.Send(StatusCommand(status));
}

void TelemetrySession::Leave() {
  if (number_ == 0) return;
  environment_.broker->clients.CloseStream(client_id_, number_,
                                           calls().clock.TimeNow());
  number_ = 0;
}

void TelemetrySession::OnGone() {
  environment_.open->Remove(this);
  Leave();
}

bool OpenSessions::Add(TelemetrySession* session) {
  MutexLock lock(&mu_);
  if (closed_) return false;
  sessions_.insert(session);
  return true;
}

void OpenSessions::Remove(TelemetrySession* session) {
  MutexLock lock(&mu_);
  sessions_.erase(session);
}

void OpenSessions::Close() {
  std::vector<std::shared_ptr<TelemetrySession>> sessions;
  {
    MutexLock lock(&mu_);
    closed_ = true;
    // OnGone() comes before the stream drops its reference.
    for (TelemetrySession* const session : sessions_) {
      sessions.push_back(session->reference());
    }
  }
  for (const auto& session : sessions) session->EndForStop();
}

}  // namespace rmq
