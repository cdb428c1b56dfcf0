#include "client/session/frame_limit.h"

#include <limits>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

absl::optional<size_t> Limit(const char* words, size_t frame_bytes) {
  return FrameLimitOf(absl::ResourceExhaustedError(words), frame_bytes);
}

TEST(FrameLimitTest, TheLimitIsInTheBrokersWords) {
  EXPECT_EQ(Limit("frame must be at most 100 bytes, got 101", 101), 100u);
}

TEST(FrameLimitTest, TheLimitIsInTheWordsOfGrpc) {
  EXPECT_EQ(Limit("Received message larger than max (101 vs. 100)", 101), 100u);
}

TEST(FrameLimitTest, ARefusalOfAnotherSizeIsNotAboutTheFrame) {
  EXPECT_EQ(Limit("frame must be at most 100 bytes, got 102", 101),
            absl::nullopt);
}

TEST(FrameLimitTest, ALimitThatTheFrameKeepsIsNone) {
  EXPECT_EQ(Limit("frame must be at most 101 bytes, got 101", 101),
            absl::nullopt);
}

TEST(FrameLimitTest, OtherWordsAreNotAboutTheSize) {
  for (const char* words :
       {"", "groups must be at most 100, got 101",
        "frame must be at most 100 bytes, got 101 and more",
        "frame must be at most 99999999999999999999999 bytes, got 101",
        "Received message larger than max (101 vs. 100",
        "frame must be at most  bytes, got 101"}) {
    EXPECT_EQ(Limit(words, 101), absl::nullopt) << words;
  }
}

TEST(FrameLimitTest, AnotherCodeIsNotAboutTheSize) {
  EXPECT_EQ(FrameLimitOf(absl::InvalidArgumentError(
                             "frame must be at most 100 bytes, got 101"),
                         101),
            absl::nullopt);
}

TEST(FrameLimitTest, TheLargestFrameHasRoomForTheLargestNumbers) {
  v1::ClientFrame frame;
  frame.mutable_heartbeat()->set_client_id("c");
  const size_t largest = LargestFrameOf(frame.heartbeat());
  frame.set_request_id(std::numeric_limits<uint64_t>::max());
  frame.mutable_heartbeat()->set_stream_number(
      std::numeric_limits<uint64_t>::max());
  EXPECT_LE(frame.ByteSizeLong(), largest);
}

}  // namespace
}  // namespace rmq
