#include "common/rpc/server/acceptor/thread_load.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class ThreadLoadTest : public ::testing::Test {
 protected:
  // The thread uses `cpu`, and comes back `returns` times.
  void Pass(absl::Duration cpu, int returns) {
    sample_.cpu += cpu;
    sample_.returns += returns;
    load_.Add(sample_);
  }

  ThreadLoad::Sample sample_ = {absl::Seconds(5), 7};
  ThreadLoad load_{sample_};
};

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
