// What each command prints of an answer.
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/answer.h"
#include "tools/cmctl/answer_view.h"
#include "tools/cmctl/command.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/message_table.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

const TableTime kNoon = {absl::FromUnixSeconds(1'700'000'060),
                         absl::FixedTimeZone(3600)};

// What a command prints if the broker answers with `answers`, in turn, and with
// empty ones after these.
std::string Print(
    const std::vector<std::string>& arguments,
    const std::vector<const google::protobuf::Message*>& answers) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  EXPECT_THAT(line, IsOk());
  size_t asked = 0;
  const Ask ask = [&](const google::protobuf::Message&)
      -> absl::StatusOr<std::unique_ptr<google::protobuf::Message>> {
    if (asked == answers.size()) return absl::NotFoundError("not there");
    std::unique_ptr<google::protobuf::Message> answer(answers[asked]->New());
    answer->CopyFrom(*answers[asked++]);
    return answer;
  };
  const absl::StatusOr<Answer> answer = line->command->run(*line, ask, kNoon);
  EXPECT_THAT(answer, IsOk());
  return answer.ok() ? ShowAnswer(*answer, line->output) : "";
}
std::string PrintJson(
    std::vector<std::string> arguments,
    const std::vector<const google::protobuf::Message*>& answers) {
  arguments.push_back("--output=json");
  return Print(arguments, answers);
}

// JSON in a form that does not depend on the order of an object's members.
std::string Normal(const std::string& json) {
  google::protobuf::Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &object).ok())
      << json;
  return object.DebugString();
}

pb::GetConsumerConnectionListResponse TwoConnections() {
  return Parse<pb::GetConsumerConnectionListResponse>(R"pb(
    consume_type: CONSUME_TYPE_CONSUME_PASSIVELY
    message_model: MESSAGE_MODEL_CLUSTERING
    subscriptions {
      topic: "orders"
      expression: "a > 1"
      expression_type: "SQL92"
      sub_version: 7
    }
    connections {
      client_id: "10.0.0.1@a"
      remote_address: "10.0.0.1:40000"
      language: LANGUAGE_CODE_CPP
      version: 3
      connected_at { seconds: 1700000000 }
      last_heard_at { seconds: 1700000057 nanos: 500000000 }
      channel_id: 12
      stream: true
      labels { key: "zone" value: "a" }
      labels { key: "host" value: "h 1" }
    }
    connections {
      client_id: "b"
      remote_address: "[::1]:5"
      connected_at { seconds: 1700000010 }
      last_heard_at { seconds: 1700000010 }
      channel_id: 345
    }
  )pb");
}

TEST(CommandsTest, GroupsOfBothKindsStandInOneTable) {
  const auto consumers = Parse<pb::ListGroupsResponse>(R"pb(
    groups {
      group: "orders"
      channels: 2
      consume_type: CONSUME_TYPE_CONSUME_PASSIVELY
      message_model: MESSAGE_MODEL_CLUSTERING
      subscriptions: 3
    }
  )pb");
  const auto producers = Parse<pb::ListGroupsResponse>(
      R"pb(groups { group: "billing" channels: 10 })pb");
  EXPECT_EQ(Print({"groups"}, {&consumers, &producers}),
            "KIND      GROUP    CHANNELS  CONSUME TYPE       MESSAGE MODEL  "
            "FROM WHERE  SUBSCRIPTIONS\n"
            "consumer  orders   2         CONSUME_PASSIVELY  CLUSTERING     "
            "-           3\n"
            "producer  billing  10        -                  -              "
            "-           -\n");
}

pb::GetGroupMembershipResponse Membership() {
  return Parse<pb::GetGroupMembershipResponse>(R"pb(
    epoch: 9
    members {
      client_id: "10.0.0.1@a"
      channel_id: 12
      remote_address: "10.0.0.1:40000"
      stream: true
      joined_epoch: 3
      acknowledged_epoch: 7
      behind_since { seconds: 1700000058 }
      last_heard_at { seconds: 1700000057 nanos: 500000000 }
    }
    members {
      client_id: "b"
      channel_id: 345
      remote_address: "[::1]:5"
      joined_epoch: 9
      last_heard_at { seconds: 1700000010 }
    }
  )pb");
}

