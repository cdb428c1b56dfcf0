#include "tools/cmctl/message_json.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"

namespace rmq::cmctl {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(MessageJsonTest, EmptyFieldsStandThereAndThePageTokenDoesNot) {
  pb::ListTopicsResponse topics;
  topics.set_next_page_token("more");
  EXPECT_THAT(JsonMembersOf(topics), ElementsAre(Pair("topics", "[]")));
  EXPECT_THAT(
      JsonMembersOf(pb::GetGroupOnlineResponse()),
      ElementsAre(Pair("producer", "false"), Pair("consumer", "false")));
}

TEST(MessageJsonTest, AnElementOfAnArrayIsALine) {
  pb::QueryTopicConsumeByWhoResponse groups;
  groups.add_groups("a");
  groups.add_groups("b");
  EXPECT_EQ(JsonObject(JsonMembersOf(groups)),
            "{\n\"groups\": [\n  \"a\",\n  \"b\"\n]\n}\n");
}

TEST(MessageJsonTest, TextIsNoStructureWhateverItSays) {
  pb::QueryTopicConsumeByWhoResponse groups;
  groups.add_groups("a,\"b\": [1], {\\");
  groups.add_groups("]}");
  EXPECT_THAT(JsonMembersOf(groups),
              ElementsAre(Pair(
                  "groups", "[\n  \"a,\\\"b\\\": [1], {\\\\\",\n  \"]}\"\n]")));
  EXPECT_EQ(JsonString("a\"\n"), "\"a\\\"\\n\"");
}

TEST(MessageJsonTest, MessagesInAMessageStayOnALine) {
  pb::FindConsumerChannelResponse found;
  found.mutable_channel();
  pb::ListSubscriptionGroupsResponse groups;
  groups.add_subscription_groups()->set_group("g");
  EXPECT_EQ(JsonMembersOf(found).front().second.front(), '{');
  EXPECT_THAT(JsonMembersOf(groups),
              ElementsAre(Pair("subscription_groups",
                               "[\n  {\"group\":\"g\","
                               "\"notify_consumer_ids_changed_enable\":false,"
                               "\"retry_queue_nums\":0}\n]")));
}

TEST(MessageJsonTest, ElementsOfAnArrayAreEachOnLinesOfTheirOwn) {
  EXPECT_EQ(JsonArray({}), "[]");
  EXPECT_EQ(JsonArray({"1", JsonObject({{"a", "2"}})}),
            "[\n1,\n{\n\"a\": 2\n}\n]");
}

}  // namespace
}  // namespace rmq::cmctl
