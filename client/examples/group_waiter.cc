#include "client/examples/group_waiter.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rmq::examples {
namespace {

constexpr absl::Duration kQueryTimeout = absl::Seconds(3);
// The time at which a wait ends must be one that the standard library can tell.
constexpr absl::Duration kLongestWait = absl::Hours(24 * 365);

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
  const std::lock_guard<std::mutex> lock(mu_);
  seen_[change.broker.address] = members;
  seen_changed_.notify_all();
}

bool GroupWaiter::Await(absl::Duration timeout) const {
  std::unique_lock<std::mutex> lock(mu_);
  return seen_changed_.wait_for(
      lock, absl::ToChronoNanoseconds(std::min(timeout, kLongestWait)),
      [this] { return IsCompleteLocked(); });
}

bool GroupWaiter::IsCompleteLocked() const {
  return std::any_of(seen_.begin(), seen_.end(), [this](const auto& broker) {
    return broker.second >= members_;
  });
}

}  // namespace rmq::examples
