#include "tools/loadgen/process_usage.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace rmq::loadgen {

absl::StatusOr<ProcessUsage> ReadProcessUsage(pid_t pid) {
  // Exact to the nanosecond, where /proc counts in hundredths of a second.
  clockid_t clock;
  timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 ||
      clock_gettime(clock, &used) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  }
  ProcessUsage usage;
  usage.cpu_seconds = static_cast<double>(used.tv_sec) +
                      static_cast<double>(used.tv_nsec) / 1e9;
  std::ifstream statm(absl::StrCat(
      "/proc/", pid == 0 ? "self" : std::to_string(pid), "/statm"));
  double size = 0;
  double resident = 0;
  if (!(statm >> size >> resident)) {
    return absl::NotFoundError(absl::StrCat("there is no process ", pid));
  }
  usage.rss_bytes = resident * static_cast<double>(sysconf(_SC_PAGESIZE));
  return usage;
}

absl::Status AllowOpenFiles(size_t count) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "getrlimit");
  }
  if (limit.rlim_cur >= count) return absl::OkStatus();
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return absl::ErrnoToStatus(errno, "setrlimit");
  }
  if (limit.rlim_cur >= count) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("about ", count, " open files are needed and ",
                   limit.rlim_max, " are allowed (ulimit -Hn)"));
}

}  // namespace rmq::loadgen