TEST(CommandsTest, MembershipSaysWhoIsBehindAndSinceWhen) {
  const pb::GetGroupMembershipResponse membership = Membership();
  EXPECT_EQ(Print({"membership", "orders"}, {&membership}),
            "consumer group orders: epoch 9, 2 channels, 1 behind\n\n"
            "CLIENT ID   CHANNEL    ADDRESS         JOINED  ACKNOWLEDGED  "
            "BEHIND SINCE  LAST HEARD\n"
            "10.0.0.1@a  12 stream  10.0.0.1:40000  3       7             "
            "2s ago        2s ago\n"
            "b           345 unary  [::1]:5         9       never         "
            "-             50s ago\n");
}

TEST(CommandsTest, MembershipAsJsonIsTheResponseBehindTheGroup) {
  const pb::GetGroupMembershipResponse membership = Membership();
  EXPECT_THAT(
      PrintJson({"membership", "orders"}, {&membership}),
      AllOf(HasSubstr("\"group\": \"orders\""), HasSubstr("\"epoch\": \"9\""),
            HasSubstr("\"behind_since\":\"2023-11-14T22:14:18Z\"")));
}

TEST(CommandsTest, NoGroupsIsSaidInWords) {
  const pb::ListGroupsResponse none;
  EXPECT_EQ(Print({"groups", "--kind=consumer"}, {&none}),
            "no consumer group is registered\n");
  EXPECT_EQ(Print({"groups"}, {&none, &none}), "no group is registered\n");
  EXPECT_EQ(PrintJson({"groups"}, {&none, &none}),
            "{\n\"consumer_groups\": [],\n\"producer_groups\": []\n}\n");
  EXPECT_EQ(Print({"groups", "--kind=producer"}, {&none}),
            "no producer group is registered\n");
}

TEST(CommandsTest, GroupsAsJsonHaveEveryFieldByItsProtoName) {
  const auto producers = Parse<pb::ListGroupsResponse>(
      R"pb(groups { group: "billing" channels: 10 })pb");
  EXPECT_EQ(Normal(PrintJson({"groups", "--kind=producer"}, {&producers})),
            Normal(R"json({
"producer_groups": [
  {"group":"billing","channels":"10","consume_type":"CONSUME_TYPE_UNSPECIFIED","message_model":"MESSAGE_MODEL_UNSPECIFIED","consume_from_where":"CONSUME_FROM_WHERE_UNSPECIFIED","subscriptions":0}
]
}
)json"));
}

TEST(CommandsTest, ConsumerConnectionsShowModesSubscriptionsAndTimes) {
  const auto connections = TwoConnections();
  EXPECT_EQ(
      Print({"connections", "orders"}, {&connections}),
      R"(consumer group orders: consume type CONSUME_PASSIVELY, message model CLUSTERING, from where -

TOPIC   TYPE   EXPRESSION  SUB VERSION
orders  SQL92  a > 1       7

CLIENT ID   ADDRESS         LANGUAGE  VERSION  CHANNEL    CONNECTED AT                LAST HEARD  LABELS
10.0.0.1@a  10.0.0.1:40000  CPP       3        12 stream  2023-11-14 23:13:20 +01:00  2s ago      host=h 1,zone=a
b           [::1]:5         -         0        345 unary  2023-11-14 23:13:30 +01:00  50s ago     -
)");
}

