#include <string>
#include <vector>

#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

using PolicyMethodsTest = AdminFixture;

TEST_F(PolicyMethodsTest, ConfigsAndTopicsOfThePolicyArePaged) {
  std::vector<std::string> names;
  EXPECT_EQ(ReadPages<pb::ListSubscriptionGroupsResponse>(
                pb::ListSubscriptionGroupsRequest(),
                [&](const pb::ListSubscriptionGroupsResponse& page) {
                  for (const auto& group : page.subscription_groups()) {
                    names.push_back(group.group());
                    EXPECT_EQ(group.retry_queue_nums(), 2);
                  }
                }),
            2);
  EXPECT_THAT(names, ElementsAre("a-topic-readers", "b-topic-readers",
                                 "c-topic-readers"));
  names.clear();
  EXPECT_EQ(ReadPages<pb::ListTopicsResponse>(
                pb::ListTopicsRequest(),
                [&](const pb::ListTopicsResponse& page) {
                  for (const auto& topic : page.topics()) {
                    names.push_back(topic.topic());
                    EXPECT_EQ(topic.read_queue_nums(), 8);
                  }
                }),
            2);
  EXPECT_THAT(names, ElementsAre("a-topic", "b-topic", "c-topic"));
  ExpectPagesAreChecked(pb::ListSubscriptionGroupsRequest());
  ExpectPagesAreChecked(pb::ListTopicsRequest());
}

TEST_F(PolicyMethodsTest, ThePolicysSwitchesAreTold) {
  pb::GetPolicyResponse response;
  ASSERT_THAT(Call(pb::GetPolicyRequest(), &response), IsSuccess());
  EXPECT_TRUE(response.auto_create_subscription_group());
  EXPECT_EQ(response.max_auto_created_groups(), 12);
  EXPECT_TRUE(response.enable_property_filter());
  EXPECT_TRUE(response.enable_register_producer());
  EXPECT_TRUE(response.reject_pull_consumer_enable());
  EXPECT_TRUE(response.notify_consumer_ids_changed_enable());
}

}  // namespace
}  // namespace rmq
