#include "broker/fronts/proto_time.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(ProtoTimeTest, DurationsKeepTheirNanoseconds) {
  google::protobuf::Duration message;
  FillDuration(absl::Seconds(120) / 4, &message);
  EXPECT_EQ(message.seconds(), 30);
  EXPECT_EQ(message.nanos(), 0);
  FillDuration(absl::Milliseconds(1250), &message);
  EXPECT_EQ(message.seconds(), 1);
  EXPECT_EQ(message.nanos(), 250'000'000);
  EXPECT_EQ(ToDuration(message), absl::Milliseconds(1250));
}

}  // namespace
}  // namespace rmq
