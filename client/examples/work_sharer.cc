#include "client/examples/work_sharer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"

namespace rmq::examples {

std::vector<bool> ShardsOf(absl::string_view me,
                           std::vector<std::string> client_ids, int shards) {
  std::sort(client_ids.begin(), client_ids.end());
  client_ids.erase(std::unique(client_ids.begin(), client_ids.end()),
                   client_ids.end());
  std::vector<bool> mine(shards);
  for (int shard = 0; shard < shards; ++shard) {
    if (client_ids.empty()) break;
    mine[shard] =
        client_ids[static_cast<int64_t>(shard) * client_ids.size() / shards] ==
        me;
  }
  return mine;
}

WorkSharer::WorkSharer(Options options, std::function<absl::Time()> now)
    : options_(std::move(options)),
      now_(std::move(now)),
      from_(options_.shards, absl::InfiniteFuture()) {}

void WorkSharer::OnConsumerIdsChanged(const ConsumerIdsChanged& change) {
  if (change.broker.address != options_.broker ||
      change.group != options_.group) {
    return;
  }
  changed_ = true;
}

bool WorkSharer::MayWork(Client& client, int shard) {
  if (changed_ || now_() >= looked_at_ + kLook) Look(client);
  const absl::Time now = now_();
  // Paused just now, or the client took its time.
  if (now >= looked_at_ + kPause) return false;
  return now >= from_[shard];
}

void WorkSharer::Look(Client& client) {
  const absl::Time before = std::exchange(looked_at_, now_());
  if (looked_at_ >= before + kPause) read_ = false;
  if (!IsOnline(client)) {
    OwnNothing("the broker does not know this client");
    read_ = false;
    return;
  }
  if (changed_.exchange(false) || !read_) Share(client);
}

bool WorkSharer::IsOnline(const Client& client) const {
  const std::vector<BrokerHealth> health = client.Health();
  return std::any_of(health.begin(), health.end(),
                     [this](const BrokerHealth& broker) {
                       return broker.broker.address == options_.broker &&
                              broker.state == BrokerState::kOnline;
                     });
}

void WorkSharer::Share(Client& client) {
  const absl::StatusOr<ConsumerIds> ids =
      client.GetConsumerIds(options_.broker, options_.group, kQueryTimeout);
  read_ = ids.ok();
  if (!ids.ok()) {
    OwnNothing("the list cannot be read");
    return;
  }
  // Members are missing, and the callback will come when they are not.
  if (ids->settling > absl::ZeroDuration()) {
    OwnNothing("the broker is settling");
    return;
  }
  const std::vector<bool> mine =
      ShardsOf(client.client_id(), ids->client_ids, options_.shards);
  why_nothing_ = "no shard falls to this member";
  const absl::Time begin = now_() + options_.hand_over;
  for (size_t shard = 0; shard < mine.size(); ++shard) {
    if (mine[shard]) {
      from_[shard] = std::min(from_[shard], begin);
      why_nothing_ = "shards are handed over to this member";
    } else {
      from_[shard] = absl::InfiniteFuture();
    }
  }
}

void WorkSharer::OwnNothing(absl::string_view why) {
  why_nothing_ = why;
  std::fill(from_.begin(), from_.end(), absl::InfiniteFuture());
}

}  // namespace rmq::examples
