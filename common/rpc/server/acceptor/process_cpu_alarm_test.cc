#include "common/rpc/server/acceptor/process_cpu_alarm.h"

#include <poll.h>

#include <thread>

#include "absl/time/time.h"
#include "common/cpu_time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Duration kCpu = absl::Milliseconds(20);

bool HasRung(const ProcessCpuAlarm& alarm) {
  pollfd file = {alarm.fd(), POLLIN, 0};
  return poll(&file, 1, 0) == 1;
}

void Use(absl::Duration cpu) {
  const absl::Duration until = ProcessCpuTime() + cpu;
  while (ProcessCpuTime() < until) {
  }
}

TEST(ProcessCpuAlarmTest, RingsOnceTheProcessHasUsedTheTime) {
  ProcessCpuAlarm alarm;
  const absl::Duration begun = ProcessCpuTime();
  alarm.Set(kCpu);
  EXPECT_TRUE(alarm.is_set());
  while (!HasRung(alarm)) {
  }
  EXPECT_GE(ProcessCpuTime() - begun, kCpu);
}

TEST(ProcessCpuAlarmTest, TimeOfOtherThreadsCounts) {
  ProcessCpuAlarm alarm;
  alarm.Set(kCpu);
  std::thread other([] { Use(2 * kCpu); });
  pollfd file = {alarm.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&file, 1, -1), 1);
  other.join();
}

TEST(ProcessCpuAlarmTest, RingsUntilItIsCleared) {
  ProcessCpuAlarm alarm;
  alarm.Set(kCpu);
  while (!HasRung(alarm)) {
  }
  EXPECT_TRUE(HasRung(alarm));
  alarm.Clear();
  EXPECT_FALSE(alarm.is_set());
  Use(2 * kCpu);
  EXPECT_FALSE(HasRung(alarm));
}

TEST(ProcessCpuAlarmTest, AnAlarmThatIsSetAgainDoesNotRingForTheTimeBefore) {
  ProcessCpuAlarm alarm;
  alarm.Set(kCpu);
  alarm.Set(absl::Hours(1));
  Use(2 * kCpu);
  EXPECT_FALSE(HasRung(alarm));
}

}  // namespace
}  // namespace rmq
