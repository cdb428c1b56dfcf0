// Waits until a consumer group has a given number of members at a broker: for a
// service that begins to work only when its peers are there.
//
//   rmq::examples::GroupWaiter waiter("orders", 3);
//   options.on_consumer_ids_changed = [&](const auto& change) {
//     waiter.OnConsumerIdsChanged(*client, change);
//   };
//   ...
//   if (!waiter.Await(absl::Minutes(1))) ...
#ifndef CLIENT_EXAMPLES_GROUP_WAITER_H_
#define CLIENT_EXAMPLES_GROUP_WAITER_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace rmq::examples {

// Thread-safe.
class GroupWaiter {
 public:
  GroupWaiter(std::string group, size_t members)
      : group_(std::move(group)), members_(members) {}

  // Call it in the client's callback of that name. It asks the broker for the
  // members of the group. If the broker does not answer, its last answer
  // counts.
  void OnConsumerIdsChanged(Client& client, const ConsumerIdsChanged& change);

  // Waits until the group has the given number of members at one broker at
  // least, or until `timeout` is over. Returns whether it has. Members that
  // share a client id count once.
  bool Await(absl::Duration timeout) const;

 private:
  bool IsCompleteLocked() const;

  const std::string group_;
  const size_t members_;

  // The standard library's, since its wait for a duration goes by the steady
  // clock. A timed wait on an absl::Mutex may follow the wall clock.
  mutable std::mutex mu_;
  mutable std::condition_variable seen_changed_;
  // By the broker's address. Guarded by `mu_`.
  absl::flat_hash_map<std::string, size_t> seen_;
};

}  // namespace rmq::examples

#endif  // CLIENT_EXAMPLES_GROUP_WAITER_H_
