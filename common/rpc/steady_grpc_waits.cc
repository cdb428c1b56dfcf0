// gRPC's own waits, by the steady clock. Linked into every binary that speaks
// gRPC, and into applications that use the client library.
//
// gRPC waits for its timers by gpr_cv_wait(): the deadlines of calls, the
// connect timeout, the keepalive pings. So does a thread that waits for an
// event until a deadline while another one polls. The distribution's gRPC 1.51
// is built upon absl::CondVar, whose wait ends at a time of the wall clock.
// When the machine's time is set back by an hour, none of gRPC's timers fires
// for an hour.
//
// These are gRPC's five public functions of a condition variable anew. Those of
// a program come before those of the shared libraries that it is linked with.
// What remains by the wall clock, on an Abseil of 2022: the timers of gRPC's
// event engine, which are the reconnect delays of a channel. Nothing here
// depends on these: the client dials anew on a new channel.
//
// Delete when the distribution's gRPC has a gpr_cv_wait() that waits by the
// steady clock; or when gRPC is linked as an archive, which has these functions
// itself.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <new>

#include "grpc/support/sync.h"
#include "grpc/support/time.h"

namespace rmq {
namespace {

// What a gpr_cv holds here: a pointer to what does the work.
using CondVarPtr = std::condition_variable_any*;
static_assert(sizeof(CondVarPtr) <= sizeof(gpr_cv));

std::condition_variable_any& Of(gpr_cv* cv) {
  return **std::launder(reinterpret_cast<CondVarPtr*>(cv));
}

// As long as for ever, and no sum of times overflows.
constexpr int64_t kForeverSeconds = int64_t{365} * 24 * 60 * 60;

// gRPC's mutex as the standard library locks and unlocks it around a wait.
struct Released {
  gpr_mu* mu;
  void lock() { gpr_mu_lock(mu); }
  void unlock() { gpr_mu_unlock(mu); }
};

}  // namespace
}  // namespace rmq

extern "C" {

void gpr_cv_init(gpr_cv* cv) {
  new (cv) rmq::CondVarPtr(new std::condition_variable_any);
}

void gpr_cv_destroy(gpr_cv* cv) { delete &rmq::Of(cv); }

int gpr_cv_wait(gpr_cv* cv, gpr_mu* mu, gpr_timespec abs_deadline) {
  rmq::Released released{mu};
  if (gpr_time_cmp(abs_deadline, gpr_inf_future(abs_deadline.clock_type)) ==
      0) {
    rmq::Of(cv).wait(released);
    return 0;
  }
  // A deadline of the wall clock is one of the steady clock from here on.
  const gpr_timespec left =
      gpr_time_sub(gpr_convert_clock_type(abs_deadline, GPR_CLOCK_MONOTONIC),
                   gpr_now(GPR_CLOCK_MONOTONIC));
  const auto seconds = std::chrono::seconds(
      std::clamp<int64_t>(left.tv_sec, 0, rmq::kForeverSeconds));
  const auto rest =
      std::chrono::nanoseconds(left.tv_sec < 0 ? 0 : left.tv_nsec);
  return rmq::Of(cv).wait_for(released, seconds + rest) ==
         std::cv_status::timeout;
}

void gpr_cv_signal(gpr_cv* cv) { rmq::Of(cv).notify_one(); }

void gpr_cv_broadcast(gpr_cv* cv) { rmq::Of(cv).notify_all(); }

}  // extern "C"
