// What a process of this machine has used.
#ifndef TOOLS_LOADGEN_PROCESS_USAGE_H_
#define TOOLS_LOADGEN_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rmq::loadgen {

struct ProcessUsage {
  // Of all its threads, those that ended too, user and system.
  double cpu_seconds = 0;
  // Resident memory.
  double rss_bytes = 0;
};

// `pid` 0 is this process. NotFound if there is no such process.
absl::StatusOr<ProcessUsage> ReadProcessUsage(pid_t pid);

// Lets this process open `count` files, raising its soft limit up to the hard
// one. ResourceExhausted, with the numbers, if that is not enough.
absl::Status AllowOpenFiles(size_t count);

}  // namespace rmq::loadgen

#endif  // TOOLS_LOADGEN_PROCESS_USAGE_H_
