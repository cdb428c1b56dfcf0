#include "broker/fronts/rocketmq_v2/telemetry_session.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/rocketmq_v2/messaging_methods.h"
#include "broker/fronts/rocketmq_v2/sdk_headers.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/fronts/rocketmq_v2/settings_answer.h"
#include "common/mutex_lock.h"
#include "common/rpc/server/received_message.h"
#include "common/rpc/server/refusal_log.h"
#include "common/validation.h"
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
  CallStatus status = stream_.Identify();
  network_ = ClientNetworkOf(stream_.peer());
  payer_ = stream_.payer();
  if (!environment_.open->Add(this, &status)) {
    stream_.EndWith(CallStatus());
    return;
  }
  const absl::Time now = calls().clock.TimeNow();
  SdkHeaders headers;
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
  // First, so that an id that several use at all times is always listed.
  environment_.open->AddToClient(this, now);
  number_ = environment_.broker->clients.OpenStream(CallerOf(context, headers));
  if (context.peer.generation != 0 && !context.peer.is_trial) {
    identified_ = environment_.identified->Add(
        std::shared_ptr<IdentifiedStreams::Stream>(reference()),
        {std::string(context.peer.principal), context.peer.generation});
    // By rules that came meanwhile.
    status = stream_.Identify();
    if (!status.ok()) {
      Refuse(status);
      return;
    }
  }
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
  if (status.ok() && !command.has_settings()) {
    // Others are answers to what this broker does not ask.
    if (command.has_thread_stack_trace()) {
      environment_.stacks->Answer(client_id_, this, command);
    }
    return false;
  }
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
  const SdkClients::Who who = CallerOf(context, headers);
  const uint64_t digest = DigestOf(bytes);
  SdkStatementPtr statement = clients.StatementOf(who, digest);
  if (statement == nullptr) {
    status = SdkStatement::Parse(*settings, headers, parts().limits, now,
                                 &statement);
    if (!status.ok()) return status;
  }
  status = CheckStatement(calls().gate, context, headers.client_id, *statement);
  if (!status.ok()) return status;
  status = clients.State(who, std::move(statement), digest, number_);
  environment_.stream.method->CountCall();
  if (!status.ok()) return status;
  CompleteSettings(settings);
  return {};
}

void TelemetrySession::IdentifyAnew(CallerIdentity opened) {
  const CallStatus known = calls().gate.Identify(
      stream_.OpeningAt(calls().clock.TimeNow()), &opened);
  if (!known.ok()) EndFor(known);
}

void TelemetrySession::Refuse(const CallStatus& status) {
  is_refused_ = true;
  EndFor(status);
}

void TelemetrySession::EndFor(const CallStatus& status) {
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
  environment_.broker->clients.CloseStream(key(), number_,
                                           calls().clock.TimeNow());
}

CallStatus TelemetrySession::PrintStackTrace(
    absl::Time now, ClientThreads::OnAnswer on_answer) {
  if (!stream_.writable()) {
    return {absl::StatusCode::kFailedPrecondition, ResponseCode::kSystemError,
            absl::StrCat("client ", Quoted(client_id_),
                         " does not read its stream")};
  }
  v2::TelemetryCommand command;
  CallStatus status = environment_.stacks->Begin(
      client_id_, this, now, std::move(on_answer),
      command.mutable_print_thread_stack_trace_command()->mutable_nonce());
  if (!status.ok()) return status;
  FillStatus(CallStatus(), command.mutable_status());
  stream_.Send(BufferOf(command));
  return {};
}

void TelemetrySession::OnGone() {
  if (identified_ != 0) environment_.identified->Remove(identified_);
  // First, so that an id that several use at all times is always listed.
  Leave();
  environment_.open->Remove(this);
  environment_.stacks->EndOf(client_id_, this);
}

bool OpenSessions::Add(TelemetrySession* session, CallStatus* status) {
  MutexLock lock(&mu_);
  if (closed_) return false;
  sessions_.insert(session);
  const size_t of_payer = ++payers_[session->payer()];
  if (status->ok() && (sessions_.size() > most_ || of_payer > most_of_payer_)) {
    *status = SdkError(
        v2::TOO_MANY_REQUESTS,
        absl::StrCat("Telemetry streams must be at most ", most_, ", and ",
                     most_of_payer_, " of one user, or of one address"));
  }
  return true;
}

