#include "common/rpc/server/acceptor/process_load.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

TEST(ProcessLoadTest, ATenthOfACoreIsBusyAndLessIsNot) {
  ProcessLoad load(kNow, absl::Seconds(5));
  EXPECT_FALSE(load.was_busy());
  absl::Duration cpu = absl::Seconds(5) + absl::Milliseconds(10);
  load.Add(kNow + absl::Milliseconds(100), cpu);
  EXPECT_TRUE(load.was_busy());
  cpu += absl::Milliseconds(10) - absl::Nanoseconds(1);
  load.Add(kNow + absl::Milliseconds(200), cpu);
  EXPECT_FALSE(load.was_busy());
}

TEST(ProcessLoadTest, OneThatUsesNothingIsNotBusyHoweverShortTheTime) {
  ProcessLoad load(kNow, absl::Seconds(5));
  load.Add(kNow, absl::Seconds(5));
  EXPECT_FALSE(load.was_busy());
}

}  // namespace
}  // namespace rmq
