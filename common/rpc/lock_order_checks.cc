// Switches Abseil's lock order checks off in optimised binaries. Linked into
// every binary; runs before main().
//
// The distribution's Abseil is built with its checks for debugging. Whenever a
// thread locks or unlocks an absl::Mutex, Abseil enters the order of the locks
// into one graph of the whole process, to find possible deadlocks, under one
// lock. gRPC has several such mutexes for each connection, so with thousands of
// connections the checks are a large part of all that a server does. Debug
// builds and tests keep the checks; optimised binaries do without, as they
// would with an optimised Abseil.
//
// Delete when the distribution's Abseil is built with NDEBUG.

#include "absl/synchronization/mutex.h"

namespace rmq {
namespace {

#ifdef NDEBUG
[[maybe_unused]] const bool kNoLockOrderChecks = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();
#endif

}  // namespace
}  // namespace rmq
