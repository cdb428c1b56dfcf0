#include "common/rpc/channel/call_trailers.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(CallTrailersTest, ATimeToStayAwayIsInMilliseconds) {
  EXPECT_EQ(ParseRetryAfter("1"), absl::Milliseconds(1));
  EXPECT_EQ(ParseRetryAfter("600000"), absl::Minutes(10));
}

TEST(CallTrailersTest, WhatIsNoPositiveNumberIsNoTimeToStayAway) {
  for (const char* text : {"", "0", "-1", "10s", "1.5", "soon",
                           "99999999999999999999", "-99999999999999999999"}) {
    EXPECT_EQ(ParseRetryAfter(text), absl::ZeroDuration()) << text;
  }
}

TEST(CallTrailersTest, NobodyIsKeptAwayForMoreThanADay) {
  EXPECT_EQ(ParseRetryAfter("86399999"), absl::Milliseconds(86399999));
  EXPECT_EQ(ParseRetryAfter("86400000"), absl::Hours(24));
  EXPECT_EQ(ParseRetryAfter("86400001"), absl::Hours(24));
  EXPECT_EQ(ParseRetryAfter("9223372036854775807"), absl::Hours(24));
}

}  // namespace
}  // namespace rmq
