// What the commands about admission and notification print of an answer.
#include "tools/cmctl/policy_commands.h"

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/printed_answer.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(PolicyCommandsTest, SubscriptionGroupsShowTheirSwitchAndQueues) {
  const auto groups = Parse<pb::ListSubscriptionGroupsResponse>(R"pb(
    subscription_groups {
      group: "loud"
      notify_consumer_ids_changed_enable: true
      retry_queue_nums: 1
    }
    subscription_groups { group: "quiet" retry_queue_nums: 16 }
  )pb");  // As brokers of before members_are_told say it.
  EXPECT_EQ(Print({"subscription-groups"}, {&groups}),
            "GROUP  NOTIFY CONSUMER IDS CHANGED  RETRY QUEUES\n"
            "loud   yes                          1\n"
            "quiet  no                           16\n");
  EXPECT_EQ(Normal(PrintJson({"subscription-groups"}, {&groups})),
            Normal(R"json({
"subscription_groups": [
  {"group":"loud","notify_consumer_ids_changed_enable":true,"retry_queue_nums":1},
  {"group":"quiet","notify_consumer_ids_changed_enable":false,"retry_queue_nums":16}
]
}
)json"));
  const pb::ListSubscriptionGroupsResponse none;
  EXPECT_EQ(Print({"subscription-groups"}, {&none}),
            "no consumer group has a config\n");
}

TEST(PolicyCommandsTest, SubscriptionGroupsShowWhatIsInForce) {
  const auto groups = Parse<pb::ListSubscriptionGroupsResponse>(R"pb(
    subscription_groups {
      group: "a"
      notify_consumer_ids_changed_enable: true
      members_are_told: true
    }
    subscription_groups {
      group: "b"
      notify_consumer_ids_changed_enable: true
      members_are_told: false
    }
    subscription_groups { group: "c" members_are_told: false }
  )pb");
  EXPECT_EQ(Print({"subscription-groups"}, {&groups}),
            "GROUP  NOTIFY CONSUMER IDS CHANGED  RETRY QUEUES\n"
            "a      yes                          0\n"
            "b      no, by the broker's switch   0\n"
            "c      no                           0\n");
}

TEST(PolicyCommandsTest, WhyNamesAllThatStandsInTheWay) {
  const auto why = Parse<pb::ExplainGroupResponse>(R"pb(
    obstacles: [
      OBSTACLE_NOBODY,
      OBSTACLE_BROKER_SWITCH,
      OBSTACLE_GROUP_SWITCH,
      OBSTACLE_BROADCASTING,
      OBSTACLE_UNARY_MEMBERS
    ]
    producer_channels: 1
  )pb");
  EXPECT_EQ(
      Print({"why", "orders"}, {&why}),
      "consumer group orders: not registered, no config\n"
      "producer group orders: 1 channel; producers are not told\n"
      "told of changes: no\n"
      "  nobody is in it\n"
      "  the broker tells no group: its notify_consumer_ids_changed_enable is "
      "false\n"
      "  the group's notify_consumer_ids_changed_enable is false\n"
      "  its message model is BROADCASTING: each member gets every message, "
      "and "
      "has nothing to share\n"
      "  its members make unary calls: only Connect streams can be told\n"
      "passed over lately: nobody\n");
  EXPECT_THAT(PrintJson({"why", "orders"}, {&why}),
              AllOf(HasSubstr("\"group\": \"orders\""),
                    HasSubstr("OBSTACLE_BROKER_SWITCH")));
}

TEST(PolicyCommandsTest, WhyOfAGroupThatIsToldShowsWhoWasPassedOver) {
  auto why = Parse<pb::ExplainGroupResponse>(R"pb(
    consumer_streams: 2
    consumer_unary_channels: 1
    message_model: MESSAGE_MODEL_CLUSTERING
    has_config: true
    skipped {
      client_id: "10.0.0.1@a"
      reason: REASON_PULL_CONSUMER_REJECTED
      message: "consumer group \"orders\" consumes actively"
      times: 3
    }
  )pb");
  *why.mutable_skipped(0)->mutable_last_at() = OneChannel().last_heard_at();
  EXPECT_EQ(
      Print({"why", "orders"}, {&why}),
      "consumer group orders: 2 streams, 1 unary client, message model "
      "CLUSTERING\n"
      "told of changes: yes, but for the unary clients: only Connect streams "
      "can be told\n"
      "passed over lately:\n"
      "CLIENT ID   KIND      LAST    TIMES  REASON\n"
      "10.0.0.1@a  consumer  3s ago  3      consumer group \"orders\" consumes "
      "actively\n");
}

TEST(PolicyCommandsTest, TopicsShowTheirQueuesAndFlags) {
  const auto topics = Parse<pb::ListTopicsResponse>(R"pb(
    topics { topic: "%RETRY%a" read_queue_nums: 1 write_queue_nums: 2 perm: 6 }
    topics { topic: "b" perm: 4 topic_sys_flag: 2 order: true }
    topics { topic: "c" }
  )pb");
  EXPECT_EQ(Print({"topics"}, {&topics}),
            "TOPIC     READ QUEUES  WRITE QUEUES  PERM  SYS FLAG  ORDER\n"
            "%RETRY%a  1            2             RW    0         no\n"
            "b         0            0             R     2         yes\n"
            "c         0            0             -     0         no\n");
  const pb::ListTopicsResponse none;
  EXPECT_EQ(PrintJson({"topics"}, {&none}), "{\n\"topics\": []\n}\n");
  EXPECT_EQ(Print({"topics"}, {&none}), "no topic is known\n");
}

TEST(PolicyCommandsTest, ThePolicyHasEverySwitch) {
  const auto policy = Parse<pb::GetPolicyResponse>(R"pb(
    auto_create_subscription_group: true
    max_auto_created_groups: 100000
    enable_property_filter: true
    enable_register_producer: true
    notify_consumer_ids_changed_enable: true
    max_auto_created_groups_per_address: 50000
  )pb");
  EXPECT_EQ(Print({"policy"}, {&policy}),
            "SWITCH                               VALUE\n"
            "auto_create_subscription_group       true\n"
            "max_auto_created_groups              100000\n"
            "enable_property_filter               true\n"
            "enable_register_producer             true\n"
            "reject_pull_consumer_enable          false\n"
            "notify_consumer_ids_changed_enable   true\n"
            "max_auto_created_groups_per_address  50000\n");
  EXPECT_EQ(Normal(PrintJson({"policy"}, {&policy})), Normal(R"json({
"auto_create_subscription_group":true,"max_auto_created_groups":"100000",
"enable_property_filter":true,"enable_register_producer":true,
"reject_pull_consumer_enable":false,
"notify_consumer_ids_changed_enable":true,
"max_auto_created_groups_per_address":"50000"
}
)json"));
  const auto* const descriptor = pb::GetPolicyResponse::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    EXPECT_THAT(Print({"policy"}, {&policy}),
                HasSubstr(descriptor->field(i)->name()));
  }
}

}  // namespace
}  // namespace rmq::cmctl
