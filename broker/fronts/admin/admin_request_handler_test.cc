// What holds for every method of the service, walked through its descriptor.

#include "broker/fronts/admin/admin_request_handler.h"

#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using AdminRequestHandlerTest = AdminFixture;

TEST_F(AdminRequestHandlerTest, EveryMethodOfTheServiceIsAdded) {
  const google::protobuf::ServiceDescriptor& service = AdminServiceDescriptor();
  ASSERT_GE(service.method_count(), 14);
  for (int i = 0; i < service.method_count(); ++i) {
    EXPECT_NE(admin_.methods().Find(*service.method(i)), nullptr)
        << service.method(i)->name();
  }
}

TEST_F(AdminRequestHandlerTest, TheGateIsToldWhatARequestNames) {
  pb::FindConsumerChannelRequest channel;
  channel.set_client_id("c1");
  channel.set_group("orders");
  Call(channel);
  EXPECT_EQ(admin_.authorizer().last().call, "FindConsumerChannel");
  EXPECT_EQ(admin_.authorizer().last().client_id, "c1");
  EXPECT_THAT(admin_.authorizer().last().groups, ElementsAre("orders"));
  EXPECT_THAT(admin_.authorizer().last().topics, IsEmpty());

  pb::FindSubscriptionRequest subscription;
  subscription.set_group("orders");
  subscription.set_topic("topic");
  Call(subscription);
  EXPECT_EQ(admin_.authorizer().last().client_id, "");
  EXPECT_THAT(admin_.authorizer().last().groups, ElementsAre("orders"));
  EXPECT_THAT(admin_.authorizer().last().topics, ElementsAre("topic"));

  Call(pb::GetPolicyRequest());
  EXPECT_THAT(admin_.authorizer().last().groups, IsEmpty());
}

}  // namespace
}  // namespace rmq
