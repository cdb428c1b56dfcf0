#include "broker/policy/group_policy.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "broker/registry/client_event.h"
#include "broker/registry/stated.h"
#include "common/client_types.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GroupPolicyTest : public ::testing::Test {
 protected:
  // The verdict on one consumer group; what it held is given back, as after a
  // heartbeat.
  static GroupPolicy::Verdict Admit(GroupPolicy& policy,
                                    const StatedConsumer& consumer) {
    Stated stated("c1");
    stated.consumers.push_back(consumer);
    const StatementOf statement(stated);
    const GroupPolicy::Verdict verdict =
        policy.AdmitConsumer((*statement).consumers[0]);
    if (verdict.held) policy.Release({consumer.group}, /*revision=*/0);
    return verdict;
  }
  static absl::optional<SkipReason> SkipOf(GroupPolicy& policy,
                                           absl::string_view group) {
    StatedConsumer consumer;
    consumer.group = std::string(group);
    return Admit(policy, consumer).skip;
  }

  static void Tell(GroupPolicy& policy, EventType type, absl::string_view group,
                   GroupKind kind = GroupKind::kConsumer,
                   uint64_t revision = 1) {
    ClientEvent event;
    event.revision = revision;
    event.type = type;
    event.kind = kind;
    event.group = std::string(group);
    policy.OnClientEvent(event);
  }
  static void Join(GroupPolicy& policy, absl::string_view group,
                   uint64_t revision = 1) {
    Tell(policy, EventType::kClientRegister, group, GroupKind::kConsumer,
         revision);
  }
  static void Leave(GroupPolicy& policy, absl::string_view group,
                    uint64_t revision = 1) {
    Tell(policy, EventType::kClientUnregister, group, GroupKind::kConsumer,
         revision);
  }

  static std::vector<std::string> Groups(const GroupPolicy& policy) {
    std::vector<std::string> names;
    for (const auto& config : policy.ListSubscriptionGroups("", 100)) {
      names.push_back(config.group);
    }
    return names;
  }
  static std::vector<std::string> Topics(const GroupPolicy& policy) {
    std::vector<std::string> names;
    for (const TopicConfig& topic : policy.ListTopics("", 100)) {
      names.push_back(topic.topic);
    }
    return names;
  }

  static GroupPolicy::Options WithLimit(size_t limit) {
    GroupPolicy::Options options;
    options.max_auto_created_groups = limit;
    return options;
  }
  static GroupPolicy::Options WithoutAutoCreate() {
    GroupPolicy::Options options;
    options.auto_create_subscription_group = false;
    return options;
  }
};

// --- Who is let in ---

TEST_F(GroupPolicyTest, AnUnknownGroupGetsAConfig) {
  GroupPolicy policy({});
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
  const std::vector<SubscriptionGroupConfig> configs =
      policy.ListSubscriptionGroups("", 10);
  ASSERT_EQ(configs.size(), 1);
  EXPECT_EQ(configs[0].group, "orders");
  EXPECT_TRUE(configs[0].notify_consumer_ids_changed_enable);
  EXPECT_EQ(configs[0].retry_queue_nums, 1);
}

