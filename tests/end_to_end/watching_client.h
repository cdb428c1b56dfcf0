// A client of the library in the test's own process, with what it was told.
#ifndef TESTS_END_TO_END_WATCHING_CLIENT_H_
#define TESTS_END_TO_END_WATCHING_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"

namespace rmq {

// Does what client.h tells applications to do: when the consumer ids of a group
// may have changed, it asks for them, inside the callback.
//
// Thread-safe.
class WatchingClient {
 public:
  // The callbacks of `options` are replaced.
  static absl::StatusOr<std::unique_ptr<WatchingClient>> Create(
      ClientOptions options);

  Client& client() { return *client_; }

  // Brokers are named by their address.

  // The consumer ids of the answer to the callback told last, sorted. Empty if
  // the client was not told of that group; if the broker gave no answer, the
  // one string "(" + why + ")".
  std::vector<std::string> LastMembers(absl::string_view broker,
                                       absl::string_view group) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // How often the client came to be registered at a broker again.
  int64_t Reconnects(absl::string_view broker) const;
  BrokerState State(absl::string_view broker) const;

 private:
  using BrokerAndGroup = std::pair<std::string, std::string>;

  WatchingClient() = default;

  void Ask(const ConsumerIdsChanged& change) ABSL_LOCKS_EXCLUDED(mu_);
  BrokerHealth Health(absl::string_view broker) const;

  mutable absl::Mutex mu_;
  absl::flat_hash_map<BrokerAndGroup, std::vector<std::string>> last_members_
      ABSL_GUARDED_BY(mu_);

  // Last, so that it goes first: its callbacks use the others.
  std::unique_ptr<Client> client_;
};

}  // namespace rmq

#endif  // TESTS_END_TO_END_WATCHING_CLIENT_H_
