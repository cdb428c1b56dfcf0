#include "broker/fronts/rocketmq_v2/sdk_clients.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "broker/fronts/client_id_holder.h"
#include "broker/fronts/clientmanager/skipped_group_log.h"
#include "broker/fronts/end_status.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/remote_address.h"

namespace rmq {
namespace {

// How often a client is registered anew that states something else meanwhile,
// or whose channel closes.
constexpr int kTries = 3;

}  // namespace

// Nothing can be pushed: the protocol has no such command.
class SdkClients::Channel final : public ClientChannel,
                                  public std::enable_shared_from_this<Channel> {
 public:
  Channel(SdkClients* clients, absl::string_view client_id,
          absl::string_view remote_address)
      : ClientChannel(Kind::kRocketmq5),
        clients_(*clients),
        client_id_(client_id) {
    remote_address_.Set(remote_address);
  }

  SdkClientKey key() const {
    return {client_id_, ClientNetworkOf(remote_address_.text())};
  }

  std::shared_ptr<ClientChannel> Reference() override {
    return shared_from_this();
  }
  void Push(std::shared_ptr<const MembershipPush>) override {}
  void End(const ChannelEnd&) override { clients_.Forget(*this); }
  bool writable() const override { return false; }
  absl::string_view remote_address() const override {
    return remote_address_.text();
  }

 private:
  SdkClients& clients_;
  const std::string client_id_;
  RemoteAddress remote_address_;
};

SdkClients::Client* SdkClients::FindLocked(const SdkClientKey& key) const {
  const auto found = clients_.find(key);
  return found == clients_.end() ? nullptr : found->second.get();
}

SdkClients::Client* SdkClients::FindOwnLocked(const Who& who) const {
  Client* const client = FindLocked(who.key());
  return client == nullptr || !MayActAs(*client, who) ? nullptr : client;
}

SdkClients::StreamNumber SdkClients::OpenStream(const Who& who) {
  bool was_lost;
  StreamNumber number;
  {
    MutexLock lock(&mu_);
    number = ++last_stream_;
    Client& client = FindOrMakeLocked(who);
    if (!MayActAs(client, who)) return number;
    was_lost = client.is_streamless;
    SetStreamLocked(number, who.now, client);
  }
  // So that the usual expiry holds again. A client that this fails for has its
  // error with the next heartbeat.
  if (was_lost) (void)Register(who, Opens::kNo);
  return number;
}

void SdkClients::CloseStream(const SdkClientKey& key, StreamNumber stream,
                             absl::Time now) {
  std::string principal;
  bool is_trial;
  {
    MutexLock lock(&mu_);
    Client* const client = FindLocked(key);
    if (client == nullptr || client->stream != stream) return;
    SetStreamLocked(0, now, *client);
    if (client->channel == nullptr) return;
    principal = client->principal;
    is_trial = client->is_trial;
  }
  SdkHeaders headers;
  headers.client_id = key.client_id;
  (void)Register({headers, "", {principal, is_trial}, now, key.network},
                 Opens::kNo);
}

SdkClients::StreamNumber SdkClients::StreamOf(const SdkClientKey& key) const {
  StreamNumber stream;
  std::string principal;
  {
    MutexLock lock(&mu_);
    const Client* const client = FindLocked(key);
    if (client == nullptr) return 0;
    if (client->channel != nullptr || client->is_trial) return client->stream;
    stream = client->stream;
    principal = client->principal;
  }
  return broker_.table.IsHeldByAnother(key.client_id, principal) ? 0 : stream;
}

SdkStatementPtr SdkClients::StatementOf(const Who& who, uint64_t digest) const {
  MutexLock lock(&mu_);
  const Client* const client = FindOwnLocked(who);
  return client == nullptr || client->digest != digest ? nullptr
                                                       : client->statement;
}

SdkStatementPtr SdkClients::InferredOf(const Client& client, const Who& who,
                                       v2::ClientType type,
                                       const std::string& group) {
  if (client.statement != nullptr &&
      client.statement->IsInferredOf(type, group, client.asked_topics)) {
    return client.statement;
  }
  return SdkStatement::Inferred(type, group, client.asked_topics, who.headers);
}

SdkStatementPtr SdkClients::StatementBy(const Who& who, v2::ClientType type,
                                        const std::string& group) const {
  MutexLock lock(&mu_);
  const Client* const client = FindOwnLocked(who);
  if (client == nullptr) return InferredOf(Client(), who, type, group);
  return client->digest != 0 ? client->statement
                             : InferredOf(*client, who, type, group);
}

CallStatus SdkClients::State(const Who& who, SdkStatementPtr statement,
                             uint64_t digest, StreamNumber stream) {
  CallStatus status = CheckHolder(who);
  if (status.ok()) {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    if (MayActAs(client, who)) {
      // A client that states itself is there, whatever it has said before.
      client.goodbye_until = absl::InfinitePast();
      client.State(std::move(statement), digest);
      SetStreamLocked(std::max(client.stream, stream), who.now, client);
      ++client.registering;
    } else {
      status = ClientIdOfAnother(who.headers.client_id);
    }
  }
  if (status.ok()) status = RegisterCounted(who, std::move(status));
  broker_.counters.full_heartbeats.Count(status.code);
  return status;
}

CallStatus SdkClients::Heartbeat(const Who& who, v2::ClientType type,
                                 const std::string& group) {
  return Beat(who, [&](const Client& client) {
    return InferredOf(client, who, type, group);
  });
}

CallStatus SdkClients::Heartbeat(const Who& who,
                                 const SdkStatementPtr& statement) {
  return Beat(who, [&](const Client& /*client*/) { return statement; });
}

CallStatus SdkClients::Beat(
    const Who& who, absl::FunctionRef<SdkStatementPtr(const Client&)> infer) {
  bool is_own;
  {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    if (who.now < client.goodbye_until) return {};
    is_own = MayActAs(client, who);
    if (is_own && client.digest == 0) {
      const SdkStatementPtr inferred = infer(client);
      if (inferred == nullptr) {
        return SdkError(
            v2::UNRECOGNIZED_CLIENT_TYPE,
            "no settings yet: register by Telemetry, or by QueryRoute");
      }
      client.State(inferred, 0);
    }
    if (client.channel != nullptr && client.principal == who.principal.name &&
        !who.principal.is_trial &&
        client.statement_changes == broker_.processor.statement_changes() &&
        client.channel->RenewRepeated(who.now) != 0) {
      broker_.counters.light_heartbeats.Count(absl::StatusCode::kOk);
      return {};
    }
    if (is_own) ++client.registering;
  }
  CallStatus status = CheckHolder(who);
  if (is_own) {
    status = RegisterCounted(who, std::move(status));
  } else if (status.ok()) {
    status = ClientIdOfAnother(who.headers.client_id);
  }
  broker_.counters.light_heartbeats.Count(status.code);
  return status;
}

CallStatus SdkClients::CheckHolder(const Who& who) const {
  if (who.principal.name.empty()) return {};
  return rmq::CheckHolder({who.headers.client_id, who.principal, who.address,
                           /*method=*/"", who.now},
                          broker_.table, &broker_.counters.denials);
}

CallStatus SdkClients::Register(const Who& who, Opens opens) {
  CallStatus status;
  for (int tries = 0; tries < kTries; ++tries) {
    Registration registration;
    {
      MutexLock lock(&mu_);
      const Client* const client = FindLocked(who.key());
      // It has said goodbye meanwhile, or was forgotten.
      if (client == nullptr || client->statement == nullptr) return {};
      registration = {client->statement, client->digest, client->stream != 0,
                      client->channel};
    }
    if (registration.channel != nullptr && registration.channel->closed()) {
      registration.channel = nullptr;
    }
    bool is_over = false;
    if (!registration.statement->has_groups()) {
      status = {};
      if (registration.channel != nullptr) {
        broker_.processor.CloseChannel(*registration.channel,
                                       RemovalReason::kUnregistered, who.now);
        Forget(*registration.channel);
      }
    } else if (registration.channel != nullptr || opens == Opens::kYes) {
      status = RegisterOnce(who, registration, &is_over);
    } else {
      return status;
    }
    MutexLock lock(&mu_);
    const Client* const client = FindLocked(who.key());
    if (client == nullptr ||
        (!is_over && client->statement == registration.statement &&
         (client->stream != 0) == registration.has_stream)) {
      return status;
    }
  }
  // The next heartbeat tries again.
  MutexLock lock(&mu_);
  Client* const client = FindLocked(who.key());
  if (client != nullptr) client->statement_changes = kNotRegistered;
  return status;
}

CallStatus SdkClients::RegisterCounted(const Who& who, CallStatus status) {
  if (status.ok()) status = Register(who, Opens::kYes);
  MutexLock lock(&mu_);
  Client* const client = FindLocked(who.key());
  // 0 if the client was forgotten meanwhile, and made again.
  if (client != nullptr && client->registering > 0) --client->registering;
  return status;
}

bool SdkClients::TakeChannelLocked(const Who& who,
                                   const Registration& registration,
                                   const std::shared_ptr<Channel>& channel) {
  Client* client = FindLocked(who.key());
  if (client == nullptr) {
    // It was forgotten meanwhile: others took its room.
    client = &FindOrMakeLocked(who);
    client->State(registration.statement, registration.digest);
  }
  const bool has_other =
      client->channel != nullptr && !client->channel->closed();
  // Another call of the client was faster, or it has said goodbye, or it is
  // another one's by now.
  if (has_other || client->statement == nullptr ||
      who.now < client->goodbye_until || !MayActAs(*client, who)) {
    return false;
  }
  if (client->channel == nullptr) RemoveIdleLocked(*client);
  client->channel = channel;
  NoteStreamlessLocked(who.now, *client);
  return true;
}

CallStatus SdkClients::RegisterOnce(const Who& who,
                                    const Registration& registration,
                                    bool* is_over) {
  HeartbeatStatement view = registration.statement->View(who.headers.client_id);
  view.principal = who.principal;
  if (!registration.has_stream) {
    view.requested_channel_expiry = options_.lost_expiry;
  }
  std::shared_ptr<Channel> channel = registration.channel;
  const bool is_new = channel == nullptr;
  if (is_new) {
    channel =
        std::make_shared<Channel>(this, who.headers.client_id, who.address);
    const absl::Status opened =
        broker_.table.Open(channel, who.now, who.principal.pays_as());
    if (!opened.ok()) return FromStatus(opened);
  }
  const uint64_t changes = broker_.processor.statement_changes();
  HeartbeatResult result = broker_.processor.Heartbeat(*channel, view, who.now);
  const bool is_member = !channel->closed();
  bool is_superseded = false;
  {
    MutexLock lock(&mu_);
    if (is_new && is_member) {
      is_superseded = !TakeChannelLocked(who, registration, channel);
    }
    Client* const client = FindLocked(who.key());
    if (client != nullptr && client->channel == channel && is_member &&
        result.status.ok() && client->statement == registration.statement &&
        (client->stream != 0) == registration.has_stream) {
      client->statement_changes = changes;
      if (MayActAs(*client, who)) client->BelongTo(who.principal);
    }
  }
  if (is_superseded) {
    broker_.processor.CloseChannel(*channel, RemovalReason::kReplaced, who.now);
    return {};
  }
  if (!is_member) Forget(*channel);
  for (const PassedOverGroup& skipped : result.skipped) {
    NoteSkippedGroup(who.headers.client_id, skipped, &broker_.counters);
  }
  if (result.end.has_value()) return EndStatus(*result.end);
  // It expired just now.
  *is_over = result.status.code == absl::StatusCode::kAborted;
  if (!result.status.ok()) return std::move(result.status);
  if (!result.skipped.empty()) return SdkErrorOf(result.skipped.front());
  return {};
}

CallStatus SdkClients::Terminate(const Who& who) {
  (void)CheckHolder(who);  // What another one says does nothing, and is noted.
  std::shared_ptr<Channel> channel;
  SdkStatementPtr statement;
  {
    MutexLock lock(&mu_);
    const Client* const client = FindOwnLocked(who);
    if (client == nullptr) return {};
    channel = client->channel;
    statement = client->statement;
  }
  if (channel != nullptr) {
    // Not null while there is a channel.
    const HeartbeatStatement view = statement->View(who.headers.client_id);
    absl::InlinedVector<absl::string_view, 1> consumers;
    for (const ConsumerStatement& consumer : view.consumers) {
      consumers.push_back(consumer.group);
    }
    CallStatus status = broker_.processor.UnregisterClient(
        *channel, who.headers.client_id, view.producer_groups, consumers,
        who.now, who.principal);
    if (!status.ok()) return status;
    // With what earlier statements named.
    broker_.processor.CloseChannel(*channel, RemovalReason::kUnregistered,
                                   who.now);
  }
  // Of a heartbeat that was faster.
  std::shared_ptr<Channel> later;
  {
    MutexLock lock(&mu_);
    Client* const client = FindOwnLocked(who);
    if (client == nullptr) return {};
    if (client->channel != channel) later = client->channel;
    BecomeIdleLocked(*client);
    client->Forget();
    client->goodbye_until = who.now + options_.goodbye;
  }
  if (later != nullptr) {
    broker_.processor.CloseChannel(*later, RemovalReason::kUnregistered,
                                   who.now);
  }
  return {};
}

void SdkClients::NoteStreamlessLocked(absl::Time now, Client& client) {
  const bool is_streamless = client.channel != nullptr && client.stream == 0;
  if (is_streamless == client.is_streamless) return;
  client.is_streamless = is_streamless;
  if (streamless_ == nullptr) return;
  if (is_streamless) {
    streamless_->AddStreamless(client.key(), client.channel->remote_address(),
                               now);
  } else {
    streamless_->RemoveStreamless(client.key());
  }
}

void SdkClients::Forget(const Channel& channel) {
  MutexLock lock(&mu_);
  Client* const client = FindLocked(channel.key());
  if (client != nullptr && client->channel.get() == &channel) {
    BecomeIdleLocked(*client);
  }
}

}  // namespace rmq
