// When a broker does not let the client in.
#ifndef CLIENT_SESSION_DENIAL_H_
#define CLIENT_SESSION_DENIAL_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/session/broker_stub.h"
#include "common/backoff.h"

namespace rmq {

// Whether the other side does not know who the client is (UNAUTHENTICATED), or
// knows that he may not do this (PERMISSION_DENIED). Only an operator can help:
// the client tries again seldom.
inline bool IsDenial(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}
// ... for the end of a stream; not if the broker says another reason, or if a
// proxy says so in the broker's place, whose rules may be about to change.
inline bool IsDenial(const StreamEnd& end) {
  return end.is_brokers && end.reason == EndReason::kNone &&
         IsDenial(end.status);
}

// The pauses after denials: from 30 s to 1 min at first, and 5 min in the end.
inline constexpr Backoff::Options kDenialBackoff = {absl::Minutes(1),
                                                    absl::Minutes(5)};

}  // namespace rmq

#endif  // CLIENT_SESSION_DENIAL_H_
