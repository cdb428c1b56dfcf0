#include "client/examples/group_waiter.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rmq::examples {
namespace {

constexpr absl::Duration kQueryTimeout = absl::Seconds(3);

}  // namespace

void GroupWaiter::OnConsumerIdsChanged(Client& client,
                                       const ConsumerIdsChanged& change) {
  if (change.group != group_) return;
  const absl::StatusOr<ConsumerIds> ids =
      client.GetConsumerIds(change.broker.address, change.group, kQueryTimeout);
  size_t members = 0;
  if (ids.ok()) {
    members = absl::flat_hash_set<std::string>(ids->client_ids.begin(),
                                               ids->client_ids.end())
                  .size();
  } else if (!absl::IsNotFound(ids.status())) {
    return;
  }
  absl::MutexLock lock(&mu_);
  seen_[change.broker.address] = members;
}

bool GroupWaiter::Await(absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(
      absl::Condition(this, &GroupWaiter::IsCompleteLocked), timeout);
}

bool GroupWaiter::IsCompleteLocked() const {
  return std::any_of(seen_.begin(), seen_.end(), [this](const auto& broker) {
    return broker.second >= members_;
  });
}

}  // namespace rmq::examples
