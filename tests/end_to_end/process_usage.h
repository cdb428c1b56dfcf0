// What a process uses of the machine, by /proc.
#ifndef TESTS_END_TO_END_PROCESS_USAGE_H_
#define TESTS_END_TO_END_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

namespace rmq {

struct ProcessUsage {
  int64_t resident_kib = 0;
  int threads = 0;
  int open_files = 0;
  double cpu_seconds = 0;  // Since it began.
};

// Of a process of this user; all zero if it is not there.
ProcessUsage UsageOf(pid_t pid);

}  // namespace rmq

#endif  // TESTS_END_TO_END_PROCESS_USAGE_H_
