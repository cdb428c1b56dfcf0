// The admin method that streams events: Watch.
#ifndef BROKER_FRONTS_ADMIN_WATCH_METHOD_H_
#define BROKER_FRONTS_ADMIN_WATCH_METHOD_H_

#include <cstddef>

#include "broker/fronts/admin/admin_method.h"

namespace rmq {

// Groups that one watch may name.
inline constexpr size_t kMostWatchedGroups = 256;

AdminStreamingMethod WatchMethod();

}  // namespace rmq

#endif  // BROKER_FRONTS_ADMIN_WATCH_METHOD_H_