TEST(CommandsTest, ConsumerConnectionsAsJsonAreOneObject) {
  const auto connections = TwoConnections();
  EXPECT_EQ(Normal(PrintJson({"connections", "orders"}, {&connections})),
            Normal(R"json({
"kind": "consumer",
"group": "orders",
"consume_type": "CONSUME_TYPE_CONSUME_PASSIVELY",
"message_model": "MESSAGE_MODEL_CLUSTERING",
"consume_from_where": "CONSUME_FROM_WHERE_UNSPECIFIED",
"subscriptions": [
  {"topic":"orders","expression":"a \u003e 1","expression_type":"SQL92","sub_version":"7"}
],
"connections": [
  {"client_id":"10.0.0.1@a","remote_address":"10.0.0.1:40000","language":"LANGUAGE_CODE_CPP","version":3,"connected_at":"2023-11-14T22:13:20Z","last_heard_at":"2023-11-14T22:14:17.500Z","channel_id":"12","stream":true,"labels":{"host":"h 1","zone":"a"},"principal":""},
  {"client_id":"b","remote_address":"[::1]:5","language":"LANGUAGE_CODE_UNSPECIFIED","version":0,"connected_at":"2023-11-14T22:13:30Z","last_heard_at":"2023-11-14T22:13:30Z","channel_id":"345","stream":false,"labels":{},"principal":""}
]
}
)json"));
}

TEST(CommandsTest, WhatIsNotPrintableCannotSteerATerminal) {
  auto connections = TwoConnections();
  connections.mutable_subscriptions(0)->set_expression(
      "\x1b[2J\n \u009b1m 'ö'");
  EXPECT_THAT(Print({"connections", "orders"}, {&connections}),
              HasSubstr("\\x1b[2J\\x0a \\x9b1m 'ö'"));
  EXPECT_THAT(PrintJson({"connections", "orders"}, {&connections}),
              Not(HasSubstr("\x1b")));
}

TEST(CommandsTest, IdsAreOneALineAndAJsonList) {
  const auto ids = Parse<pb::GetConsumerListByGroupResponse>(R"pb(
    client_ids: "a@1"
    client_ids: "b@2"
    broker_name: "broker-a"
    broker_id: 1
    epoch: 7
  )pb");
  EXPECT_EQ(Print({"ids", "orders"}, {&ids}), "a@1\nb@2\n");
  EXPECT_EQ(PrintJson({"ids", "orders"}, {&ids}),
            "{\n\"group\": \"orders\",\n"
            "\"client_ids\": [\n  \"a@1\",\n  \"b@2\"\n],\n"
            "\"broker_name\": \"broker-a\",\n\"broker_id\": \"1\",\n"
            "\"epoch\": \"7\"\n}\n");
}

pb::Channel OneChannel() {
  return Parse<pb::Channel>(R"pb(
    channel_id: 12
    remote_address: "10.0.0.1:40000"
    stream: true
    writable: true
    opened_at { seconds: 1700000000 }
    last_heard_at { seconds: 1700000057 }
  )pb");
}

TEST(CommandsTest, ProducersShowTheirGroupBeforeTheirConnection) {
  const auto producers = Parse<pb::GetAllProducerInfoResponse>(R"pb(
    producers {
      group: "billing"
      connection {
        client_id: "a"
        remote_address: "10.0.0.1:40000"
        language: LANGUAGE_CODE_CPP
        version: 3
        connected_at { seconds: 1700000000 }
        last_heard_at { seconds: 1700000057 }
        channel_id: 12
        stream: true
      }
    }
  )pb");
  EXPECT_EQ(Print({"producers"}, {&producers}),
            "GROUP    CLIENT ID  ADDRESS         LANGUAGE  VERSION  CHANNEL    "
            "CONNECTED AT                LAST HEARD  LABELS\n"
            "billing  a          10.0.0.1:40000  CPP       3        12 stream  "
            "2023-11-14 23:13:20 +01:00  3s ago      -\n");
  EXPECT_EQ(Normal(PrintJson({"producers"}, {&producers})), Normal(R"json({
"producers": [
  {"group":"billing","connection":{"client_id":"a","remote_address":"10.0.0.1:40000","language":"LANGUAGE_CODE_CPP","version":3,"connected_at":"2023-11-14T22:13:20Z","last_heard_at":"2023-11-14T22:14:17Z","channel_id":"12","stream":true,"labels":{},"principal":""}}
]
}
)json"));
  const pb::GetAllProducerInfoResponse none;
  EXPECT_EQ(Print({"producers"}, {&none}), "no producer is registered\n");
  EXPECT_EQ(PrintJson({"producers"}, {&none}), "{\n\"producers\": []\n}\n");
}

