#include "broker/logging/shared_rate.h"

#include <cstdint>

#include "absl/time/time.h"
#include "common/payer.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr Payer kOne = {1, /*is_principal=*/true};
constexpr Payer kOther = {1, /*is_principal=*/false};

class SharedRateTest : public ::testing::Test {
 protected:
  // How many of `events` that come now are within the limit.
  int Take(const Payer& payer, int events) {
    int taken = 0;
    for (int i = 0; i < events; ++i) taken += rate_.Take(payer, now_) ? 1 : 0;
    return taken;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  SharedRate rate_{/*per_second=*/20, /*burst=*/100};
};

TEST_F(SharedRateTest, OnePayerTakesHalfAtOnceAndAnotherTheOtherHalf) {
  EXPECT_EQ(Take(kOne, 100), 50);
  EXPECT_EQ(Take(kOther, 100), 50);
  EXPECT_EQ(Take({2, false}, 1), 0);
}

TEST_F(SharedRateTest, ManyPayersTakeAllAtOnce) {
  for (uint64_t payer = 0; payer < 100; ++payer) {
    EXPECT_EQ(Take({payer, false}, 1), 1);
  }
  EXPECT_EQ(Take(kOne, 1), 0);
}

TEST_F(SharedRateTest, WhoIsAloneHasTheWholeRate) {
  Take(kOne, 100);
  for (int second = 0; second < 10; ++second) {
    now_ += absl::Seconds(1);
    EXPECT_EQ(Take(kOne, 100), 20);
  }
  // And leaves the other half all the time.
  EXPECT_EQ(Take(kOther, 100), 50);
}

TEST_F(SharedRateTest, TwoWhoTakeAllTheyCanHaveHalfTheRateEach) {
  Take(kOne, 100);
  Take(kOther, 100);
  for (int second = 0; second < 10; ++second) {
    now_ += absl::Seconds(1);
    EXPECT_EQ(Take(kOne, 100), 10);
    EXPECT_EQ(Take(kOther, 100), 10);
  }
}

TEST_F(SharedRateTest, PayersThatHaveAllOfTheirsAgainAreForgotten) {
  for (uint64_t payer = 0; payer < 10'000; ++payer) {
    now_ += absl::Milliseconds(50);
    EXPECT_EQ(Take({payer, false}, 1), 1);
    EXPECT_LE(rate_.payers(), 400);
  }
}

}  // namespace
}  // namespace rmq
