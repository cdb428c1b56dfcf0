// The clients that are in no group.

#include <memory>

#include "broker/fronts/rocketmq_v2/sdk_clients.h"

namespace rmq {

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
