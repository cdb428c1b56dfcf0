// What a client keeps of brokers that it has left, until they are listed again.
#ifndef CLIENT_SESSION_LEFT_BROKERS_H_
#define CLIENT_SESSION_LEFT_BROKERS_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"

namespace rmq {

// A broker that is restarted is not listed meanwhile. All its clients hear at
// once that it is listed again, maybe at another address, and each has been
// told a time of its own to come back.
//
// Bounds: kMaxBrokers brokers; what is known of others is not kept.
// Thread-safety: none.
class LeftBrokers {
 public:
  struct Left {
    // When the broker has told the client to come back, which may be over, and
    // why it had sent the client away. InfinitePast: it told no time.
    absl::Time return_at = absl::InfinitePast();
    EndReason reason = EndReason::kNone;
    // The groups whose members somebody wants there.
    absl::flat_hash_set<std::string> wanted_members;
  };

  // Keeps `left` in place of what was kept of the broker; nothing, if there is
  // nothing in it. When there is no room, what has no time that is to come at
  // `now` makes some, wanted members or not.
  void Keep(const BrokerEntry& broker, Left left, absl::Time now);

  // Members of other groups than `groups` are not wanted any more.
  void KeepWanted(const absl::flat_hash_set<std::string>& groups);

  // Returns what was kept of the broker, by its name and id if it is named, and
  // forgets it.
  absl::optional<Left> Take(const BrokerEntry& broker);

 private:
  absl::flat_hash_map<std::string, Left> brokers_;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_LEFT_BROKERS_H_
