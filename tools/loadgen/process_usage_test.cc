#include "tools/loadgen/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace rmq::loadgen {
namespace {

TEST(ProcessUsageTest, AProcessKnowsItselfByZeroAndByItsPid) {
  const absl::StatusOr<ProcessUsage> self = ReadProcessUsage(0);
  ASSERT_TRUE(self.ok()) << self.status();
  EXPECT_GT(self->cpu_seconds, 0);
  EXPECT_GT(self->rss_bytes, 0);
  const absl::StatusOr<ProcessUsage> by_pid = ReadProcessUsage(getpid());
  ASSERT_TRUE(by_pid.ok()) << by_pid.status();
  EXPECT_GE(by_pid->cpu_seconds, self->cpu_seconds);
}

TEST(ProcessUsageTest, AProcessThatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(
      ReadProcessUsage(std::numeric_limits<pid_t>::max()).status()));
}

TEST(ProcessUsageTest, OpenFilesAreAllowedUpToTheHardLimit) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(AllowOpenFiles(limit.rlim_max).ok());
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  if (limit.rlim_max != RLIM_INFINITY) {
    EXPECT_TRUE(absl::IsResourceExhausted(AllowOpenFiles(limit.rlim_max + 1)));
  }
}

}  // namespace
}  // namespace rmq::loadgen
