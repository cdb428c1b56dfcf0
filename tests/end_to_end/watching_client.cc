#include "tests/end_to_end/watching_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/mutex_lock.h"

namespace rmq {
namespace {

constexpr absl::Duration kQueryTimeout = absl::Seconds(3);

}  // namespace

absl::StatusOr<std::unique_ptr<WatchingClient>> WatchingClient::Create(
    ClientOptions options) {
  std::unique_ptr<WatchingClient> watching(new WatchingClient());
  options.on_consumer_ids_changed =
      [watching = watching.get()](const ConsumerIdsChanged& change) {
        watching->Ask(change);
      };
  options.on_broker_health_changed = nullptr;
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Create(std::move(options));
  if (!client.ok()) return client.status();
  watching->client_ = *std::move(client);
  return watching;
}

std::vector<std::string> WatchingClient::LastMembers(
    absl::string_view broker, absl::string_view group) const {
  MutexLock lock(&mu_);
  const auto it = last_members_.find(
      BrokerAndGroup(std::string(broker), std::string(group)));
  if (it == last_members_.end()) return {};
  return it->second;
}

int64_t WatchingClient::Reconnects(absl::string_view broker) const {
  return Health(broker).reconnects;
}

BrokerState WatchingClient::State(absl::string_view broker) const {
  return Health(broker).state;
}

void WatchingClient::Ask(const ConsumerIdsChanged& change) {
  absl::StatusOr<ConsumerIds> answer = client_->GetConsumerIds(
      change.broker.address, change.group, kQueryTimeout);
  std::vector<std::string> members;
  if (answer.ok()) {
    members = std::move(answer->client_ids);
  } else if (!absl::IsNotFound(answer.status())) {
    members = {absl::StrCat("(", answer.status().message(), ")")};
  }
  std::sort(members.begin(), members.end());
  MutexLock lock(&mu_);
  last_members_[BrokerAndGroup(change.broker.address, change.group)] =
      std::move(members);
}

BrokerHealth WatchingClient::Health(absl::string_view broker) const {
  for (BrokerHealth& health : client_->Health()) {
    if (health.broker.address == broker) return std::move(health);
  }
  return BrokerHealth();
}

}  // namespace rmq
