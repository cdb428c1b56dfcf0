#include "broker/timer/memory_trim.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr int64_t kMuch = MemoryTrim::kLeastUnused;

class MemoryTrimTest : public ::testing::Test {
 protected:
  // How often it has trimmed when it has looked twice at so much.
  int TrimsAt(int64_t unused) {
    unused_ = unused;
    trim_.Look(now_);
    trim_.Look(now_);
    return trims_;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  int64_t unused_ = 0;
  // What a trim leaves.
  int64_t stays_ = 0;
  int trims_ = 0;
  MemoryTrim trim_{[this] { return unused_; },
                   [this] {
                     ++trims_;
                     unused_ = stays_;
                   }};
};

TEST_F(MemoryTrimTest, MuchThatIsUnusedIsReturnedOnce) {
  EXPECT_EQ(TrimsAt(kMuch), 1);
  now_ += MemoryTrim::kPause;
  EXPECT_EQ(TrimsAt(0), 1);
}

TEST_F(MemoryTrimTest, OneByteLessIsNot) { EXPECT_EQ(TrimsAt(kMuch - 1), 0); }

TEST_F(MemoryTrimTest, WhatIsUnusedForAMomentIsNot) {
  for (int i = 0; i < 4; ++i) {
    unused_ = i % 2 == 0 ? kMuch : 0;
    trim_.Look(now_);
  }
  EXPECT_EQ(trims_, 0);
}

TEST_F(MemoryTrimTest, TwiceWithinThePauseIsOnceAndOnceLater) {
  EXPECT_EQ(TrimsAt(kMuch), 1);
  now_ += MemoryTrim::kPause - absl::Nanoseconds(1);
  EXPECT_EQ(TrimsAt(kMuch), 1);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(TrimsAt(kMuch), 2);
}

TEST_F(MemoryTrimTest, WhatATrimCouldNotReturnDoesNotCount) {
  stays_ = 2 * kMuch;
  EXPECT_EQ(TrimsAt(2 * kMuch), 1);
  now_ += MemoryTrim::kPause;
  EXPECT_EQ(TrimsAt(3 * kMuch - 1), 1);
  EXPECT_EQ(TrimsAt(3 * kMuch), 2);
}

TEST_F(MemoryTrimTest, WhatIsUsedAgainOfThatCountsOnceItIsUnused) {
  stays_ = 2 * kMuch;
  EXPECT_EQ(TrimsAt(2 * kMuch), 1);
  now_ += MemoryTrim::kPause;
  EXPECT_EQ(TrimsAt(kMuch / 2), 1);
  EXPECT_EQ(TrimsAt(2 * kMuch), 2);
}

}  // namespace
}  // namespace rmq
