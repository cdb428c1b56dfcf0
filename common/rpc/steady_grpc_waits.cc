// Makes gRPC's own waits follow the steady clock. Linked into every binary that
// uses gRPC, and into applications that use the client library.
//
// gRPC's timers (deadlines of calls, the connect timeout, keepalive pings) wait
// in gpr_cv_wait(). So does a thread that waits for an event until a deadline
// while another thread polls. The distribution's gRPC 1.51 implements
// gpr_cv_wait() by absl::CondVar, whose wait ends at a time of the wall clock.
// When the machine's time is set back by an hour, none of gRPC's timers fires
// for an hour.
//
// This file defines gRPC's five public functions of a condition variable again.
// A program's own functions take precedence over those of the shared libraries
// that it is linked with. With an Abseil of 2022 the timers of gRPC's event
// engine, which are the reconnect delays of a channel, still follow the wall
// clock. Nothing here depends on them: the client dials again on a new channel.
//
// Delete when the distribution's gRPC has a gpr_cv_wait() that waits by the
// steady clock, or when gRPC is linked statically, since the archive has these
// functions itself.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <new>

#include "grpc/support/sync.h"
#include "grpc/support/time.h"

namespace rmq {
namespace {

// A gpr_cv holds a pointer to the condition variable that does the work.
using CondVarPtr = std::condition_variable_any*;
static_assert(sizeof(CondVarPtr) <= sizeof(gpr_cv));

std::condition_variable_any& Of(gpr_cv* cv) {
  return **std::launder(reinterpret_cast<CondVarPtr*>(cv));
}

// Practically for ever, but short enough that no sum of times overflows.
constexpr int64_t kForeverSeconds = int64_t{365} * 24 * 60 * 60;

// Lets the standard library unlock gRPC's mutex for the time of a wait.
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
  // Turns a deadline of the wall clock into one of the steady clock.
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
