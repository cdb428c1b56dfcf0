// How much time of the cores a thread, or the process, has used.
#ifndef COMMON_CPU_TIME_H_
#define COMMON_CPU_TIME_H_

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

// Of all threads of this process, those that have ended too. Zero if the system
// does not tell. Thread-safe.
absl::Duration ProcessCpuTime();

}  // namespace rmq

#endif  // COMMON_CPU_TIME_H_
