#include "common/backoff.h"

#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

double Lowest() { return 0.0; }
double Middle() { return 0.5; }

Backoff TwoHundredMillisecondsToOneSecond() {
  Backoff::Options options;
  options.initial = absl::Milliseconds(200);
  options.maximum = absl::Seconds(1);
  return Backoff(options);
}

TEST(BackoffTest, TheLowestDrawIsHalfTheWholeDelay) {
  Backoff backoff = TwoHundredMillisecondsToOneSecond();
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(100));
}

TEST(BackoffTest, AMiddleDrawIsThreeQuartersOfTheWholeDelay) {
  Backoff backoff = TwoHundredMillisecondsToOneSecond();
  EXPECT_EQ(backoff.Next(Middle), absl::Milliseconds(150));
}

TEST(BackoffTest, TheWholeDelayDoublesUpToTheMaximum) {
  Backoff backoff = TwoHundredMillisecondsToOneSecond();
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(100));
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(200));
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(400));
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(500));
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(500));
}

TEST(BackoffTest, ResetBeginsAgainAtTheFirstDelay) {
  Backoff backoff = TwoHundredMillisecondsToOneSecond();
  backoff.Next(Lowest);
  backoff.Next(Lowest);
  backoff.Reset();
  EXPECT_EQ(backoff.Next(Lowest), absl::Milliseconds(100));
}

TEST(BackoffTest, AnInitialDelayOfZeroIsRefused) {
  Backoff::Options options;
  options.initial = absl::ZeroDuration();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "initial backoff must be positive, got 0"));
}

TEST(BackoffTest, AMaximumBelowTheInitialDelayIsRefused) {
  Backoff::Options options;
  options.initial = absl::Seconds(2);
  options.maximum = absl::Seconds(1);
  EXPECT_THAT(
      options.Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "maximum backoff must be at least the initial 2s, got 1s"));
}

TEST(BackoffTest, AMaximumEqualToTheInitialDelayIsTaken) {
  Backoff::Options options;
  options.maximum = options.initial;
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST(BackoffTest, ATimeToStayAwayIsKeptAndSpreadOverATenthOfIt) {
  Backoff backoff({absl::Milliseconds(200), absl::Seconds(5)});
  EXPECT_EQ(backoff.NextAfter(absl::Minutes(1), [] { return 0.0; }),
            absl::Minutes(1));
  EXPECT_EQ(backoff.NextAfter(absl::Minutes(1), [] { return 0.5; }),
            absl::Seconds(63));
}

TEST(BackoffTest, AShortTimeToStayAwayIsSpreadOverASecond) {
  Backoff backoff({absl::Milliseconds(200), absl::Seconds(5)});
  EXPECT_EQ(backoff.NextAfter(absl::Seconds(10), [] { return 0.5; }),
            absl::Milliseconds(10500));
  EXPECT_EQ(backoff.NextAfter(absl::Seconds(2), [] { return 0.5; }),
            absl::Milliseconds(2500));
}

TEST(BackoffTest, WithoutATimeOrAfterAShortOneTheDelayIsTheNext) {
  Backoff backoff({absl::Milliseconds(200), absl::Seconds(5)});
  EXPECT_EQ(backoff.NextAfter(absl::ZeroDuration(), [] { return 0.0; }),
            absl::Milliseconds(100));
  EXPECT_EQ(backoff.NextAfter(absl::Milliseconds(1), [] { return 0.0; }),
            absl::Milliseconds(200));
}

}  // namespace
}  // namespace rmq
