// Counts of what the edge has done since the broker's start.
#ifndef BROKER_FRONTS_EDGE_COUNTERS_H_
#define BROKER_FRONTS_EDGE_COUNTERS_H_

#include <atomic>
#include <cstdint>

#include "broker/fronts/acknowledgment_outcome.h"
#include "broker/fronts/denial_log.h"
#include "broker/fronts/request_code.h"
#include "broker/policy/group_policy.h"
#include "common/counters_by.h"
#include "common/rpc/server/call_counters.h"
#include "common/rpc/server/push_counters.h"

namespace rmq {

using SkipCounters =
    CountersBy<SkipReason, SkipReason::kIllegalGroup, kSkipReasons>;

// Thread-safe. All counts rise from 0.
struct EdgeCounters {
  // Calls and frames, and refusals of these and of streams, by method.
  CallCounters calls{&RequestCodeOf};
  // Heartbeats that were handled, unary ones and frames.
  CodeCounters full_heartbeats;
  CodeCounters light_heartbeats;
  // Light heartbeats among them that were answered full_statement_needed.
  std::atomic<int64_t> full_statements_needed{0};
  // Groups of heartbeats that were passed over.
  SkipCounters skipped_groups;
  PushCounters pushes;
  // Groups of acknowledgments.
  AcknowledgmentCounters acknowledgments;
  // Of what rules deny, which it logs too.
  DenialLog denials;
};

}  // namespace rmq

#endif  // BROKER_FRONTS_EDGE_COUNTERS_H_
