#include "common/rpc/server/acceptor/thread_load.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class ThreadLoadTest : public ::testing::Test {
 protected:
  // The thread uses `cpu` of 100 ms, and comes back `returns` times.
  void Pass(absl::Duration cpu, int returns) {
    sample_.now += absl::Milliseconds(100);
    sample_.cpu += cpu;
    sample_.returns += returns;
    load_.Add(sample_);
  }

  ThreadLoad::Sample sample_ = {absl::FromUnixSeconds(1'000'000),
                                absl::Seconds(5), 7};
  ThreadLoad load_{sample_};
};

TEST_F(ThreadLoadTest, ATenthOfACoreIsBusyAndLessIsNot) {
  EXPECT_FALSE(load_.was_busy());
  Pass(absl::Milliseconds(10), 1);
  EXPECT_TRUE(load_.was_busy());
  Pass(absl::Milliseconds(10) - absl::Nanoseconds(1), 1);
  EXPECT_FALSE(load_.was_busy());
}

TEST_F(ThreadLoadTest, AThreadThatUsesNothingIsNotBusyHoweverShortTheTime) {
  load_.Add(sample_);
  EXPECT_FALSE(load_.was_busy());
}

TEST_F(ThreadLoadTest, OneThatDoesNotComeBackIsStuckForWhatItUses) {
  Pass(absl::Milliseconds(50), 1);
  EXPECT_EQ(load_.stuck(), absl::ZeroDuration());
  Pass(absl::Milliseconds(50), 0);
  Pass(absl::Milliseconds(30), 0);
  EXPECT_EQ(load_.stuck(), absl::Milliseconds(80));
  Pass(absl::Milliseconds(100), 1);
  EXPECT_EQ(load_.stuck(), absl::ZeroDuration());
}

TEST_F(ThreadLoadTest, OneThatWaitsIsNotStuck) {
  for (int i = 0; i < 100; ++i) Pass(absl::ZeroDuration(), 0);
  EXPECT_EQ(load_.stuck(), absl::ZeroDuration());
}

}  // namespace
}  // namespace rmq
