#include "common/cpu_time.h"

namespace rmq {
namespace {

absl::Duration Read(clockid_t clock) {
  timespec time = {};
  if (clock_gettime(clock, &time) != 0) return absl::ZeroDuration();
  return absl::DurationFromTimespec(time);
}

}  // namespace

ThreadCpuTime::ThreadCpuTime(pthread_t thread)
    : is_known_(pthread_getcpuclockid(thread, &clock_) == 0) {}

absl::Duration ThreadCpuTime::Read() const {
  return is_known_ ? rmq::Read(clock_) : absl::ZeroDuration();
}

absl::Duration ProcessCpuTime() { return Read(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace rmq
