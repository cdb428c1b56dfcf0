// Linked into every binary, and does its work before main().
//
// The distribution's Abseil is built with its checks for debugging: whenever a
// thread locks or unlocks an absl::Mutex, of which gRPC has several for each
// connection, the order of the locks is entered into one graph of the whole
// process, to find deadlocks before they happen, under a lock of its own. With
// thousands of connections that is a good part of all that a server does. So
// they are for our debug builds and tests, and an optimised binary goes
// without, as one does whose Abseil was optimised too.

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
