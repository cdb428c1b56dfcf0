#include "broker/fronts/rocketmq_v2/sdk_status.h"

#include <utility>

#include "absl/status/status.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/client_event.h"
#include "common/response_code.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(SdkStatusTest, AGroupThatIsPassedOverHasTheCodeOfItsReason) {
  for (const auto& [reason, code] :
       {std::make_pair(SkipReason::kNoSuchGroup, v2::CONSUMER_GROUP_NOT_FOUND),
        std::make_pair(SkipReason::kTooManyGroups, v2::TOO_MANY_REQUESTS),
        std::make_pair(SkipReason::kPermissionDenied, v2::FORBIDDEN),
        std::make_pair(SkipReason::kProducerRejected, v2::ILLEGAL_TOPIC),
        std::make_pair(SkipReason::kIllegalGroup,
                       v2::ILLEGAL_CONSUMER_GROUP)}) {
    const PassedOverGroup skipped = {"orders", GroupKind::kConsumer, reason};
    EXPECT_EQ(CodeOf(SdkErrorOf(skipped)), code);
  }
}

TEST(SdkStatusTest, WhatTheBrokerCannotTakeNowIsTooManyRequests) {
  const CallStatus busy = {absl::StatusCode::kResourceExhausted,
                           ResponseCode::kSystemBusy, "busy"};
  EXPECT_EQ(CodeOf(busy), v2::TOO_MANY_REQUESTS);
}

TEST(SdkStatusTest, WhatHasNoCodeOfItsOwnIsAnInternalServerError) {
  const CallStatus lost = {absl::StatusCode::kDataLoss,
                           ResponseCode::kSystemError, "lost"};
  EXPECT_EQ(CodeOf(lost), v2::INTERNAL_SERVER_ERROR);
}

}  // namespace
}  // namespace rmq
