// What became of a group's acknowledgment.
#ifndef BROKER_FRONTS_ACKNOWLEDGMENT_OUTCOME_H_
#define BROKER_FRONTS_ACKNOWLEDGMENT_OUTCOME_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "common/counters_by.h"

namespace rmq {

// All but the first one mean that the acknowledgment has no effect. The client
// is not told.
enum class AcknowledgmentOutcome {
  kTaken,
  kNotMember,         // The channel is not in the group.
  kNoEpoch,           // The epoch is 0.
  kFutureEpoch,       // The group has not reached the epoch.
  kOtherIncarnation,  // Of another broker process.
  kBeforeHeartbeat,   // Before the stream's first full heartbeat.
  kTooManyGroups,     // More than 256 groups in one frame.
  kOverRate,          // More groups a second than a stream may acknowledge.
  kUnreadable,        // The frame is too large, or cannot be inflated.
  kDenied,            // By the authorizer.
};

inline constexpr size_t kAcknowledgmentOutcomes = 10;

// "taken", "not_member", ...
absl::string_view Name(AcknowledgmentOutcome outcome);

using AcknowledgmentCounters =
    CountersBy<AcknowledgmentOutcome, AcknowledgmentOutcome::kTaken,
               kAcknowledgmentOutcomes>;

}  // namespace rmq

#endif  // BROKER_FRONTS_ACKNOWLEDGMENT_OUTCOME_H_
