// What the commands about channels print of an answer.
#include "tools/cmctl/channel_commands.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tools/cmctl/printed_answer.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ChannelCommandsTest, AChannelIsARowOrAnObjectWithHowItWasAskedFor) {
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

TEST(ChannelCommandsTest, AClientIsItsChannelsEachWithItsGroups) {
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
        subscriptions { topic: "v" expression_type: "INFERRED" }
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
      "       t:x || y, u:*, v\n"
      "producer  pay     -             -              -         0        3s ago"
      "       -\n"
      "\n"
      "CHANNEL   ADDRESS  WRITABLE  OPENED AT                   LAST HEARD\n"
      "13 unary  -        no        2023-11-14 23:13:20 +01:00  3s ago\n");
  EXPECT_THAT(
      PrintJson({"client", "c"}, {&client}),
      AllOf(HasSubstr("\"client_id\": \"c\""), HasSubstr("\"channels\": [\n")));
}

}  // namespace
}  // namespace rmq::cmctl
