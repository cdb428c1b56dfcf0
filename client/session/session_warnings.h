// The warnings of one broker that hold, each told once.
#ifndef CLIENT_SESSION_SESSION_WARNINGS_H_
#define CLIENT_SESSION_SESSION_WARNINGS_H_

#include <cstddef>
#include <vector>

#include "client/broker_entry.h"
#include "client/broker_warning.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {

// A warning is known by its kind and group. It is told again when its words or
// its clients have changed, or when it holds again after it did not.
//
// Pure. Not thread-safe.
class SessionWarnings {
 public:
  using HeartbeatResponse = rocketmq::clientmanager::v1::HeartbeatResponse;

  // The warnings of an answer beyond this many are passed over: one for each
  // group, and one for the client.
  static constexpr size_t kMaxWarnings = 257;

  // Takes the warnings of an answer: those to a full heartbeat are all that
  // hold, those to a light one (`is_full` false) are new. Returns what is to be
  // told, as warnings of `broker`.
  std::vector<BrokerWarning> Take(const HeartbeatResponse& response,
                                  bool is_full, const BrokerEntry& broker);

  const std::vector<BrokerWarning>& holding() const { return holding_; }

 private:
  std::vector<BrokerWarning> holding_;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_SESSION_WARNINGS_H_
