#include "broker/timer/memory_trim.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int64_t kFall = MemoryTrim::kLeastFall;

class MemoryTrimTest : public ::testing::Test {
 protected:
  // How often it has trimmed when the level has been seen twice.
  int TrimsAt(int64_t level, int64_t highest) {
    trim_.Look(level, highest, now_);
    trim_.Look(level, level, now_);
    return trims_;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  int trims_ = 0;
  MemoryTrim trim_{[this] { ++trims_; }};
};

TEST_F(MemoryTrimTest, AFallThatIsLargeEnoughIsTrimmedOnce) {
  EXPECT_EQ(TrimsAt(kFall, kFall), 0);
  EXPECT_EQ(TrimsAt(0, kFall), 1);
  now_ += MemoryTrim::kPause;
  EXPECT_EQ(TrimsAt(0, 0), 1);
}

TEST_F(MemoryTrimTest, OneLessIsNot) { EXPECT_EQ(TrimsAt(0, kFall - 1), 0); }

TEST_F(MemoryTrimTest, APeakBetweenTwoLooksCounts) {
  EXPECT_EQ(TrimsAt(0, 0), 0);
  EXPECT_EQ(TrimsAt(0, 100 * kFall), 1);
}

TEST_F(MemoryTrimTest, AFallToMoreThanHalfIsNotTrimmed) {
  EXPECT_EQ(TrimsAt(10 * kFall + 1, 20 * kFall), 0);
  EXPECT_EQ(TrimsAt(10 * kFall, 20 * kFall), 1);
}

TEST_F(MemoryTrimTest, WhileTheLevelFallsItWaits) {
  trim_.Look(5 * kFall, 5 * kFall, now_);
  trim_.Look(2 * kFall, 5 * kFall, now_);
  EXPECT_EQ(trims_, 0);
  trim_.Look(kFall, 2 * kFall, now_);
  EXPECT_EQ(trims_, 0);
  trim_.Look(kFall, kFall, now_);
  EXPECT_EQ(trims_, 1);
}

TEST_F(MemoryTrimTest, TwoFallsWithinThePauseAreTrimmedOnceAndTheLaterLater) {
  EXPECT_EQ(TrimsAt(0, kFall), 1);
  now_ += MemoryTrim::kPause - absl::Nanoseconds(1);
  EXPECT_EQ(TrimsAt(0, kFall), 1);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(TrimsAt(0, 0), 2);
}

TEST_F(MemoryTrimTest, NothingThatRisesIsTrimmed) {
  for (int64_t level = 0; level < 10 * kFall; level += kFall) {
    EXPECT_EQ(TrimsAt(level, level), 0);
  }
}

}  // namespace
}  // namespace rmq
