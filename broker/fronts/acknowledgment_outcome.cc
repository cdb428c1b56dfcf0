#include "broker/fronts/acknowledgment_outcome.h"

namespace rmq {

absl::string_view Name(AcknowledgmentOutcome outcome) {
  switch (outcome) {
    case AcknowledgmentOutcome::kTaken: return "taken";
    case AcknowledgmentOutcome::kNotMember: return "not_member";
    case AcknowledgmentOutcome::kNoEpoch: return "no_epoch";
    case AcknowledgmentOutcome::kFutureEpoch: return "future_epoch";
    case AcknowledgmentOutcome::kOtherIncarnation: return "other_incarnation";
    case AcknowledgmentOutcome::kBeforeHeartbeat: return "before_heartbeat";
    case AcknowledgmentOutcome::kTooManyGroups: return "too_many_groups";
    case AcknowledgmentOutcome::kOverRate: return "over_rate";
    case AcknowledgmentOutcome::kUnreadable: return "unreadable";
    case AcknowledgmentOutcome::kDenied: return "denied";
  }
  return "unknown";
}

}  // namespace rmq