TEST(CommandsTest, GroupsOfATopicAreOneALineAndAJsonList) {
  const auto groups = Parse<pb::QueryTopicConsumeByWhoResponse>(
      R"pb(groups: "a" groups: "b")pb");
  EXPECT_EQ(Print({"topic-groups", "t"}, {&groups}), "a\nb\n");
  EXPECT_EQ(PrintJson({"topic-groups", "t"}, {&groups}),
            "{\n\"topic\": \"t\",\n\"groups\": [\n  \"a\",\n  \"b\"\n]\n}\n");
  const pb::QueryTopicConsumeByWhoResponse none;
  EXPECT_EQ(Print({"topic-groups", "t"}, {&none}),
            "no consumer group subscribes to topic t\n");
}

TEST(CommandsTest, OnlineSaysItOfTheKindsThatWereAskedFor) {
  pb::GetGroupOnlineResponse online;
  online.set_consumer(true);
  EXPECT_EQ(Print({"online", "g"}, {&online}),
            "KIND      ONLINE\n"
            "consumer  yes\n"
            "producer  no\n");
  EXPECT_EQ(
      PrintJson({"online", "g"}, {&online}),
      "{\n\"group\": \"g\",\n\"consumer\": true,\n\"producer\": false\n}\n");
  EXPECT_EQ(PrintJson({"online", "g", "--kind=consumer"}, {&online}),
            "{\n\"group\": \"g\",\n\"consumer\": true\n}\n");
  online.set_producer(true);
  EXPECT_EQ(Print({"online", "g", "--kind=producer"}, {&online}),
            "KIND      ONLINE\n"
            "producer  yes\n");
}

TEST(CommandsTest, ASubscriptionIsARowOrAnObjectWithItsGroup) {
  pb::FindSubscriptionResponse found;
  *found.mutable_subscription() = TwoConnections().subscriptions(0);
  EXPECT_EQ(Print({"subscription", "g", "t"}, {&found}),
            "TOPIC   TYPE   EXPRESSION  SUB VERSION\n"
            "orders  SQL92  a > 1       7\n");
  EXPECT_EQ(Normal(PrintJson({"subscription", "g", "t"}, {&found})),
            Normal(R"json({
"group": "g",
"topic": "t",
"subscription": {"topic":"orders","expression":"a \u003e 1","expression_type":"SQL92","sub_version":"7"}
}
)json"));
}

TEST(CommandsTest, AChannelIsARowOrAnObjectWithHowItWasAskedFor) {
  pb::FindConsumerChannelResponse found;
  *found.mutable_channel() = OneChannel();
  EXPECT_EQ(Print({"consumer-channel", "g", "c"}, {&found}),
            "CHANNEL    ADDRESS         WRITABLE  OPENED AT                   "
            "LAST HEARD\n"
            "12 stream  10.0.0.1:40000  yes       2023-11-14 23:13:20 +01:00  "
            "3s ago\n");
  EXPECT_EQ(Normal(PrintJson({"consumer-channel", "g", "c"}, {&found})),
            Normal(R"json({
"group": "g",
"client_id": "c",
"channel": {"channel_id":"12","remote_address":"10.0.0.1:40000","stream":true,"writable":true,"opened_at":"2023-11-14T22:13:20Z","last_heard_at":"2023-11-14T22:14:17Z"}
}
)json"));
}

