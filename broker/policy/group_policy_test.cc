#include "broker/policy/group_policy.h"

#include <cstddef>
#include <cstdint>
#include <map>
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
    if (verdict.held) policy.Release({consumer.group});
    return verdict;
  }
  static absl::optional<SkipReason> SkipOf(GroupPolicy& policy,
                                           absl::string_view group) {
    StatedConsumer consumer;
    consumer.group = std::string(group);
    return Admit(policy, consumer).skip;
  }

  static void Tell(GroupPolicy& policy, EventType type, absl::string_view group,
                   GroupKind kind = GroupKind::kConsumer) {
    ClientEvent event;
    event.type = type;
    event.kind = kind;
    event.group = std::string(group);
    policy.OnClientEvent(event);
  }
  // The table gets a member, and tells of it at once.
  void Join(GroupPolicy& policy, absl::string_view group) {
    ++members_[std::string(group)];
    TellJoin(policy, group);
  }
  void Leave(GroupPolicy& policy, absl::string_view group) {
    --members_[std::string(group)];
    TellLeave(policy, group, /*emptied=*/members_[std::string(group)] == 0);
  }
  static void TellJoin(GroupPolicy& policy, absl::string_view group) {
    Tell(policy, EventType::kClientRegister, group);
  }
  static void TellLeave(GroupPolicy& policy, absl::string_view group,
                        bool emptied) {
    Tell(policy, EventType::kClientUnregister, group);
    if (emptied) Tell(policy, EventType::kUnregister, group);
    Tell(policy, EventType::kChange, group);
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

  // What the table knows: members by group.
  std::map<std::string, int> members_;
  int asked_ = 0;
  GroupPolicy::InUse in_use_ = [this](absl::string_view group) {
    ++asked_;
    const auto found = members_.find(std::string(group));
    return found != members_.end() && found->second > 0;
  };

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
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
  const std::vector<SubscriptionGroupConfig> configs =
      policy.ListSubscriptionGroups("", 10);
  ASSERT_EQ(configs.size(), 1);
  EXPECT_EQ(configs[0].group, "orders");
  EXPECT_TRUE(configs[0].notify_consumer_ids_changed_enable);
  EXPECT_EQ(configs[0].retry_queue_nums, 1);
}

TEST_F(GroupPolicyTest, WithoutAutoCreateAnUnknownGroupIsPassedOver) {
  GroupPolicy policy(WithoutAutoCreate(), in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
  EXPECT_THAT(Topics(policy), IsEmpty());
}

TEST_F(GroupPolicyTest, WithoutAutoCreateAConfiguredGroupIsLetIn) {
  GroupPolicy::Options options = WithoutAutoCreate();
  options.subscription_groups.push_back({"orders"});
  GroupPolicy policy(options, in_use_);
  EXPECT_EQ(SkipOf(policy, "orders"), absl::nullopt);
}

TEST_F(GroupPolicyTest, WithoutAutoCreateASystemGroupGetsAConfig) {
  GroupPolicy policy(WithoutAutoCreate(), in_use_);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_TRANS"), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS"), SkipReason::kNoSuchGroup);
  EXPECT_THAT(Groups(policy), ElementsAre("CID_RMQ_SYS_TRANS"));
}

TEST_F(GroupPolicyTest, AGroupOfAnIllegalNameIsPassedOver) {
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, ""), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "a b"), SkipReason::kIllegalGroup);
  EXPECT_EQ(SkipOf(policy, "CID_RMQ_SYS_!"), SkipReason::kIllegalGroup);
  EXPECT_THAT(Groups(policy), IsEmpty());
}

TEST_F(GroupPolicyTest, AGroupOf120BytesIsLegalAndOneOf121IsNot) {
  GroupPolicy policy({}, in_use_);
  EXPECT_EQ(SkipOf(policy, std::string(120, 'g')), absl::nullopt);
  EXPECT_EQ(SkipOf(policy, std::string(121, 'g')), SkipReason::kIllegalGroup);
}

