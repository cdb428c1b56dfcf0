#include "common/rpc/server/connection_calls.h"

#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr char kOne[] = "10.0.0.1:40000";
constexpr char kOther[] = "10.0.0.1:40001";

TEST(ConnectionCallsTest, OneMoreThanTheLimitIsRefusedAndDoesNotCount) {
  ConnectionCalls calls(2);
  EXPECT_TRUE(calls.Begin(kOne).ok());
  EXPECT_TRUE(calls.Begin(kOne).ok());
  const CallStatus refused = calls.Begin(kOne);
  EXPECT_EQ(refused.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.response_code, ResponseCode::kSystemBusy);
  EXPECT_EQ(refused.message,
            "calls that are open on one connection must be at most 2");
  EXPECT_EQ(calls.TakeLevel().open, 2);
}

TEST(ConnectionCallsTest, OneThatEndsMakesRoomForAnother) {
  ConnectionCalls calls(1);
  EXPECT_TRUE(calls.Begin(kOne).ok());
  calls.End(kOne);
  EXPECT_TRUE(calls.Begin(kOne).ok());
  EXPECT_FALSE(calls.Begin(kOne).ok());
}

TEST(ConnectionCallsTest, EachConnectionHasItsOwnLimit) {
  ConnectionCalls calls(1);
  EXPECT_TRUE(calls.Begin(kOne).ok());
  EXPECT_TRUE(calls.Begin(kOther).ok());
  EXPECT_EQ(calls.TakeLevel().open, 2);
}

TEST(ConnectionCallsTest, TheHighestLevelIsToldOnce) {
  ConnectionCalls calls(10);
  for (int i = 0; i < 5; ++i) calls.Begin(kOne);
  for (int i = 0; i < 4; ++i) calls.End(kOne);
  EXPECT_EQ(calls.TakeLevel().highest, 5);
  EXPECT_EQ(calls.TakeLevel().highest, 1);
  EXPECT_EQ(calls.TakeLevel().open, 1);
}

}  // namespace
}  // namespace rmq
