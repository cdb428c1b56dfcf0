#include "tools/loadgen/latency_histogram.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace rmq::loadgen {
namespace {

constexpr int64_t kLargest = (int64_t{1} << 32) - 1;

TEST(LatencyHistogramTest, EveryValueIsAtMostTheUpperBoundOfItsBucket) {
  for (int64_t us = 0; us < 100'000; ++us) {
    const int64_t bound =
        LatencyHistogram::UpperBound(LatencyHistogram::BucketOf(us));
    ASSERT_GE(bound, us);
    ASSERT_LE(bound - us, us / 64) << us;
  }
}

TEST(LatencyHistogramTest, BucketsFollowEachOtherWithoutAGap) {
  for (size_t bucket = 0; bucket + 1 < kLatencyBuckets; ++bucket) {
    const int64_t bound = LatencyHistogram::UpperBound(bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(bound), bucket);
    ASSERT_EQ(LatencyHistogram::BucketOf(bound + 1), bucket + 1);
  }
  EXPECT_EQ(LatencyHistogram::UpperBound(kLatencyBuckets - 1), kLargest);
}

TEST(LatencyHistogramTest, WhatIsTooLongCountsAsTheLongest) {
  EXPECT_EQ(LatencyHistogram::BucketOf(kLargest + 1), kLatencyBuckets - 1);
  EXPECT_EQ(LatencyHistogram::BucketOf(-1), 0u);
}

TEST(LatencyHistogramTest, QuantilesOfAHundredValuesAreTheValues) {
  LatencyHistogram histogram;
  for (int us = 1; us <= 100; ++us) histogram.Record(us);
  const LatencyCounts counts = histogram.Snapshot();
  EXPECT_EQ(counts.total(), 100);
  EXPECT_EQ(counts.Quantile(0.5), 50);
  EXPECT_EQ(counts.Quantile(0.99), 99);
  EXPECT_EQ(counts.Quantile(1), 100);
  EXPECT_DOUBLE_EQ(counts.mean(), 50.5);
  EXPECT_EQ(counts.CountAbove(99), 1);
}

TEST(LatencyHistogramTest, NothingRecordedIsAllZero) {
  const LatencyCounts counts;
  EXPECT_EQ(counts.total(), 0);
  EXPECT_EQ(counts.Quantile(0.5), 0);
  EXPECT_EQ(counts.mean(), 0);
}

TEST(LatencyHistogramTest, TheDifferenceOfTwoSnapshotsIsWhatCameBetween) {
  LatencyHistogram histogram;
  histogram.Record(5);
  const LatencyCounts before = histogram.Snapshot();
  histogram.Record(7);
  LatencyCounts between = histogram.Snapshot();
  between.Subtract(before);
  EXPECT_EQ(between.total(), 1);
  EXPECT_EQ(between.Quantile(1), 7);
}

}  // namespace
}  // namespace rmq::loadgen