TEST_F(GroupPolicyTest, TheNotifySwitchIsTheGroupsOwn) {
  GroupPolicy::Options options;
  options.subscription_groups.push_back(
      {"quiet", /*notify_consumer_ids_changed_enable=*/false});
  GroupPolicy policy(options, in_use_);
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

TEST_F(GroupPolicyTest, AnUnregisterMakesTheConfigOfItsGroupButNoRetryTopic) {
  GroupPolicy policy({}, in_use_);
  policy.EnsureConfig("orders");
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
  EXPECT_THAT(Topics(policy), IsEmpty());
  policy.EnsureConfig("not legal!");
  EXPECT_THAT(Groups(policy), ElementsAre("orders"));
}

// --- Retry topics ---

TEST_F(GroupPolicyTest, AConsumerMakesTheRetryTopicOfItsGroup) {
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

TEST_F(GroupPolicyTest, TheUnitFlagIsThatOfTheFirstHeartbeat) {
  GroupPolicy policy({}, in_use_);
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
  GroupPolicy policy(options, in_use_);
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
  GroupPolicy policy(options, in_use_);
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
  policy.EnsureConfig("others");  // Takes the place of "orders".
  EXPECT_TRUE(changed());
}

TEST_F(GroupPolicyTest, WhereNoTopicIsOrderedNoOrderChanges) {
  GroupPolicy policy(GroupPolicy::Options(), in_use_);
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
  GroupPolicy policy(options, in_use_);
  SkipOf(policy, "y");
  SkipOf(policy, "x");
  EXPECT_THAT(Topics(policy), ElementsAre("%AAA", "%RETRY%x", "%RETRY%y", "b"));
  const std::vector<TopicConfig> page = policy.ListTopics("%RETRY%x", 2);
  ASSERT_EQ(page.size(), 2);
  EXPECT_EQ(page[0].topic, "%RETRY%y");
  EXPECT_EQ(page[1].topic, "b");
}

TEST_F(GroupPolicyTest, ConfigsAreListedByNameAndPaged) {
  GroupPolicy policy({}, in_use_);
  for (const char* group : {"c", "a", "b"}) SkipOf(policy, group);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b", "c"));
  const auto page = policy.ListSubscriptionGroups("a", 1);
  ASSERT_EQ(page.size(), 1);
  EXPECT_EQ(page[0].group, "b");
}

// --- The limit on automatic configs ---

TEST_F(GroupPolicyTest, AtTheLimitTheLongestUnusedConfigGoesWithItsTopic) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b", "c"));
  EXPECT_THAT(Topics(policy), ElementsAre("%RETRY%b", "%RETRY%c"));
}

TEST_F(GroupPolicyTest, AConfigThatWasUsedAgainIsNotTheLongestUnused) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, AnUnregisterIsAUseToo) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  policy.EnsureConfig("a");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, AConfigWithMembersDoesNotGo) {
  GroupPolicy policy(WithLimit(2), in_use_);
  SkipOf(policy, "a");
  Join(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "c");
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, WhenAllHaveMembersANewGroupIsPassedOver) {
  GroupPolicy policy(WithLimit(2), in_use_);
  for (const char* group : {"a", "b"}) {
    SkipOf(policy, group);
    Join(policy, group);
  }
  EXPECT_EQ(SkipOf(policy, "c"), SkipReason::kTooManyGroups);
  EXPECT_EQ(SkipOf(policy, "a"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("a", "b"));
}

TEST_F(GroupPolicyTest, AConfigGoesOnlyAfterItsLastMemberLeft) {
  GroupPolicy policy(WithLimit(1), in_use_);
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
  GroupPolicy policy(WithLimit(2), in_use_);
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
  GroupPolicy policy(options, in_use_);
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
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  Tell(policy, EventType::kClientRegister, "a", GroupKind::kProducer);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AGroupOfAHeartbeatUnderWayIsHeld) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const StatementOf statement(Stated("c1").Consumer("a").Consumer("b"));
  EXPECT_TRUE(policy.AdmitConsumer((*statement).consumers[0]).held);
  EXPECT_EQ(policy.AdmitConsumer((*statement).consumers[1]).skip,
            SkipReason::kTooManyGroups);
  EXPECT_THAT(Groups(policy), ElementsAre("a"));
  policy.Release({"a"});
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, AGroupThatTwoHeartbeatsHoldIsHeldUntilBothAreThrough) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  policy.AdmitConsumer((*statement).consumers[0]);
  policy.Release({"a"});
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  policy.Release({"a"});
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AHeldGroupThatGotAMemberIsKeptByIt) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  Join(policy, "a");
  policy.Release({"a"});
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AMemberKeepsItsConfigBeforeTheEventOfItsJoining) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  members_["a"] = 1;
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  TellJoin(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, AMemberKeepsItsConfigThoughALeaveBeforeItIsToldLate) {
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  Join(policy, "a");
  // In the table the group has emptied and has a member again.
  TellLeave(policy, "a", /*emptied=*/true);
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  TellJoin(policy, "a");
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AConfigYoungerThanTheMembersOfItsGroupIsKeptByThem) {
  members_["a"] = 1;
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  Leave(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, AHeldGroupWithoutMembersIsLetGoAfterItsHeartbeat) {
  GroupPolicy policy(WithLimit(1), in_use_);
  const StatementOf statement(Stated("c1").Consumer("a"));
  policy.AdmitConsumer((*statement).consumers[0]);
  Join(policy, "elsewhere");
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  policy.Release({"a"});
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, OfManyConfigsInUseNoneIsAskedAbout) {
  GroupPolicy policy(WithLimit(100), in_use_);
  for (int i = 0; i < 100; ++i) {
    SkipOf(policy, absl::StrCat("g", i));
    Join(policy, absl::StrCat("g", i));
  }
  EXPECT_EQ(SkipOf(policy, "new"), SkipReason::kTooManyGroups);
  EXPECT_EQ(asked_, 0);
  Leave(policy, "g7");
  EXPECT_EQ(SkipOf(policy, "new"), absl::nullopt);
  EXPECT_EQ(asked_, 1);
}

TEST_F(GroupPolicyTest, AConfigInUseIsAskedAboutOnceUntilItsGroupEmpties) {
  members_["a"] = 1;  // Nothing tells of it.
  GroupPolicy policy(WithLimit(1), in_use_);
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  SkipOf(policy, "b");
  EXPECT_EQ(asked_, 1);
}

TEST_F(GroupPolicyTest, AConfigThatIsUsedWhileItIsAskedAboutDoesNotGo) {
  GroupPolicy* asking = nullptr;
  std::vector<std::string> asked;
  GroupPolicy policy(WithLimit(2), [&](absl::string_view group) {
    asked.emplace_back(group);
    if (group == "a") SkipOf(*asking, "a");
    return false;
  });
  asking = &policy;
  SkipOf(policy, "a");
  SkipOf(policy, "b");
  EXPECT_EQ(SkipOf(policy, "c"), absl::nullopt);
  EXPECT_THAT(asked, ElementsAre("a", "b"));
  EXPECT_THAT(Groups(policy), ElementsAre("a", "c"));
}

TEST_F(GroupPolicyTest, AGroupThatEmptiesWhileItIsAskedAboutIsUnused) {
  GroupPolicy* asking = nullptr;
  GroupPolicy policy(WithLimit(1), [&](absl::string_view group) {
    const bool had_members = members_[std::string(group)] > 0;
    if (had_members) Leave(*asking, group);
    return had_members;
  });
  asking = &policy;
  SkipOf(policy, "a");
  members_["a"] = 1;
  EXPECT_EQ(SkipOf(policy, "b"), SkipReason::kTooManyGroups);
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
}

TEST_F(GroupPolicyTest, ConfigsThatAreAllUsedMeanwhileAreAskedAboutOnceEach) {
  GroupPolicy* asking = nullptr;
  int asked = 0;
  GroupPolicy policy(WithLimit(3), [&](absl::string_view group) {
    ++asked;
    SkipOf(*asking, group);
    return false;
  });
  asking = &policy;
  for (const char* group : {"a", "b", "c"}) SkipOf(policy, group);
  EXPECT_EQ(SkipOf(policy, "d"), SkipReason::kTooManyGroups);
  EXPECT_EQ(asked, 3);
}

TEST_F(GroupPolicyTest, AGroupThatAnotherThreadMadeMeanwhileIsLetIn) {
  GroupPolicy* asking = nullptr;
  bool raced = false;
  GroupPolicy policy(WithLimit(1), [&](absl::string_view) {
    if (!std::exchange(raced, true)) SkipOf(*asking, "b");
    return false;
  });
  asking = &policy;
  SkipOf(policy, "a");
  EXPECT_EQ(SkipOf(policy, "b"), absl::nullopt);
  EXPECT_THAT(Groups(policy), ElementsAre("b"));
}

TEST_F(GroupPolicyTest, AGroupOfTheStartNeedNotBeHeld) {
  GroupPolicy::Options options;
  options.subscription_groups = {{"a"}};
  GroupPolicy policy(options, in_use_);
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

TEST_F(GroupPolicyTest, NegativeQueuesOfATopicAreRefusedAndNoneAreNot) {
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
  GroupPolicy policy(options, in_use_);
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
