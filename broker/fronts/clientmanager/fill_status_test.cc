#include "broker/fronts/clientmanager/fill_status.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

TEST(FillStatusTest, StatusesKeepBothCodes) {
  pb::Status message;
  FillStatus(OverLimit("too many"), &message);
  EXPECT_EQ(message.code(),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(message.response_code(), pb::RESPONSE_CODE_SYSTEM_BUSY);
  EXPECT_EQ(message.message(), "too many");
}

}  // namespace
}  // namespace rmq
