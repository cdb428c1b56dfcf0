#include "tools/cmctl/render.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq::cmctl {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
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

TEST(RenderTest, AgoHasItsTwoLargestUnits) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(Ago(now, now), "0s ago");
  EXPECT_EQ(Ago(now - absl::Milliseconds(59'999), now), "59s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(60), now), "1m 0s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(3599), now), "59m 59s ago");
  EXPECT_EQ(Ago(now - absl::Seconds(3600), now), "1h 0m ago");
  EXPECT_EQ(Ago(now - absl::Hours(23) - absl::Minutes(59), now), "23h 59m ago");
  EXPECT_EQ(Ago(now - absl::Hours(50), now), "2d 2h ago");
}

TEST(RenderTest, ATimeAheadOfThisMachinesClockIsJustNow) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(Ago(now + absl::Seconds(3), now), "0s ago");
}

TEST(RenderTest, ColumnsAreAlignedByCharactersAndLinesHaveNoTrailingSpaces) {
  EXPECT_EQ(AlignColumns({{"A", "B"}, {"größe", "x"}, {"y", "long"}}),
            "A      B\n"
            "größe  x\n"
            "y      long\n");
}

TEST(RenderTest, GroupsOfBothKindsStandInOneTable) {
  Groups groups;
  groups.consumers = {Parse<pb::GroupSummary>(R"pb(
    group: "orders"
    channels: 2
    consume_type: CONSUME_TYPE_CONSUME_PASSIVELY
    message_model: MESSAGE_MODEL_CLUSTERING
    subscriptions: 3
  )pb")};
  groups.producers = {
      Parse<pb::GroupSummary>(R"pb(group: "billing" channels: 10)pb")};
  EXPECT_EQ(GroupsTable(groups),
            "KIND      GROUP    CHANNELS  CONSUME TYPE       MESSAGE MODEL  "
            "FROM WHERE  SUBSCRIPTIONS\n"
            "consumer  orders   2         CONSUME_PASSIVELY  CLUSTERING     "
            "-           3\n"
            "producer  billing  10        -                  -              "
            "-           -\n");
}

TEST(RenderTest, NoGroupsIsSaidInWords) {
  Groups groups;
  groups.consumers.emplace();
  EXPECT_EQ(GroupsTable(groups), "no consumer group is registered\n");
  groups.producers.emplace();
  EXPECT_EQ(GroupsTable(groups), "no group is registered\n");
  EXPECT_EQ(GroupsJson(groups),
            "{\n\"consumer_groups\": [],\n\"producer_groups\": []\n}\n");
  groups.consumers.reset();
  EXPECT_EQ(GroupsTable(groups), "no producer group is registered\n");
}

TEST(RenderTest, GroupsAsJsonHaveEveryFieldByItsProtoName) {
  Groups groups;
  groups.producers = {
      Parse<pb::GroupSummary>(R"pb(group: "billing" channels: 10)pb")};
  EXPECT_EQ(Normal(GroupsJson(groups)), Normal(R"json({
"producer_groups": [
  {"group":"billing","channels":"10","consume_type":"CONSUME_TYPE_UNSPECIFIED","message_model":"MESSAGE_MODEL_UNSPECIFIED","consume_from_where":"CONSUME_FROM_WHERE_UNSPECIFIED","subscriptions":0}
]
}
)json"));
}

TEST(RenderTest, ConsumerConnectionsShowModesSubscriptionsAndTimes) {
  EXPECT_EQ(
      ConnectionsTable(
          "orders", TwoConnections(),
          {absl::FromUnixSeconds(1'700'000'060), absl::FixedTimeZone(3600)}),
      R"(consumer group orders: consume type CONSUME_PASSIVELY, message model CLUSTERING, from where -

TOPIC   TYPE   EXPRESSION  SUB VERSION
orders  SQL92  a > 1       7

CLIENT ID   ADDRESS         LANGUAGE  VERSION  CHANNEL    CONNECTED AT                LAST HEARD
10.0.0.1@a  10.0.0.1:40000  CPP       3        12 stream  2023-11-14 23:13:20 +01:00  2s ago
b           [::1]:5         -         0        345 unary  2023-11-14 23:13:30 +01:00  50s ago
)");
}

TEST(RenderTest, ConsumerConnectionsAsJsonAreOneObject) {
  EXPECT_EQ(Normal(ConnectionsJson("orders", TwoConnections())), Normal(R"json({
"kind": "consumer",
"group": "orders",
"consume_type": "CONSUME_TYPE_CONSUME_PASSIVELY",
"message_model": "MESSAGE_MODEL_CLUSTERING",
"consume_from_where": "CONSUME_FROM_WHERE_UNSPECIFIED",
"subscriptions": [
  {"topic":"orders","expression":"a \u003e 1","expression_type":"SQL92","sub_version":"7"}
],
"connections": [
  {"client_id":"10.0.0.1@a","remote_address":"10.0.0.1:40000","language":"LANGUAGE_CODE_CPP","version":3,"connected_at":"2023-11-14T22:13:20Z","last_heard_at":"2023-11-14T22:14:17.500Z","channel_id":"12","stream":true},
  {"client_id":"b","remote_address":"[::1]:5","language":"LANGUAGE_CODE_UNSPECIFIED","version":0,"connected_at":"2023-11-14T22:13:30Z","last_heard_at":"2023-11-14T22:13:30Z","channel_id":"345","stream":false}
]
}
)json"));
}

TEST(RenderTest, WhatIsNotPrintableCannotSteerATerminal) {
  auto connections = TwoConnections();
  connections.mutable_subscriptions(0)->set_expression(
      "\x1b[2J\n \u009b1m 'ö'");
  EXPECT_THAT(ConnectionsTable("orders", connections, {}),
              HasSubstr("\\x1b[2J\\x0a \\x9b1m 'ö'"));
  EXPECT_THAT(ConnectionsJson("orders", connections), Not(HasSubstr("\x1b")));
}

TEST(RenderTest, IdsAreOneALineAndAJsonList) {
  const auto ids = Parse<pb::GetConsumerListByGroupResponse>(R"pb(
    client_ids: "a@1"
    client_ids: "b@2"
    broker_name: "broker-a"
    broker_id: 1
  )pb");
  EXPECT_EQ(IdsTable(ids), "a@1\nb@2\n");
  EXPECT_EQ(IdsJson("orders", ids),
            "{\n\"broker_name\": \"broker-a\",\n\"broker_id\": \"1\",\n"
            "\"group\": \"orders\",\n"
            "\"client_ids\": [\n  \"a@1\",\n  \"b@2\"\n]\n}\n");
}

}  // namespace
}  // namespace rmq::cmctl
