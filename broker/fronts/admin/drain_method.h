// The admin method that drains the broker.
#ifndef BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
#define BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_

#include <cstddef>

#include "absl/time/time.h"
#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// How many calls of Drain may be open: in all, and from one address. A drain
// needs none of them.
// Open calls, in all and from one address; and those of them that follow a
// drain. Fewer may follow, so that there is room for a call that cancels.
inline constexpr size_t kMostDrainCalls = 200;
inline constexpr size_t kMostDrainCallsOfAnAddress = 100;
inline constexpr size_t kMostDrainFollowers = 50;

inline constexpr absl::Duration kLongestDrain = absl::Hours(24);

AdminStreamingMethod DrainMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
