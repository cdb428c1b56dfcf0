#include "common/thread_cpu_time.h"

namespace rmq {

ThreadCpuTime::ThreadCpuTime(pthread_t thread)
    : is_known_(pthread_getcpuclockid(thread, &clock_) == 0) {}

absl::Duration ThreadCpuTime::Read() const {
  timespec time = {};
  if (!is_known_ || clock_gettime(clock_, &time) != 0) {
    return absl::ZeroDuration();
  }
  return absl::DurationFromTimespec(time);
}

}  // namespace rmq
