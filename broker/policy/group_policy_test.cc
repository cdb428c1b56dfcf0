#include "broker/policy/group_policy.h"

#include "absl/status/status.h"
#include "broker/policy/group_policy_fixture.h"
#include "broker/policy/topic_configs.h"
#include "common/status_matchers.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using GroupPolicyOptionsTest = GroupPolicyFixture;

TEST_F(GroupPolicyOptionsTest, DefaultsValidate) {
  EXPECT_THAT(GroupPolicy::Options().Validate(), IsOk());
}

TEST_F(GroupPolicyOptionsTest, ALimitOfNoGroupsIsRefused) {
  EXPECT_THAT(WithLimit(0).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "max_auto_created_groups must be at least 1, got 0"));
  EXPECT_THAT(WithLimit(1).Validate(), IsOk());
}

TEST_F(GroupPolicyOptionsTest, AConfigOfAnIllegalGroupIsRefused) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a b"}};
  EXPECT_THAT(
      options.Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "subscription group \"a b\": group must be 1 to 120 letters, "
               "digits, '%', '|', '_' and '-'"));
}

TEST_F(GroupPolicyOptionsTest, AConfigThatStandsThereTwiceIsRefused) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a"}, {"a"}};
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "subscription group \"a\" stands there twice"));
}

TEST_F(GroupPolicyOptionsTest, NegativeRetryQueuesAreRefusedAndNoneAreNot) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a", true, -1}};
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "subscription group \"a\": retry_queue_nums must not "
                       "be negative, got -1"));
  options.subscription_groups = {{"a", true, 0}};
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST_F(GroupPolicyOptionsTest, NegativeQueuesOfATopicAreRefusedAndNoneAreNot) {
  GroupPolicy::Options options;
  TopicConfig& topic = options.topics.emplace_back();
  topic.topic = "a";
  EXPECT_THAT(options.Validate(), IsOk());
  topic.read_queue_nums = -1;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "topic \"a\": read_queue_nums must not be negative, got "
                       "-1"));
  topic.read_queue_nums = 0;
  topic.write_queue_nums = -1;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "topic \"a\": write_queue_nums must not be negative, "
                       "got -1"));
}

TEST_F(GroupPolicyOptionsTest, ATopicOfAnIllegalNameIsRefused) {
  GroupPolicy::Options options;
  options.topics.emplace_back().topic = "a/b";
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "topic \"a/b\": topic must be letters, digits, '%', "
                       "'|', '_' and '-'"));
}

TEST_F(GroupPolicyOptionsTest, ATopicThatStandsThereTwiceIsRefused) {
  GroupPolicy::Options options;
  options.topics.emplace_back().topic = "a";
  options.topics.emplace_back().topic = "a";
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           "topic \"a\" stands there twice"));
}

}  // namespace
}  // namespace rmq
