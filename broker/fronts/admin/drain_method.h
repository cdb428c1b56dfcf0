// The admin method that drains the broker.
#ifndef BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
#define BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_

#include <cstddef>

#include "absl/time/time.h"
#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// How many calls of Drain may be open: in all, and from one address. A drain
// needs none of them.
inline constexpr size_t kMostDrainCalls = 100;
inline constexpr size_t kMostDrainCallsOfAnAddress = 20;

inline constexpr absl::Duration kLongestDrain = absl::Hours(24);

AdminStreamingMethod DrainMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