void OpenSessions::Remove(TelemetrySession* session) {
  MutexLock lock(&mu_);
  if (sessions_.erase(session) == 0) return;
  const auto payer = payers_.find(session->payer());
  if (--payer->second == 0) payers_.erase(payer);
  const auto client = of_clients_.find(session->key().client_id);
  if (client == of_clients_.end()) return;
  std::vector<TelemetrySession*>& sessions = client->second;
  sessions.erase(absl::c_find(sessions, session));
  if (sessions.empty()) of_clients_.erase(client);
  const absl::string_view client_id = session->key().client_id;
  if (!IsDuplicateLocked(client_id)) duplicates_.erase(client_id);
}

void OpenSessions::AddToClient(TelemetrySession* session, absl::Time now) {
  const absl::string_view client_id = session->key().client_id;
  MutexLock lock(&mu_);
  of_clients_[client_id].push_back(session);
  if (IsDuplicateLocked(client_id)) duplicates_.emplace(client_id, now);
}

void OpenSessions::AddStreamless(const SdkClientKey& key,
                                 absl::string_view address, absl::Time now) {
  MutexLock lock(&mu_);
  streamless_[key.client_id].emplace(key.network, address);
  if (IsDuplicateLocked(key.client_id)) duplicates_.emplace(key.client_id, now);
}

void OpenSessions::RemoveStreamless(const SdkClientKey& key) {
  MutexLock lock(&mu_);
  const auto addresses = streamless_.find(key.client_id);
  addresses->second.erase(key.network);
  if (addresses->second.empty()) streamless_.erase(addresses);
  if (!IsDuplicateLocked(key.client_id)) duplicates_.erase(key.client_id);
}

bool OpenSessions::IsDuplicateLocked(absl::string_view client_id) const {
  const auto of_client = of_clients_.find(client_id);
  const auto streamless = streamless_.find(client_id);
  const size_t sessions =
      of_client == of_clients_.end() ? 0 : of_client->second.size();
  size_t others =
      streamless == streamless_.end() ? 0 : streamless->second.size();
  // One that is at the network of the only session is its client.
  if (sessions == 1 && others > 0) {
    others -=
        streamless->second.count(of_client->second.front()->key().network);
  }
  return sessions + others > 1;
}

DuplicateStreams::Duplicate OpenSessions::DuplicateOfLocked(
    const std::string& client_id, absl::Time since) const {
  DuplicateStreams::Duplicate duplicate;
  duplicate.client_id = client_id;
  duplicate.since = since;
  constexpr size_t kMostAddresses = DuplicateStreams::Duplicate::kMostAddresses;
  const auto add = [&duplicate](absl::string_view address) {
    if (duplicate.addresses.size() == kMostAddresses) return;
    duplicate.addresses.emplace_back(address);
  };
  absl::flat_hash_set<ClientNetwork> with_session;
  const auto of_client = of_clients_.find(client_id);
  if (of_client != of_clients_.end()) {
    duplicate.streams = of_client->second.size();
    for (const TelemetrySession* const session : of_client->second) {
      add(session->address());
      with_session.insert(session->key().network);
    }
  }
  const auto streamless = streamless_.find(client_id);
  if (streamless == streamless_.end()) return duplicate;
  for (const auto& [network, address] : streamless->second) {
    if (with_session.contains(network)) continue;
    ++duplicate.streams;
    add(address);
  }
  return duplicate;
}

std::vector<DuplicateStreams::Duplicate> OpenSessions::ListDuplicates(
    absl::string_view after, size_t max) const {
  std::vector<DuplicateStreams::Duplicate> listed;
  MutexLock lock(&mu_);
  for (auto at = duplicates_.upper_bound(after);
       at != duplicates_.end() && listed.size() < max; ++at) {
    listed.push_back(DuplicateOfLocked(at->first, at->second));
  }
  return listed;
}

std::vector<std::shared_ptr<TelemetrySession>> OpenSessions::SessionsOf(
    absl::string_view client_id) const {
  std::vector<std::shared_ptr<TelemetrySession>> listed;
  MutexLock lock(&mu_);
  const auto found = of_clients_.find(client_id);
  if (found == of_clients_.end()) return listed;
  for (TelemetrySession* const session : found->second) {
    // OnGone() comes before the stream drops its reference.
    listed.push_back(session->reference());
  }
  std::reverse(listed.begin(), listed.end());
  return listed;
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
