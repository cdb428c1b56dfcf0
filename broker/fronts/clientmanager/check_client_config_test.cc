// Checks of subscriptions.

#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using CheckClientConfigTest = ClientManagerFixture;

TEST_F(CheckClientConfigTest, ACheckOfNothingAndOfTagsPasses) {
  pb::CheckClientConfigRequest request;
  request.set_client_id("c1");
  request.set_group("orders");
  EXPECT_THAT(Check(request), IsSuccess());
  request.mutable_subscription()->set_expression("a || b");
  EXPECT_THAT(Check(request), IsSuccess());
  request.mutable_subscription()->set_expression_type("TAG");
  EXPECT_THAT(Check(request), IsSuccess());
}

TEST_F(CheckClientConfigTest, ACheckNamesTheFieldThatIsWrong) {
  pb::CheckClientConfigRequest request;
  request.set_client_id("c1");
  EXPECT_THAT(Check(request), BadFormWith("group must not be empty"));
  request.set_group("orders");
  request.mutable_subscription()->set_topic("a b");
  EXPECT_THAT(Check(request),
              BadFormWith(StartsWith("subscription.topic must be letters")));
  request.mutable_subscription()->clear_topic();
  request.mutable_subscription()->set_expression_type("XPATH");
  EXPECT_THAT(Check(request), FailsWith(absl::StatusCode::kInvalidArgument,
                                        ResponseCode::kSubscriptionParseFailed,
                                        HasSubstr("XPATH")));
}

}  // namespace
}  // namespace rmq
