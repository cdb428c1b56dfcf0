// What the commands about groups print of an answer.
#include "tools/cmctl/group_commands.h"

#include <string>

#include "absl/status/status.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"
#include "tools/cmctl/command_line.h"
#include "tools/cmctl/printed_answer.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(GroupCommandsTest, GroupsOfBothKindsStandInOneTable) {
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

TEST(GroupCommandsTest, MembershipSaysWhoIsBehindAndSinceWhen) {
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

TEST(GroupCommandsTest, MembershipAsJsonIsTheResponseBehindTheGroup) {
  const pb::GetGroupMembershipResponse membership = Membership();
  EXPECT_THAT(
      PrintJson({"membership", "orders"}, {&membership}),
      AllOf(HasSubstr("\"group\": \"orders\""), HasSubstr("\"epoch\": \"9\""),
            HasSubstr("\"behind_since\":\"2023-11-14T22:14:18Z\"")));
}

TEST(GroupCommandsTest, NoGroupsIsSaidInWords) {
  const pb::ListGroupsResponse none;
  EXPECT_EQ(Print({"groups", "--kind=consumer"}, {&none}),
            "no consumer group is registered\n");
  EXPECT_EQ(Print({"groups"}, {&none, &none}), "no group is registered\n");
  EXPECT_EQ(PrintJson({"groups"}, {&none, &none}),
            "{\n\"consumer_groups\": [],\n\"producer_groups\": []\n}\n");
  EXPECT_EQ(Print({"groups", "--kind=producer"}, {&none}),
            "no producer group is registered\n");
}

TEST(GroupCommandsTest, GroupsAsJsonHaveEveryFieldByItsProtoName) {
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

TEST(GroupCommandsTest, ConsumerConnectionsShowModesSubscriptionsAndTimes) {
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

TEST(GroupCommandsTest, ConsumerConnectionsAsJsonAreOneObject) {
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

TEST(GroupCommandsTest, WhatIsNotPrintableCannotSteerATerminal) {
  auto connections = TwoConnections();
  connections.mutable_subscriptions(0)->set_expression(
      "\x1b[2J\n \u009b1m 'ö'");
  EXPECT_THAT(Print({"connections", "orders"}, {&connections}),
              HasSubstr("\\x1b[2J\\x0a \\x9b1m 'ö'"));
  EXPECT_THAT(PrintJson({"connections", "orders"}, {&connections}),
              Not(HasSubstr("\x1b")));
}

TEST(GroupCommandsTest, IdsAreOneALineAndAJsonList) {
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

TEST(GroupCommandsTest, ProducersShowTheirGroupBeforeTheirConnection) {
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

TEST(GroupCommandsTest, GroupsOfATopicAreOneALineAndAJsonList) {
  const auto groups = Parse<pb::QueryTopicConsumeByWhoResponse>(
      R"pb(groups: "a" groups: "b")pb");
  EXPECT_EQ(Print({"topic-groups", "t"}, {&groups}), "a\nb\n");
  EXPECT_EQ(PrintJson({"topic-groups", "t"}, {&groups}),
            "{\n\"topic\": \"t\",\n\"groups\": [\n  \"a\",\n  \"b\"\n]\n}\n");
  const pb::QueryTopicConsumeByWhoResponse none;
  EXPECT_EQ(Print({"topic-groups", "t"}, {&none}),
            "no consumer group subscribes to topic t\n");
}

TEST(GroupCommandsTest, OnlineSaysItOfTheKindsThatWereAskedFor) {
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

TEST(GroupCommandsTest, ASubscriptionIsARowOrAnObjectWithItsGroup) {
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

TEST(GroupCommandsTest, PeersAreATableAndNeedNoGroup) {
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
      principal: "pay"
    }
    peers {
      remote_address: "10.0.0.1:40001"
      connected_at { seconds: 1700000000 }
      principal: "pay"
      several_principals: true
    })pb");
  EXPECT_EQ(Print({"connections", "--peers"}, {&peers}),
            "ADDRESS         CONNECTED  BYTES  MESSAGES  MESSAGE BYTES  CALLS"
            "  OPEN CALLS  WASTED CALLS  PRINCIPAL\n"
            "10.0.0.1:40000  1m 0s ago  5000   7         900            9    "
            "  1           2             pay\n"
            "10.0.0.1:40001  1m 0s ago  0      0         0              0    "
            "  0           0             pay and others\n");
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
