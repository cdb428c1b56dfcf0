// The clients that are in no group.

#include <memory>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"

namespace rmq {

SdkClients::Client& SdkClients::FindOrMakeLocked(const Who& who) {
  Client* client = FindLocked(who.key());
  if (client == nullptr) {
    auto made = std::make_unique<Client>();
    made->id = std::string(who.headers.client_id);
    made->network = who.network;
    client = made.get();
    clients_.emplace(client->key(), std::move(made));
  } else if (client->channel != nullptr || client->registering > 0) {
    // It is a member, or becomes one.
    return *client;
  } else {
    RemoveIdleLocked(*client);
    if (!MayActAs(*client, who)) {
      client->Forget();
      client->stream = 0;
      client->goodbye_until = absl::InfinitePast();
    }
  }
  client->BelongTo(who.principal);
  AddIdleLocked(*client);
  return *client;
}

void SdkClients::NoteTopic(const Who& who, const std::string& topic) {
  MutexLock lock(&mu_);
  Client& client = FindOrMakeLocked(who);
  if (!MayActAs(client, who) || client.digest != 0 ||
      client.asked_topics.size() == kMostTopics ||
      absl::c_linear_search(client.asked_topics, topic)) {
    return;
  }
  client.asked_topics.push_back(topic);
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
  clients_.erase(clients_.find(oldest->key()));
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
  NoteStreamlessLocked(absl::InfinitePast(), client);
  AddIdleLocked(client);
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
