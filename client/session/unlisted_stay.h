// For how long to stay with a broker that is not listed any more.
#ifndef CLIENT_SESSION_UNLISTED_STAY_H_
#define CLIENT_SESSION_UNLISTED_STAY_H_

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"

namespace rmq {

// The rule of BrokerResolver::UnlistedStay() that clients and watchers share,
// for one of them that was online at the broker when it was listed last. It
// stays as long as the broker answers; that it is full is an answer. Once it is
// cut off, with no word of the broker, it tries to come back for kCutOffTime.
//
// A value.
class UnlistedStay {
 public:
  static constexpr absl::Duration kCutOffTime = absl::Minutes(1);

  enum class Standing {
    // Also while it does not try to come back for want of room of its own.
    kAnswers,
    kCutOff,
    // The broker has told it to go, or it never tries to come back.
    kGone,
  };

  // Begins `now`, for half of `stay` to all of it, as `random` in [0, 1) draws.
  UnlistedStay(absl::Duration stay, double random, absl::Time now)
      : until_(now + stay * (0.5 + random / 2)) {}

  // How it stands with the broker from `now` on.
  void Note(Standing standing, absl::Time now) {
    switch (standing) {
      case Standing::kAnswers: back_by_ = absl::InfiniteFuture(); break;
      case Standing::kCutOff:
        back_by_ = std::min(back_by_, now + kCutOffTime);
        break;
      case Standing::kGone: back_by_ = std::min(back_by_, now); break;
    }
  }

  // When the broker is to be left, unless something happens.
  absl::Time leave_at() const { return std::min(until_, back_by_); }

 private:
  absl::Time until_;
  absl::Time back_by_ = absl::InfiniteFuture();
};

// Whether a broker that ended a stream so has told the client to go.
inline bool IsSentAway(EndReason reason) {
  return reason != EndReason::kNone && reason != EndReason::kExpired;
}

// Whether the broker itself ended a stream so because it is full: it lives, and
// the client may come back.
inline bool IsFull(const StreamEnd& end) {
  return end.is_brokers && absl::IsResourceExhausted(end.status);
}

// Whether the broker, which `listed` does not have at its address, is there at
// another one.
inline bool HasMoved(const BrokerEntry& broker,
                     const std::vector<BrokerEntry>& listed) {
  return !broker.name.empty() &&
         std::any_of(
             listed.begin(), listed.end(), [&broker](const BrokerEntry& other) {
               return other.name == broker.name && other.id == broker.id;
             });
}

}  // namespace rmq

#endif  // CLIENT_SESSION_UNLISTED_STAY_H_