TEST(CommandsTest, AClientIsItsChannelsEachWithItsGroups) {
  auto client = Parse<pb::GetClientResponse>(R"pb(
    channels {
      channel { channel_id: 12 remote_address: "10.0.0.1:40000" stream: true }
      consumer_groups {
        group: "orders"
        message_model: MESSAGE_MODEL_CLUSTERING
        language: LANGUAGE_CODE_CPP
        version: 3
        subscriptions { topic: "t" expression: "x || y" }
        subscriptions { topic: "u" expression: "*" }
      }
    }
    channels {
      channel { channel_id: 12 }
      producer_groups { group: "pay" }
    }
    channels { channel { channel_id: 13 } }
  )pb");
  const pb::Channel times = OneChannel();
  for (pb::ClientChannel& channel : *client.mutable_channels()) {
    *channel.mutable_channel()->mutable_opened_at() = times.opened_at();
    *channel.mutable_channel()->mutable_last_heard_at() = times.last_heard_at();
    for (pb::StatedGroup& group : *channel.mutable_consumer_groups()) {
      *group.mutable_last_stated_at() = times.last_heard_at();
    }
    for (pb::StatedGroup& group : *channel.mutable_producer_groups()) {
      *group.mutable_last_stated_at() = times.last_heard_at();
    }
  }
  EXPECT_EQ(
      Print({"client", "c"}, {&client}),
      "CHANNEL    ADDRESS         WRITABLE  OPENED AT                   LAST "
      "HEARD\n"
      "12 stream  10.0.0.1:40000  no        2023-11-14 23:13:20 +01:00  3s "
      "ago\n"
      "KIND      GROUP   CONSUME TYPE  MESSAGE MODEL  LANGUAGE  VERSION  LAST "
      "STATED  TOPICS\n"
      "consumer  orders  -             CLUSTERING     CPP       3        3s ago"
      "       t:x || y, u:*\n"
      "producer  pay     -             -              -         0        3s ago"
      "       -\n"
      "\n"
      "CHANNEL   ADDRESS  WRITABLE  OPENED AT                   LAST HEARD\n"
      "13 unary  -        no        2023-11-14 23:13:20 +01:00  3s ago\n");
  EXPECT_THAT(
      PrintJson({"client", "c"}, {&client}),
      AllOf(HasSubstr("\"client_id\": \"c\""), HasSubstr("\"channels\": [\n")));
}

TEST(CommandsTest, SubscriptionGroupsShowTheirSwitchAndQueues) {
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

TEST(CommandsTest, SubscriptionGroupsShowWhatIsInForce) {
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

TEST(CommandsTest, WhyNamesAllThatStandsInTheWay) {
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

TEST(CommandsTest, WhyOfAGroupThatIsToldShowsWhoWasPassedOver) {
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

TEST(CommandsTest, TopicsShowTheirQueuesAndFlags) {
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

TEST(CommandsTest, ThePolicyHasEverySwitch) {
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

TEST(CommandsTest, PeersAreATableAndNeedNoGroup) {
  const auto peers = Parse<pb::ListPeersResponse>(R"pb(
    peers {
      remote_address: "10.0.0.1:40000"
      connected_at { seconds: 1700000000 }
      bytes: 5000
      messages: 7
      message_bytes: 900
      calls: 9
      open_calls: 1
      wasted_calls: 2
    })pb");
  EXPECT_EQ(Print({"connections", "--peers"}, {&peers}),
            "ADDRESS         CONNECTED  BYTES  MESSAGES  MESSAGE BYTES  CALLS"
            "  OPEN CALLS  WASTED CALLS\n"
            "10.0.0.1:40000  1m 0s ago  5000   7         900            9    "
            "  1           2\n");
  EXPECT_THAT(Print({"connections", "--peers", "-o", "json"}, {&peers}),
              HasSubstr("\"wasted_calls\":\"2\""));
  EXPECT_THAT(ParseCommandLine({"connections", "--peers", "orders"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("takes no further argument")));
  EXPECT_THAT(
      ParseCommandLine({"connections"}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("needs GROUP")));
}

}  // namespace
}  // namespace rmq::cmctl
