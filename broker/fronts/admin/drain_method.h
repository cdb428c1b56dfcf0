// The admin method that drains the broker.
#ifndef BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
#define BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_

#include <cstddef>

#include "absl/time/time.h"
#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// Calls that follow a drain, in all and of one user, or of one address while it
// is anonymous. A drain needs none of them. Twice as many may be open, so that
// there is room for a call that cancels.
inline constexpr size_t kMostDrainFollowers = 100;
inline constexpr size_t kMostDrainFollowersOfOne = 20;

inline constexpr absl::Duration kLongestDrain = absl::Hours(24);

AdminStreamingMethod DrainMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_DRAIN_METHOD_H_
