#include "common/rate_limit.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

// How many of `events` events at `now` are within the limit.
int Take(RateLimit& limit, int events, absl::Time now) {
  int taken = 0;
  for (int i = 0; i < events; ++i) taken += limit.Take(now) ? 1 : 0;
  return taken;
}

TEST(RateLimitTest, OneSecondsWorthMayComeAtOnceAndNotOneMore) {
  RateLimit limit(100);
  EXPECT_EQ(Take(limit, 100, kStart), 100);
  EXPECT_FALSE(limit.Take(kStart));
}

TEST(RateLimitTest, AnEventIsLetThroughAgainAfterItsShareOfASecond) {
  RateLimit limit(100);
  Take(limit, 100, kStart);
  EXPECT_FALSE(limit.Take(kStart + absl::Milliseconds(10) - kMoment));
  EXPECT_TRUE(limit.Take(kStart + absl::Milliseconds(10)));
  EXPECT_FALSE(limit.Take(kStart + absl::Milliseconds(10)));
}

TEST(RateLimitTest, WhatIsRefusedDoesNotCount) {
  RateLimit limit(10);
  Take(limit, 10, kStart);
  EXPECT_EQ(Take(limit, 1000, kStart), 0);
  EXPECT_EQ(Take(limit, 1000, kStart + absl::Seconds(1)), 10);
}

TEST(RateLimitTest, ALongPauseDoesNotSaveUpMoreThanASecondsWorth) {
  RateLimit limit(10);
  EXPECT_EQ(Take(limit, 1, kStart), 1);
  EXPECT_EQ(Take(limit, 1000, kStart + absl::Hours(1)), 10);
}

TEST(RateLimitTest, AClientThatKeepsToTheRateIsNeverRefused) {
  // A third of a second is no whole number of ticks.
  RateLimit limit(3);
  EXPECT_EQ(Take(limit, 3, kStart), 3);
  int refused = 0;
  for (int i = 1; i <= 3000; ++i) {
    if (!limit.Take(kStart + i * absl::Seconds(1) / 3 + kMoment)) ++refused;
  }
  EXPECT_EQ(refused, 0);
}

TEST(RateLimitTest, OneASecondIsALimitToo) {
  RateLimit limit(1);
  EXPECT_TRUE(limit.Take(kStart));
  EXPECT_FALSE(limit.Take(kStart + absl::Seconds(1) - kMoment));
  EXPECT_TRUE(limit.Take(kStart + absl::Seconds(1)));
}

TEST(RateLimitTest, ABurstMayBeLargerThanASecondsWorth) {
  RateLimit limit(10, 30);
  EXPECT_EQ(Take(limit, 1000, kStart), 30);
  EXPECT_EQ(Take(limit, 1000, kStart + absl::Seconds(1)), 10);
  EXPECT_EQ(Take(limit, 1000, kStart + absl::Hours(1)), 30);
}

TEST(RateLimitTest, ZeroIsNoLimit) {
  RateLimit limit(0);
  EXPECT_EQ(Take(limit, 100'000, kStart), 100'000);
}

TEST(RateTest, AllowingCountsNothing) {
  const Rate rate(1, 2);
  absl::Time full_at = absl::InfinitePast();
  const absl::Time now = absl::FromUnixSeconds(1000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.Allows(now, full_at));
  EXPECT_TRUE(rate.Take(now, &full_at));
  EXPECT_TRUE(rate.Take(now, &full_at));
  EXPECT_FALSE(rate.Allows(now, full_at));
  EXPECT_FALSE(rate.Take(now, &full_at));
}

TEST(RateTest, ItTellsWhenItAllowsTheNextEvent) {
  const Rate rate(2, 3);
  absl::Time full_at = absl::InfinitePast();
  const absl::Time now = absl::FromUnixSeconds(1000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.Take(now, &full_at));
  const absl::Time next = now + absl::Milliseconds(500);
  EXPECT_EQ(rate.AllowsFrom(full_at), next);
  EXPECT_FALSE(rate.Allows(next - absl::Nanoseconds(1), full_at));
  EXPECT_TRUE(rate.Allows(next, full_at));
}

TEST(RateTest, WithoutALimitAllIsAllowedAtAnyTime) {
  const Rate rate(0, 0);
  absl::Time full_at = absl::InfinitePast();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(rate.Take(absl::FromUnixSeconds(1000), &full_at));
  }
  EXPECT_EQ(rate.AllowsFrom(full_at), absl::InfinitePast());
}

TEST(RateTest, SeveralEventsAtOnceAreAllWithinTheLimitOrNoneIs) {
  const Rate rate(10, 20);
  absl::Time full_at = absl::InfinitePast();
  EXPECT_FALSE(rate.Take(kStart, &full_at, 21));
  EXPECT_TRUE(rate.Take(kStart, &full_at, 18));
  EXPECT_FALSE(rate.Take(kStart, &full_at, 3));
  EXPECT_TRUE(rate.Take(kStart, &full_at, 2));
  EXPECT_FALSE(rate.Take(kStart, &full_at));
  EXPECT_TRUE(rate.Take(kStart, &full_at, 0));
}

}  // namespace
}  // namespace rmq
