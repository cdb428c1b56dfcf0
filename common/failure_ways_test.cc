#include "common/failure_ways.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(FailureWaysTest, WhatPassesByItselfIsOneWay) {
  FailureWays ways;
  EXPECT_TRUE(ways.Add(absl::DeadlineExceededError("no answer")));
  for (const auto code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kCancelled,
        absl::StatusCode::kUnknown, absl::StatusCode::kResourceExhausted,
        absl::StatusCode::kAborted, absl::StatusCode::kInternal}) {
    EXPECT_FALSE(ways.Add(absl::Status(code, "away"))) << code;
  }
}

TEST(FailureWaysTest, WaysThatAlternateAreNewsOnceEach) {
  FailureWays ways;
  EXPECT_TRUE(ways.Add(absl::UnavailableError("away")));
  EXPECT_TRUE(ways.Add(absl::PermissionDeniedError("not you")));
  EXPECT_FALSE(ways.Add(absl::UnavailableError("away")));
  EXPECT_FALSE(ways.Add(absl::PermissionDeniedError("still not you")));
  EXPECT_TRUE(ways.Add(absl::NotFoundError("nothing there")));
}

TEST(FailureWaysTest, WhatIsWellAgainFailsAnew) {
  FailureWays ways;
  EXPECT_FALSE(ways.Clear());
  ways.Add(absl::UnavailableError("away"));
  EXPECT_TRUE(ways.Clear());
  EXPECT_FALSE(ways.Clear());
  EXPECT_TRUE(ways.Add(absl::UnavailableError("away")));
}

}  // namespace
}  // namespace rmq
