#include "broker/fronts/admin/named_resources.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NamedResourcesTest, AreTheFieldsOfTheirNames) {
  pb::FindConsumerChannelRequest request;
  request.set_client_id("c1");
  request.set_group("orders");
  const CallResources resources = NamedResources(request);
  EXPECT_EQ(resources.client_id, "c1");
  EXPECT_THAT(resources.groups, ElementsAre("orders"));
  EXPECT_THAT(resources.topics, IsEmpty());
}

TEST(NamedResourcesTest, AFieldThatIsEmptyIsToldAsSuch) {
  EXPECT_THAT(NamedResources(pb::FindSubscriptionRequest()).groups,
              ElementsAre(""));
  EXPECT_THAT(NamedResources(pb::FindSubscriptionRequest()).topics,
              ElementsAre(""));
}

TEST(NamedResourcesTest, EachOfManyGroupsIsNamed) {
  pb::WatchRequest request;
  EXPECT_THAT(NamedResources(request).groups, IsEmpty());
  request.add_groups("orders");
  request.add_groups("bills");
  EXPECT_THAT(NamedResources(request).groups, ElementsAre("orders", "bills"));
}

TEST(NamedResourcesTest, AreThoseOfTheFilterIfThereIsOne) {
  pb::ListClientsRequest request;
  request.mutable_filter()->set_client_id("c1");
  request.mutable_filter()->set_group("orders");
  const CallResources resources = NamedResources(request);
  EXPECT_EQ(resources.client_id, "c1");
  EXPECT_THAT(resources.groups, ElementsAre("orders"));
  EXPECT_THAT(NamedResources(pb::ListClientsRequest()).groups, IsEmpty());
}

TEST(NamedResourcesTest, ARequestWithoutSuchFieldsNamesNothing) {
  const CallResources resources = NamedResources(pb::GetPolicyRequest());
  EXPECT_EQ(resources.client_id, "");
  EXPECT_THAT(resources.groups, IsEmpty());
}

}  // namespace
}  // namespace rmq
