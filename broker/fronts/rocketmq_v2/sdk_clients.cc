#include "broker/fronts/rocketmq_v2/sdk_clients.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/fronts/clientmanager/skipped_group_log.h"
#include "broker/fronts/end_status.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/remote_address.h"
#include "common/rpc/server/peer_address.h"
#include "common/validation.h"

namespace rmq {
namespace {

// How often a channel is opened that closes before it is used.
constexpr int kTries = 2;

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

  const std::string& client_id() const { return client_id_; }

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

SdkClients::Client* SdkClients::FindLocked(absl::string_view client_id) const {
  const auto found = clients_.find(client_id);
  return found == clients_.end() ? nullptr : found->second.get();
}

bool SdkClients::IsOwn(const Client& client, const Who& who) {
  if (client.principal == who.principal.name) {
    return !client.principal.empty() ||
           client.network == NetworkOf(who.address);
  }
  // While rules are only tried out, as without them.
  return who.principal.is_trial && client.network == NetworkOf(who.address);
}

SdkClients::Client& SdkClients::FindOrMakeLocked(const Who& who) {
  Client* client = FindLocked(who.headers.client_id);
  if (client != nullptr && client->channel != nullptr) return *client;
  if (client != nullptr) {
    RemoveIdleLocked(*client);
    if (!IsOwn(*client, who)) {
      client->statement = nullptr;
      client->digest = 0;
      client->stream = 0;
      client->goodbye_until = absl::InfinitePast();
      client->asked_topics.clear();
    }
  } else {
    auto made = std::make_unique<Client>();
    made->id = std::string(who.headers.client_id);
    client = made.get();
    clients_.emplace(made->id, std::move(made));
  }
  client->principal = std::string(who.principal.name);
  client->network = NetworkOf(who.address);
  AddIdleLocked(*client);
  return *client;
}

void SdkClients::AddIdleLocked(Client& client) {
  Idle& of_network = idle_of_networks_[client.network];
  client.idle = idle_.insert(idle_.end(), &client);
  client.idle_of_network = of_network.insert(of_network.end(), &client);
  Client* oldest = nullptr;
  if (of_network.size() > kMostIdleOfNetwork) {
    oldest = of_network.front();
  } else if (idle_.size() > kMostIdle) {
    oldest = idle_.front();
  }
  if (oldest == nullptr) return;
  RemoveIdleLocked(*oldest);
  clients_.erase(clients_.find(oldest->id));
}

void SdkClients::RemoveIdleLocked(Client& client) {
  idle_.erase(client.idle);
  const auto of_network = idle_of_networks_.find(client.network);
  of_network->second.erase(client.idle_of_network);
  if (of_network->second.empty()) idle_of_networks_.erase(of_network);
}

void SdkClients::BecomeIdleLocked(Client& client) {
  if (client.channel == nullptr) return;
  client.channel = nullptr;
  AddIdleLocked(client);
}

SdkClients::StreamNumber SdkClients::OpenStream(const Who& who) {
  bool was_lost;
  SdkStatementPtr statement;
  uint64_t digest;
  StreamNumber number;
  {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    if (!IsOwn(client, who)) return 0;
    was_lost = client.stream == 0;
    number = client.stream = ++last_stream_;
    if (client.channel != nullptr) statement = client.statement;
    digest = client.digest;
  }
  // So that the usual expiry holds again. A client that this fails for has its
  // error with the next heartbeat.
  if (was_lost && statement != nullptr) {
    (void)Register(who, statement, digest);
  }
  return number;
}

void SdkClients::CloseStream(absl::string_view client_id, StreamNumber stream,
                             absl::Time now) {
  SdkStatementPtr statement;
  std::shared_ptr<Channel> channel;
  std::string principal;
  {
    MutexLock lock(&mu_);
    Client* const client = FindLocked(client_id);
    if (client == nullptr || client->stream != stream) return;
    client->stream = 0;
    if (client->channel == nullptr || now < client->goodbye_until) return;
    statement = client->statement;
    channel = client->channel;
    principal = client->principal;
  }
  HeartbeatStatement view = statement->View(client_id);
  view.requested_channel_expiry = options_.lost_expiry;
  view.principal.name = principal;
  (void)broker_.processor.Heartbeat(*channel, view, now);
  if (channel->closed()) Forget(*channel);
}

SdkStatementPtr SdkClients::StatementOf(absl::string_view client_id) const {
  MutexLock lock(&mu_);
  const Client* const client = FindLocked(client_id);
  return client == nullptr ? nullptr : client->statement;
}

SdkStatementPtr SdkClients::StatementOf(absl::string_view client_id,
                                        uint64_t digest) const {
  MutexLock lock(&mu_);
  const Client* const client = FindLocked(client_id);
  return client == nullptr || client->digest != digest ? nullptr
                                                       : client->statement;
}

CallStatus SdkClients::State(const Who& who, SdkStatementPtr statement,
                             uint64_t digest) {
  {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    // A client that states itself is there, whatever it has said before.
    client.goodbye_until = absl::InfinitePast();
  }
  CallStatus status = Register(who, statement, digest);
  broker_.counters.full_heartbeats.Count(status.code);
  return status;
}

SdkStatementPtr SdkClients::Inferred(const Client& client,
                                     const SdkHeaders& headers,
                                     v2::ClientType type,
                                     const std::string& group) {
  if (type == v2::PRODUCER) {
    return client.asked_topics.empty()
               ? nullptr
               : SdkStatement::OfProducer(client.asked_topics, headers);
  }
  return group.empty() ? nullptr
                       : SdkStatement::OfConsumer(type, group, headers);
}

CallStatus SdkClients::Heartbeat(const Who& who, v2::ClientType type,
                                 const std::string& group) {
  SdkStatementPtr statement;
  uint64_t digest;
  {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    if (who.now < client.goodbye_until) return {};
    if (client.digest == 0 &&
        (client.channel == nullptr || IsOwn(client, who))) {
      const bool is_known =
          client.statement != nullptr && client.statement->type() == type &&
          (type == v2::PRODUCER
               ? client.statement->topics() == client.asked_topics
               : client.statement->group() == group);
      statement = is_known ? client.statement
                           : Inferred(client, who.headers, type, group);
    } else {
      statement = client.statement;
    }
    digest = client.digest;
    if (statement != nullptr && statement == client.statement &&
        client.channel != nullptr && client.principal == who.principal.name &&
        !who.principal.is_trial &&
        client.statement_changes == broker_.processor.statement_changes() &&
        client.channel->RenewRepeated(who.now) != 0) {
      broker_.counters.light_heartbeats.Count(absl::StatusCode::kOk);
      return {};
    }
  }
  if (statement == nullptr) {
    return SdkError(v2::UNRECOGNIZED_CLIENT_TYPE,
                    "no settings yet: register by Telemetry, or by QueryRoute");
  }
  CallStatus status = Register(who, statement, digest);
  broker_.counters.light_heartbeats.Count(status.code);
  return status;
}

CallStatus SdkClients::LeaveAll(const Who& who,
                                const SdkStatementPtr& statement,
                                uint64_t digest) {
  std::shared_ptr<Channel> channel;
  {
    MutexLock lock(&mu_);
    Client& client = FindOrMakeLocked(who);
    if (client.channel != nullptr && !IsOwn(client, who)) {
      return SdkError(v2::FORBIDDEN,
                      absl::StrCat("another one holds the client id ",
                                   Quoted(who.headers.client_id)));
    }
    channel = client.channel;
    client.Take(statement, digest);
  }
  if (channel != nullptr) {
    broker_.table.Close(*channel, RemovalReason::kUnregistered, who.now);
    Forget(*channel);
  }
  return {};
}

CallStatus SdkClients::Register(const Who& who,
                                const SdkStatementPtr& statement,
                                uint64_t digest) {
  if (!statement->has_groups()) return LeaveAll(who, statement, digest);
  HeartbeatStatement view = statement->View(who.headers.client_id);
  view.principal = who.principal;
  for (int tries = 0;; ++tries) {
    std::shared_ptr<Channel> channel;
    {
      MutexLock lock(&mu_);
      const Client* const client = FindLocked(who.headers.client_id);
      if (client != nullptr) {
        channel = client->channel;
        view.requested_channel_expiry =
            client->stream == 0 ? options_.lost_expiry : absl::ZeroDuration();
      }
    }
    const bool is_new = channel == nullptr || channel->closed();
    if (is_new) {
      channel =
          std::make_shared<Channel>(this, who.headers.client_id, who.address);
      const absl::Status opened =
          broker_.table.Open(channel, who.now, who.principal.pays_as());
      if (!opened.ok()) return FromStatus(opened);
    }
    const uint64_t changes = broker_.processor.statement_changes();
    HeartbeatResult result =
        broker_.processor.Heartbeat(*channel, view, who.now);
    const bool is_member = !channel->closed();
    bool is_superseded = false;
    {
      MutexLock lock(&mu_);
      Client& client = FindOrMakeLocked(who);
      if (is_new && is_member) {
        // Another call of the client was faster, or it has said goodbye.
        is_superseded =
            (client.channel != nullptr && client.channel != channel &&
             !client.channel->closed()) ||
            who.now < client.goodbye_until;
        if (!is_superseded) {
          if (client.channel == nullptr) RemoveIdleLocked(client);
          client.channel = channel;
          client.network = NetworkOf(who.address);
        }
      }
      // Only what the registry has taken: a stranger's is refused there.
      if (is_member && !is_superseded && (is_new || result.status.ok())) {
        client.Take(statement, digest);
        client.statement_changes = changes;
        client.principal = std::string(who.principal.name);
      }
    }
    if (is_superseded) {
      broker_.table.Close(*channel, RemovalReason::kReplaced, who.now);
      return {};
    }
    if (!is_member) Forget(*channel);
    for (const PassedOverGroup& skipped : result.skipped) {
      NoteSkippedGroup(who.headers.client_id, skipped, &broker_.counters);
    }
    if (result.end.has_value()) return EndStatus(*result.end);
    // It expired just now.
    if (result.status.code == absl::StatusCode::kAborted &&
        tries + 1 < kTries) {
      continue;
    }
    if (!result.status.ok()) return std::move(result.status);
    if (!result.skipped.empty()) return SdkErrorOf(result.skipped.front());
    return {};
  }
}

CallStatus SdkClients::Terminate(const Who& who) {
  std::shared_ptr<Channel> channel;
  SdkStatementPtr statement;
  {
    MutexLock lock(&mu_);
    const Client* const client = FindLocked(who.headers.client_id);
    if (client == nullptr || !IsOwn(*client, who)) return {};
    channel = client->channel;
    statement = client->statement;
  }
  if (channel != nullptr) {
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
    broker_.table.Close(*channel, RemovalReason::kUnregistered, who.now);
  }
  // Of a heartbeat that was faster.
  std::shared_ptr<Channel> later;
  {
    MutexLock lock(&mu_);
    Client* const client = FindLocked(who.headers.client_id);
    if (client == nullptr || !IsOwn(*client, who)) return {};
    if (client->channel != channel) later = client->channel;
    BecomeIdleLocked(*client);
    client->statement = nullptr;
    client->digest = 0;
    client->asked_topics.clear();
    client->goodbye_until = who.now + options_.goodbye;
  }
  if (later != nullptr) {
    broker_.table.Close(*later, RemovalReason::kUnregistered, who.now);
  }
  return {};
}

void SdkClients::NoteTopic(const Who& who, const std::string& topic) {
  MutexLock lock(&mu_);
  Client& client = FindOrMakeLocked(who);
  if (!IsOwn(client, who) || client.digest != 0 ||
      client.asked_topics.size() == kMostTopics ||
      absl::c_linear_search(client.asked_topics, topic)) {
    return;
  }
  client.asked_topics.push_back(topic);
}

void SdkClients::Forget(const Channel& channel) {
  MutexLock lock(&mu_);
  Client* const client = FindLocked(channel.client_id());
  if (client != nullptr && client->channel.get() == &channel) {
    BecomeIdleLocked(*client);
  }
}

size_t SdkClients::members() const {
  MutexLock lock(&mu_);
  return clients_.size() - idle_.size();
}

size_t SdkClients::idle() const {
  MutexLock lock(&mu_);
  return idle_.size();
}

}  // namespace rmq
