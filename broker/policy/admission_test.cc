#include "broker/policy/admission.h"

#include <string>

#include "absl/types/optional.h"
#include "broker/policy/group_policy.h"
#include "broker/policy/group_policy_fixture.h"
#include "broker/policy/passed_over_group.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using AdmissionTest = GroupPolicyFixture;

TEST_F(AdmissionTest, AnUnknownGroupGetsAConfig) {
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
  const std::vector<SubscriptionGroupConfig> configs =
      policy.ListSubscriptionGroups("", 10);
  ASSERT_EQ(configs.size(), 1);
  EXPECT_EQ(configs[0].group, "orders");
  EXPECT_TRUE(configs[0].notify_consumer_ids_changed_enable);
  EXPECT_EQ(configs[0].retry_queue_nums, 1);
}

TEST_F(AdmissionTest, WithoutAutoCreateAnUnknownGroupIsPassedOver) {
  GroupPolicy policy(WithoutAutoCreate(), in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
  EXPECT_THAT(Topics(policy), IsEmpty());
}

TEST_F(AdmissionTest, WithoutAutoCreateAConfiguredGroupIsLetIn) {
  GroupPolicy::Options options = WithoutAutoCreate();
  options.subscription_groups.push_back({"orders"});
  GroupPolicy policy(options, in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
}

TEST_F(AdmissionTest, WithoutAutoCreateASystemGroupGetsAConfig) {
  GroupPolicy policy(WithoutAutoCreate(), in_use_);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_TRANS"), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), ElementsAre("CID_RMQ_SYS_TRANS"));
}

TEST_F(AdmissionTest, AGroupOfAnIllegalNameIsPassedOver) {
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, ""), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "a b"), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_!"), SkipReason::kIllegalGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
}

TEST_F(AdmissionTest, AGroupOf120BytesIsLegalAndOneOf121IsNot) {
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, std::string(120, 'g')), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, std::string(121, 'g')), SkipReason::kIllegalGroup);
}

TEST_F(AdmissionTest, TheNotifySwitchIsTheGroupsOwn) {
  GroupPolicy::Options options;
  options.subscription_groups.push_back(
      {"quiet", /*notify_consumer_ids_changed_enable=*/false});
  GroupPolicy policy(options, in_use_);
  TestConsumer consumer;
  consumer.group = "quiet";
  EXPECT_FALSE(Admit(policy, consumer).notify_consumer_ids_changed);
  consumer.group = "other";
  EXPECT_TRUE(Admit(policy, consumer).notify_consumer_ids_changed);
}

TEST_F(AdmissionTest, PullConsumersAreRejectedOnlyIfTheSwitchSaysSo) {
  TestConsumer consumer;
  consumer.group = "orders";
  consumer.modes.consume_type = ConsumeType::kConsumeActively;
  GroupPolicy lenient({}, in_use_);
  EXPECT_EQ(Admit(lenient, consumer).skip, absl::nullopt);

  GroupPolicy::Options options;
  options.reject_pull_consumer_enable = true;
  GroupPolicy strict(options, in_use_);
  EXPECT_EQ(Admit(strict, consumer).skip, SkipReason::kPullConsumerRejected);
  EXPECT_THAT(Groups(strict), IsEmpty());
  consumer.modes.consume_type = ConsumeType::kConsumePop;
  EXPECT_EQ(Admit(strict, consumer).skip, absl::nullopt);
  consumer.modes.consume_type = ConsumeType::kConsumePassively;
  EXPECT_EQ(Admit(strict, consumer).skip, absl::nullopt);
}

TEST_F(AdmissionTest, AnUnregisterMakesTheConfigOfItsGroupButNoRetryTopic) {
  GroupPolicy policy({}, in_use_);
  policy.EnsureConfig("orders", {"", kAddress});
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
  EXPECT_THAT(Topics(policy), IsEmpty());
  policy.EnsureConfig("not legal!", {"", kAddress});
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
}

}  // namespace
}  // namespace rmq
