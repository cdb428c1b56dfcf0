// Tells whether an older broker has replaced this client.
#ifndef CLIENT_SESSION_ABORT_HISTORY_H_
#define CLIENT_SESSION_ABORT_HISTORY_H_

#include <cstddef>
#include <deque>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/session/peer_broker.h"

namespace rmq {

// A broker without FEATURE_END_REASON ends a replaced stream with ABORTED, and
// does not say why. Anybody on the way may end a stream so, too. The client
// believes that it was replaced when one process of a broker has ended kAborts
// streams with ABORTED within kWindow: else two clients with one incarnation
// would take turns for ever.
//
// It keeps kAborts times at most. Not thread-safe.
class AbortHistory {
 public:
  static constexpr size_t kAborts = 3;
  static constexpr absl::Duration kWindow = absl::Minutes(1);

  // Adds a stream that `broker` ended with ABORTED at `now`. Returns whether
  // the client was replaced. An abort by another process begins the count anew.
  bool Add(const PeerBroker& broker, absl::Time now) {
    if (broker_ != broker) {
      broker_ = broker;
      times_.clear();
    }
    times_.push_back(now);
    if (times_.size() > kAborts) times_.pop_front();
    return times_.size() == kAborts && times_.front() + kWindow >= now;
  }

 private:
  absl::optional<PeerBroker> broker_;
  std::deque<absl::Time> times_;
};

}  // namespace rmq

#endif  // CLIENT_SESSION_ABORT_HISTORY_H_