TEST_F(GroupPolicyTest, WithoutAutoCreateAnUnknownGroupIsPassedOver) {
  GroupPolicy policy(WithoutAutoCreate());
  EXPECT_EQ(SkipOf(policy, "orders"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
  EXPECT_THAT(Topics(policy), IsEmpty());
}

TEST_F(GroupPolicyTest, WithoutAutoCreateAConfiguredGroupIsLetIn) {
  GroupPolicy::Options options = WithoutAutoCreate();
  options.subscription_groups.push_back({"orders"});
  GroupPolicy policy(options);
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
}

TEST_F(GroupPolicyTest, WithoutAutoCreateASystemGroupGetsAConfig) {
  GroupPolicy policy(WithoutAutoCreate());
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_TRANS"), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), ElementsAre("CID_RMQ_SYS_TRANS"));
}

TEST_F(GroupPolicyTest, AGroupOfAnIllegalNameIsPassedOver) {
  GroupPolicy policy({});
  EXPECT_EQ(SkipOf(policy, ""), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "a b"), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_!"), SkipReason::kIllegalGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
}

TEST_F(GroupPolicyTest, AGroupOf120BytesIsLegalAndOneOf121IsNot) {
  GroupPolicy policy({});
  EXPECT_EQ(SkipOf(policy, std::string(120, 'g')), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, std::string(121, 'g')), SkipReason::kIllegalGroup);
}

TEST_F(GroupPolicyTest, TheNotifySwitchIsTheGroupsOwn) {
  GroupPolicy::Options options;
  options.subscription_groups.push_back(
      {"quiet", /*notify_consumer_ids_changed_enable=*/false});
  GroupPolicy policy(options);
  StatedConsumer consumer;
  consumer.group = "quiet";
  EXPECT_FALSE(Admit(policy, consumer).notify_consumer_ids_changed);
  consumer.group = "other";
  EXPECT_TRUE(Admit(policy, consumer).notify_consumer_ids_changed);
}

TEST_F(GroupPolicyTest, PullConsumersAreRejectedOnlyIfTheSwitchSaysSo) {
  StatedConsumer consumer;
  consumer.group = "orders";
  consumer.modes.consume_type = ConsumeType::kConsumeActively;
  GroupPolicy lenient({});
  EXPECT_EQ(Admit(lenient, consumer).skip, absl::nullopt);

  GroupPolicy::Options options;
  options.reject_pull_consumer_enable = true;
  GroupPolicy strict(options);
  EXPECT_EQ(Admit(strict, consumer).skip, SkipReason::kPullConsumerRejected);
  EXPECT_THAT(Groups(strict), IsEmpty());
  consumer.modes.consume_type = ConsumeType::kConsumePop;
  EXPECT_EQ(Admit(strict, consumer).skip, absl::nullopt);
  consumer.modes.consume_type = ConsumeType::kConsumePassively;
  EXPECT_EQ(Admit(strict, consumer).skip, absl::nullopt);
}

TEST_F(GroupPolicyTest, AnUnregisterMakesTheConfigOfItsGroupButNoRetryTopic) {
  GroupPolicy policy({});
  policy.NoteUnregister("orders");
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
  EXPECT_THAT(Topics(policy), IsEmpty());
  policy.NoteUnregister("not legal!");
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
}

// --- Retry topics ---

TEST_F(GroupPolicyTest, AConsumerMakesTheRetryTopicOfItsGroup) {
  GroupPolicy::Options options;
  options.subscription_groups.push_back({"orders", true, 8});
  GroupPolicy policy(options);
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

TEST_F(GroupPolicyTest, TheUnitFlagIsThatOfTheFirstHeartbeat) {
  GroupPolicy policy({});
  StatedConsumer consumer;
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

TEST_F(GroupPolicyTest, TheOrderFlagIsThatOfTheLatestHeartbeat) {
  GroupPolicy::Options options = WithOrderedLedger();
  GroupPolicy policy(options);
  const auto is_ordered = [&] {
    return policy.ListTopics("%RETRY%", 1).at(0).order;
  };
  StatedConsumer consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"other"}, {"ledger"}};
  Admit(policy, consumer);
  EXPECT_TRUE(is_ordered());
  consumer.subscriptions = {{"other"}};
  Admit(policy, consumer);
  EXPECT_FALSE(is_ordered());
}

TEST_F(GroupPolicyTest, OrderChangesAreCountedWhereATopicIsOrdered) {
  GroupPolicy::Options options = WithOrderedLedger();
  options.max_auto_created_groups = 1;
  GroupPolicy policy(options);
  StatedConsumer consumer;
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
  policy.NoteUnregister("others");  // Takes the place of "orders".
  EXPECT_TRUE(changed());
}

TEST_F(GroupPolicyTest, WhereNoTopicIsOrderedNoOrderChanges) {
  GroupPolicy policy{GroupPolicy::Options()};
  StatedConsumer consumer;
  consumer.group = "orders";
  Admit(policy, consumer);
  EXPECT_EQ(policy.order_changes(), 0);
}

TEST_F(GroupPolicyTest, TopicsOfTheStartAndRetryTopicsAreListedByNameAndPaged) {
  GroupPolicy::Options options;
  for (const char* topic : {"b", "%AAA"}) {
    TopicConfig config;
    config.topic = topic;
    options.topics.push_back(config);
  }
  GroupPolicy policy(options);
  SkipOf(policy, "y");
  SkipOf(policy, "x");
  EXPECT_THAT(Topics(policy), ElementsAre("%AAA", "%RETRY%x", "%RETRY%y", "b"));
  const std::vector<TopicConfig> page = policy.ListTopics("%RETRY%x", 2);
  ASSERT_EQ(page.size(), 2);
  EXPECT_EQ(page[0].topic, "%RETRY%y");
  EXPECT_EQ(page[1].topic, "b");
}

TEST_F(GroupPolicyTest, ConfigsAreListedByNameAndPaged) {
  GroupPolicy policy({});
  for (const char* group : {"c", "a", "b"}) SkipOf(policy, group);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b", "c"));
  const auto page = policy.ListSubscriptionGroups("a", 1);
  ASSERT_EQ(page.size(), 1);
  EXPECT_EQ(page[0].group, "b");
}

// --- The limit on automatic configs ---

TEST_F(GroupPolicyTest, AtTheLimitTheLongestUnusedConfigGoesWithItsTopic) {
  GroupPolicy policy(WithLimit(2));
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c"));
  EXPECT_THAT(Topics(policy), ElementsAre("%RETRY%b", "%RETRY%c"));
}

TEST_F(GroupPolicyTest, AConfigThatWasUsedAgainIsNotTheLongestUnused) {
  GroupPolicy policy(WithLimit(2));
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, AnUnregisterIsAUseToo) {
  GroupPolicy policy(WithLimit(2));
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  policy.NoteUnregister("a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, AConfigWithMembersDoesNotGo) {
  GroupPolicy policy(WithLimit(2));
  SkipOf(policy, "a");
  Join(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, WhenAllHaveMembersANewGroupIsPassedOver) {
  GroupPolicy policy(WithLimit(2));
  for (const char* group : {"a", "b"}) {
    SkipOf(policy, group);
    Join(policy, group);
  }
  EXPECT_EQ(SkipOf(policy, "c"), SkipReason::kTooManyGroups);
  EXPECT_EQ(SkipOf(policy, "a"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
}

TEST_F(GroupPolicyTest, AConfigGoesOnlyAfterItsLastMemberLeft) {
  GroupPolicy policy(WithLimit(1));
  SkipOf(policy, "a");
  Join(policy, "a");
  Join(policy, "a");
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, TheOneThatEmptiedLastIsUnusedTheShortest) {
  GroupPolicy policy(WithLimit(2));
  for (const char* group : {"a", "b"}) {
    SkipOf(policy, group);
    Join(policy, group);
  }
  Leave(policy, "b");
  Leave(policy, "a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, ConfigsOfTheStartNeitherCountNorGo) {
  GroupPolicy::Options options = WithLimit(1);
  options.subscription_groups = {{"x"}, {"y"}};
  GroupPolicy policy(options);
  SkipOf(policy, "a");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "x", "y"));
  SkipOf(policy, "b");
  EXPECT_THAT(Groups(policy), ElementsAre("b", "x", "y"));
  Join(policy, "x");
  Leave(policy, "x");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("c", "x", "y"));
}

TEST_F(GroupPolicyTest, ProducersOfTheSameNameKeepNoConfig) {
  GroupPolicy policy(WithLimit(1));
  SkipOf(policy, "a");
  Tell(policy, EventType::kClientRegister, "a", GroupKind::kProducer);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AGroupOfAHeartbeatUnderWayIsHeld) {
  GroupPolicy policy(WithLimit(1));
  const StatementOf statement(Stated("c1").Consumer("a").Consumer("b"));
  EXPECT_TRUE(policy.AdmitConsumer((*statement).consumers[0]).held);
  EXPECT_EQ(policy.AdmitConsumer((*statement).consumers[1]).skip,
            SkipReason::kTooManyGroups);
  EXPECT_THAT(Groups(policy), ElementsAre("a"));
  policy.Release({"a"}, /*revision=*/0);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, AGroupThatTwoHeartbeatsHoldIsHeldUntilBothAreThrough) {
  GroupPolicy policy(WithLimit(1));
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  policy.AdmitConsumer((*statement).consumers[0]);
  policy.Release({"a"}, /*revision=*/0);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  policy.Release({"a"}, /*revision=*/0);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AHeldGroupThatGotAMemberIsKeptByIt) {
  GroupPolicy policy(WithLimit(1));
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  Join(policy, "a", 7);
  policy.Release({"a"}, 7);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a", 8);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AGroupIsHeldUntilAnotherThreadHasDeliveredItsJoining) {
  GroupPolicy policy(WithLimit(1));
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  policy.Release({"a"}, 7);
  Join(policy, "elsewhere", 6);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Join(policy, "elsewhere", 7);  // Of the same heartbeat, before "a".
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Join(policy, "a", 7);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a", 8);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, AGroupIsHeldWhoseOnlyMemberLeavesBeforeTheNextJoins) {
  GroupPolicy policy(WithLimit(1));
  SkipOf(policy, "a");
  Join(policy, "a", 5);
  const StatementOf statement(Stated("c1").Consumer("a"));
  EXPECT_TRUE(policy.AdmitConsumer((*statement).consumers[0]).held);
  policy.Release({"a"}, 7);
  Leave(policy, "a", 6);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Join(policy, "a", 7);
  Leave(policy, "a", 8);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AHeldGroupWithoutMembersIsLetGoAfterItsHeartbeat) {
  GroupPolicy policy(WithLimit(1));
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  Join(policy, "elsewhere", 7);
  policy.Release({"a"}, 7);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "elsewhere", 8);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AGroupOfTheStartNeedNotBeHeld) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a"}};
  GroupPolicy policy(options);
  const StatementOf statement(Stated("c1").Consumer("a"));
  EXPECT_FALSE(policy.AdmitConsumer((*statement).consumers[0]).held);
}

// --- Options ---

TEST_F(GroupPolicyTest, DefaultsValidate) {
  EXPECT_THAT(GroupPolicy::Options().Validate(), IsOk());
}

TEST_F(GroupPolicyTest, ALimitOfNoGroupsIsRefused) {
  EXPECT_THAT(WithLimit(0).Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "max_auto_created_groups must be at least 1, got 0"));
  EXPECT_THAT(WithLimit(1).Validate(), IsOk());
}

