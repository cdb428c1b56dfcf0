#include "tests/soak/growth_limit.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(GrowthLimitTest, WhatSettlesMayGrow) {
  GrowthLimit limit(/*allowed=*/2);
  EXPECT_TRUE(limit.IsWithin(10, /*is_settled=*/false));
  EXPECT_TRUE(limit.IsWithin(1000, /*is_settled=*/false));
}

TEST(GrowthLimitTest, WhatHasSettledMayGrowByTheAllowanceAndNoMore) {
  GrowthLimit limit(/*allowed=*/2);
  EXPECT_TRUE(limit.IsWithin(10, /*is_settled=*/false));
  EXPECT_TRUE(limit.IsWithin(7, /*is_settled=*/false));
  EXPECT_TRUE(limit.IsWithin(12, /*is_settled=*/true));
  EXPECT_FALSE(limit.IsWithin(13, /*is_settled=*/true));
  EXPECT_EQ(limit.most(), 10);
}

TEST(GrowthLimitTest, AllowancesDoNotAddUp) {
  GrowthLimit limit(/*allowed=*/2);
  EXPECT_TRUE(limit.IsWithin(10, /*is_settled=*/false));
  EXPECT_TRUE(limit.IsWithin(12, /*is_settled=*/true));
  EXPECT_FALSE(limit.IsWithin(13, /*is_settled=*/true));
}

TEST(GrowthLimitTest, TheFirstFigureIsTheMeasureWhereNothingSettled) {
  GrowthLimit limit(/*allowed=*/0);
  EXPECT_TRUE(limit.IsWithin(10, /*is_settled=*/true));
  EXPECT_TRUE(limit.IsWithin(10, /*is_settled=*/true));
  EXPECT_FALSE(limit.IsWithin(11, /*is_settled=*/true));
}

}  // namespace
}  // namespace rmq
