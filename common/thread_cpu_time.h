// How much of a core's time a thread has used.
#ifndef COMMON_THREAD_CPU_TIME_H_
#define COMMON_THREAD_CPU_TIME_H_

#include <pthread.h>

#include <ctime>

#include "absl/time/time.h"

namespace rmq {

// Reads the clock of a thread that outlives it. Thread-safe.
class ThreadCpuTime {
 public:
  explicit ThreadCpuTime(pthread_t thread);

  // Zero if the system does not tell.
  absl::Duration Read() const;

 private:
  clockid_t clock_;
  bool is_known_;
};

}  // namespace rmq

#endif  // COMMON_THREAD_CPU_TIME_H_