TEST_F(GroupPolicyTest, AConfigOfAnIllegalGroupIsRefused) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a b"}};
  EXPECT_THAT(
      options.Validate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "subscription group \"a b\": group must be 1 to 120 letters, "
               "digits, '%', '|', '_' and '-'"));
}

TEST_F(GroupPolicyTest, AConfigThatStandsThereTwiceIsRefused) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a"}, {"a"}};
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "subscription group \"a\" stands there twice"));
}

TEST_F(GroupPolicyTest, NegativeRetryQueuesAreRefusedAndNoneAreNot) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a", true, -1}};
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "subscription group \"a\": retry_queue_nums must not "
                       "be negative, got -1"));
  options.subscription_groups = {{"a", true, 0}};
  EXPECT_THAT(options.Validate(), IsOk());
}

TEST_F(GroupPolicyTest, ATopicOfAnIllegalNameIsRefused) {
  GroupPolicy::Options options;
  options.topics.emplace_back().topic = "a/b";
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "topic \"a/b\": topic must be letters, digits, '%', "
                       "'|', '_' and '-'"));
}

TEST_F(GroupPolicyTest, OfARetryTopicOfTheStartOnlyTheOrderFlagChanges) {
  GroupPolicy::Options options;
  TopicConfig& of_the_start = options.topics.emplace_back();
  of_the_start.topic = "%RETRY%orders";
  of_the_start.read_queue_nums = 3;
  of_the_start.order = true;
  ASSERT_THAT(options.Validate(), IsOk());
  GroupPolicy policy(options);
  SkipOf(policy, "orders");
  const std::vector<TopicConfig> topics = policy.ListTopics("", 10);
  ASSERT_EQ(topics.size(), 1);
  EXPECT_EQ(topics[0].read_queue_nums, 3);
  EXPECT_FALSE(topics[0].order);
}

TEST_F(GroupPolicyTest, ATopicThatStandsThereTwiceIsRefused) {
  GroupPolicy::Options options;
  options.topics.emplace_back().topic = "a";
  options.topics.emplace_back().topic = "a";
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           "topic \"a\" stands there twice"));
}

}  // namespace
}  // namespace rmq
