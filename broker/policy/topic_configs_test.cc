#include "broker/policy/topic_configs.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/policy/group_policy.h"
#include "broker/policy/group_policy_fixture.h"
#include "broker/registry/test_statement.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using TopicConfigsTest = GroupPolicyFixture;

TEST_F(TopicConfigsTest, AConsumerMakesTheRetryTopicOfItsGroup) {
  GroupPolicy::Options options;
  options.subscription_groups.push_back({"orders", true, 8});
  GroupPolicy policy(options, in_use_);
  EXPECT_THAT(Topics(policy), IsEmpty());
  SkipOf(policy, "orders");
  const std::vector<TopicConfig> topics = policy.ListTopics("", 10);
  ASSERT_EQ(topics.size(), 1);
  EXPECT_EQ(topics[0].topic, "%RETRY%orders");
  EXPECT_EQ(topics[0].read_queue_nums, 8);
  EXPECT_EQ(topics[0].write_queue_nums, 8);
  EXPECT_EQ(topics[0].perm, 6);
  EXPECT_EQ(topics[0].topic_sys_flag, 0);
  EXPECT_FALSE(topics[0].order);
}

TEST_F(TopicConfigsTest, TheUnitFlagIsThatOfTheFirstHeartbeat) {
  GroupPolicy policy({}, in_use_);
  TestConsumer consumer;
  consumer.group = "units";
  consumer.unit_mode = true;
  Admit(policy, consumer);
  consumer.unit_mode = false;
  Admit(policy, consumer);
  EXPECT_EQ(policy.ListTopics("", 10).at(0).topic_sys_flag, 2);
}

GroupPolicy::Options WithOrderedLedger() {
  GroupPolicy::Options options;
  TopicConfig& topic = options.topics.emplace_back();
  topic.topic = "ledger";
  topic.order = true;
  return options;
}

TEST_F(TopicConfigsTest, TheOrderFlagIsThatOfTheLatestHeartbeat) {
  GroupPolicy::Options options = WithOrderedLedger();
  GroupPolicy policy(options, in_use_);
  const auto is_ordered = [&] {
    return policy.ListTopics("%RETRY%", 1).at(0).order;
  };
  TestConsumer consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"other"}, {"ledger"}};
  Admit(policy, consumer);
  EXPECT_TRUE(is_ordered());
  consumer.subscriptions = {{"other"}};
  Admit(policy, consumer);
  EXPECT_FALSE(is_ordered());
}

TEST_F(TopicConfigsTest, OrderChangesAreCountedWhereATopicIsOrdered) {
  GroupPolicy::Options options = WithOrderedLedger();
  options.max_auto_created_groups = 1;
  GroupPolicy policy(options, in_use_);
  TestConsumer consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"ledger"}};
  uint64_t before = policy.order_changes();
  const auto changed = [&] {
    return std::exchange(before, policy.order_changes()) != before;
  };
  Admit(policy, consumer);
  EXPECT_TRUE(changed());  // A retry topic is made.
  Admit(policy, consumer);
  EXPECT_FALSE(changed());
  consumer.subscriptions = {{"other"}};
  Admit(policy, consumer);
  EXPECT_TRUE(changed());
  Admit(policy, consumer);
  EXPECT_FALSE(changed());
  policy.EnsureConfig("others",
                      {"", kAddress});  // Takes the place of "orders".
  EXPECT_TRUE(changed());
}

TEST_F(TopicConfigsTest, WhereNoTopicIsOrderedNoOrderChanges) {
  GroupPolicy policy(GroupPolicy::Options(), in_use_);
  TestConsumer consumer;
  consumer.group = "orders";
  Admit(policy, consumer);
  EXPECT_EQ(policy.order_changes(), 0);
}

TEST_F(TopicConfigsTest,
       TopicsOfTheStartAndRetryTopicsAreListedByNameAndPaged) {
  GroupPolicy::Options options;
  for (const char* topic : {"b", "%AAA"}) {
    TopicConfig config;
    config.topic = topic;
    options.topics.push_back(config);
  }
  GroupPolicy policy(options, in_use_);
  SkipOf(policy, "y");
  SkipOf(policy, "x");
  EXPECT_THAT(Topics(policy), ElementsAre("%AAA", "%RETRY%x", "%RETRY%y", "b"));
  const std::vector<TopicConfig> page = policy.ListTopics("%RETRY%x", 2);
  ASSERT_EQ(page.size(), 2);
  EXPECT_EQ(page[0].topic, "%RETRY%y");
  EXPECT_EQ(page[1].topic, "b");
}

TEST_F(TopicConfigsTest, OfARetryTopicOfTheStartOnlyTheOrderFlagChanges) {
  GroupPolicy::Options options;
  TopicConfig& of_the_start = options.topics.emplace_back();
  of_the_start.topic = "%RETRY%orders";
  of_the_start.read_queue_nums = 3;
  of_the_start.order = true;
  ASSERT_THAT(options.Validate(), IsOk());
  GroupPolicy policy(options, in_use_);
  SkipOf(policy, "orders");
  const std::vector<TopicConfig> topics = policy.ListTopics("", 10);
  ASSERT_EQ(topics.size(), 1);
  EXPECT_EQ(topics[0].read_queue_nums, 3);
  EXPECT_FALSE(topics[0].order);
}

}  // namespace
}  // namespace rmq
