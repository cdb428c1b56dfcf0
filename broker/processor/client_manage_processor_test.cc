#include "broker/processor/client_manage_processor.h"

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/processor/processor_fixture.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/statement.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using ClientManageProcessorTest = ProcessorFixture;

// --- HEART_BEAT ---

TEST_F(ClientManageProcessorTest, AHeartbeatRegistersItsGroupsAndGivesAToken) {
  const auto channel = OpenStream();
  const HeartbeatResult result = Heartbeat(
      *channel,
      TestStatement("c1").Producer("pay").Consumer("orders", {{"t"}}));
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.status.response_code, ResponseCode::kSuccess);
  EXPECT_NE(result.statement_token, 0);
  EXPECT_THAT(explained_, IsEmpty());
  EXPECT_TRUE(table_.FindConsumerGroup("orders").has_value());
  EXPECT_TRUE(table_.FindProducerGroup("pay").has_value());
  EXPECT_EQ(channel->RenewLight(result.statement_token, now_),
            Renewal::kRenewed);
}

TEST_F(ClientManageProcessorTest, AHeartbeatPushesBeforeItReturns) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
}

TEST_F(ClientManageProcessorTest, AnUnchangedHeartbeatPushesNothing) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders", {{"t"}}));
  channel->TakePushes();
  Heartbeat(*channel, TestStatement("c1").Consumer("orders", {{"t"}}));
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
}

TEST_F(ClientManageProcessorTest, AReplacementThatChangesNothingPushesNothing) {
  const auto peer = Connect(TestStatement("c2").Consumer("orders"));
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  peer->TakePushes();
  before->TakePushes();
  const auto after =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_THAT(peer->TakePushes(), IsEmpty());
  EXPECT_THAT(after->TakePushes(), IsEmpty());
  EXPECT_THAT(before->TakePushes(), IsEmpty());
}

TEST_F(ClientManageProcessorTest,
       AReplacementThatChangesTheGroupIsOnePushForEachMember) {
  const auto peer = Connect(TestStatement("c2").Consumer("orders"));
  const auto before =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  peer->TakePushes();
  before->TakePushes();
  const auto after = Connect(
      TestStatement("c1").Incarnation(7).Consumer("orders", {{"more"}}));
  EXPECT_THAT(peer->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(after->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(before->TakePushes(), IsEmpty());
}

TEST_F(ClientManageProcessorTest, MembersThatDisagreeTakeNoMemoryAHeartbeat) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  int64_t version = 0;
  const auto disagree = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      Heartbeat(*a, TestStatement("c1").Consumer("orders", {{"x", ++version}}));
      Heartbeat(*b, TestStatement("c2").Consumer("orders", {{"y", ++version}}));
      listener_.Take();
      a->TakePushes();
      b->TakePushes();
    }
    return static_cast<int64_t>(mallinfo2().uordblks);
  };
  const int64_t before = disagree(1'000);
  EXPECT_LT(disagree(5'000) - before, 10'000);
}

TEST_F(ClientManageProcessorTest, AnIllegalGroupIsPassedOverAndTheRestCounts) {
  const auto channel = OpenStream();
  const HeartbeatResult result =
      Heartbeat(*channel, TestStatement("c1")
                              .Consumer("bad name")
                              .Consumer("orders")
                              .Producer("any name!"));
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_THAT(explained_,
              ElementsAre("consumer group \"bad name\" is not 1 to 120 "
                          "letters, digits, '%', '|', '_' and '-'"));
  EXPECT_TRUE(table_.FindConsumerGroup("orders").has_value());
  EXPECT_TRUE(table_.FindProducerGroup("any name!").has_value());
  EXPECT_FALSE(table_.FindConsumerGroup("bad name").has_value());
}

TEST_F(ClientManageProcessorTest, WhoIsPassedOverIsNotedAndNewsOnce) {
  const auto channel = OpenStream();
  const TestStatement stated = TestStatement("c1").Consumer("no.dots");
  for (const bool is_news : {true, false}) {
    const BuiltStatement statement(stated);
    const HeartbeatResult result =
        processor_.Heartbeat(*channel, *statement, now_);
    ASSERT_EQ(result.skipped.size(), 1u);
    EXPECT_EQ(result.skipped[0].is_news, is_news);
    now_ += absl::Seconds(30);
  }
  const std::vector<SkippedClient> skipped =
      policy_.skipped().Of("no.dots", 10);
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_EQ(skipped[0].client_id, "c1");
  EXPECT_EQ(skipped[0].reason, SkipReason::kIllegalGroup);
  EXPECT_EQ(skipped[0].times, 2);
  EXPECT_EQ(skipped[0].last, now_ - absl::Seconds(30));
}

TEST_F(ClientManageProcessorTest, AHeartbeatMakesConfigAndRetryTopic) {
  Connect(TestStatement("c1").Consumer("orders").UnitMode());
  ASSERT_THAT(policy_.ListSubscriptionGroups("", 10), SizeIs(1));
  const std::vector<TopicConfig> topics = policy_.ListTopics("", 10);
  ASSERT_THAT(topics, SizeIs(1));
  EXPECT_EQ(topics[0].topic, "%RETRY%orders");
  EXPECT_EQ(topics[0].topic_sys_flag, 2);
}

TEST_F(ClientManageProcessorTest, AHeartbeatOfAClosedChannelIsAborted) {
  const auto channel = OpenStream();
  table_.Close(*channel, RemovalReason::kKicked, now_);
  const HeartbeatResult result =
      Heartbeat(*channel, TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(result.status.code, absl::StatusCode::kAborted);
  EXPECT_EQ(result.status.response_code, ResponseCode::kSystemError);
  EXPECT_EQ(result.status.message,
            "the channel expired or closed while the heartbeat was under way; "
            "send it again");
  EXPECT_EQ(result.statement_token, 0);
  EXPECT_FALSE(table_.FindConsumerGroup("orders").has_value());
}

TEST_F(ClientManageProcessorTest, AHeartbeatThatANewerStreamOvertookIsAborted) {
  const auto older = OpenStream();
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const HeartbeatResult result =
      Heartbeat(*older, TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_EQ(result.status.code, absl::StatusCode::kAborted);
  EXPECT_EQ(result.status.message,
            "a newer stream of this client and incarnation is registered");
}

TEST_F(ClientManageProcessorTest, AnEmptyStatementIsAccepted) {
  const auto channel = OpenStream();
  const HeartbeatResult result = Heartbeat(*channel, TestStatement("c1"));
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(channel->RenewLight(result.statement_token, now_),
            Renewal::kRenewed);
  EXPECT_THAT(listener_.Take(), IsEmpty());
}

// --- UNREGISTER_CLIENT ---

TEST_F(ClientManageProcessorTest, AnUnregisterPushesToTheSurvivors) {
  const auto a =
      Connect(TestStatement("c1").Consumer("orders").Producer("pay"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  a->TakePushes();
  b->TakePushes();
  Unregister(*a, "pay", "orders");
  EXPECT_THAT(a->TakePushes(), IsEmpty());
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
  EXPECT_FALSE(table_.FindProducerGroup("pay").has_value());
}

TEST_F(ClientManageProcessorTest, AnUnregisterOfManyGroupsPushesEachOnce) {
  const auto a = Connect(
      TestStatement("c1").Consumer("g1").Consumer("g2").Consumer("g3").Producer(
          "p"));
  const auto b =
      Connect(TestStatement("c2").Consumer("g1").Consumer("g2").Consumer("g3"));
  a->TakePushes();
  b->TakePushes();
  processor_.UnregisterClient(*a, "c1", {"p"}, {"g1", "g3", "", "g1"}, now_);
  EXPECT_THAT(a->TakePushes(), IsEmpty());
  EXPECT_THAT(b->TakePushes(), UnorderedElementsAre("g1", "g3"));
  EXPECT_FALSE(table_.FindProducerGroup("p").has_value());
}

TEST_F(ClientManageProcessorTest, AnUnregisterMakesTheConfigThatItNames) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  Unregister(*channel, "pay", "");
  EXPECT_THAT(policy_.ListSubscriptionGroups("", 10), IsEmpty());
  Unregister(*channel, "", "orders");
  EXPECT_THAT(policy_.ListSubscriptionGroups("", 10), SizeIs(1));
}

TEST_F(ClientManageProcessorTest, AnUnregisterOfAUserMakesNoneUnlessOnTrial) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  const auto unregister_by = [&](const ClientPrincipal& principal) {
    processor_.UnregisterClient(*channel, "c1", {}, {"orders"}, now_,
                                principal);
  };
  unregister_by({"alice", /*is_trial=*/false});
  EXPECT_THAT(policy_.ListSubscriptionGroups("", 10), IsEmpty());
  unregister_by({"alice", /*is_trial=*/true});
  EXPECT_THAT(policy_.ListSubscriptionGroups("", 10), SizeIs(1));
}

TEST_F(ClientManageProcessorTest, AnUnregisterOfWhatIsNotThereTellsNothing) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  listener_.Take();
  channel->TakePushes();
  Unregister(*channel, "unknown", "unknown");
  EXPECT_THAT(listener_.Take(), IsEmpty());
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
}

// --- CHECK_CLIENT_CONFIG ---

TEST_F(ClientManageProcessorTest, ATagExpressionIsNotLookedAt) {
  EXPECT_TRUE(processor_.CheckClientConfig("TAG", "((( not sql").ok());
  EXPECT_TRUE(processor_.CheckClientConfig("TAG", "").ok());
}

TEST_F(ClientManageProcessorTest,
       ASql92ExpressionIsCompiledUnlessThatIsSwitchedOff) {
  EXPECT_TRUE(processor_.CheckClientConfig("SQL92", "a > 1").ok());
  const CallStatus status = processor_.CheckClientConfig("SQL92", "a >");
  EXPECT_EQ(status.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.response_code, ResponseCode::kSubscriptionParseFailed);
  EXPECT_THAT(status.message,
              HasSubstr("expression \"a >\": at position 3: expected"));
}

TEST_F(ClientManageProcessorTest, NoTypeIsTag) {
  EXPECT_TRUE(processor_.CheckClientConfig("", "((( not sql").ok());
}

TEST_F(ClientManageProcessorTest, AnUnknownTypeIsAFailedParse) {
  const CallStatus status = processor_.CheckClientConfig("XPATH", "a");
  EXPECT_EQ(status.code, absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.response_code, ResponseCode::kSubscriptionParseFailed);
  EXPECT_EQ(status.message,
            "expression_type must be TAG or SQL92, got \"XPATH\"");
}

TEST_F(ClientManageProcessorTest, ATypeInAnotherCaseIsUnknown) {
  EXPECT_EQ(processor_.CheckClientConfig("tag", "a").response_code,
            ResponseCode::kSubscriptionParseFailed);
}

// --- GET_CONSUMER_LIST_BY_GROUP ---

TEST_F(ClientManageProcessorTest, AGroupWithoutConsumersIsNotFound) {
  const ConsumerList list = processor_.GetConsumerListByGroup("X", 10, 0);
  EXPECT_EQ(list.status.code, absl::StatusCode::kNotFound);
  EXPECT_EQ(list.status.response_code, ResponseCode::kSystemError);
  EXPECT_EQ(list.status.message, "no consumer for this group, X");
  EXPECT_THAT(list.client_ids, IsEmpty());
  EXPECT_EQ(list.next, 0);
}

TEST_F(ClientManageProcessorTest, AProducerGroupHasNoConsumers) {
  Connect(TestStatement("c1").Producer("pay"));
  EXPECT_EQ(processor_.GetConsumerListByGroup("pay", 10, 0).status.code,
            absl::StatusCode::kNotFound);
}

TEST_F(ClientManageProcessorTest, AClientWithTwoChannelsIsListedTwice) {
  Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  Connect(TestStatement("c1").Consumer("orders"));
  const ConsumerList list = processor_.GetConsumerListByGroup("orders", 10, 0);
  EXPECT_TRUE(list.status.ok());
  EXPECT_THAT(list.client_ids, ElementsAre("c1", "c2", "c1"));
  EXPECT_EQ(list.next, 0);
}

TEST_F(ClientManageProcessorTest, TheConsumerListIsPaged) {
  for (int i = 0; i < 5; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders"));
  }
  ConsumerList list = processor_.GetConsumerListByGroup("orders", 2, 0);
  EXPECT_THAT(list.client_ids, ElementsAre("c0", "c1"));
  list = processor_.GetConsumerListByGroup("orders", 2, list.next);
  EXPECT_THAT(list.client_ids, ElementsAre("c2", "c3"));
  list = processor_.GetConsumerListByGroup("orders", 2, list.next);
  EXPECT_THAT(list.client_ids, ElementsAre("c4"));
  EXPECT_EQ(list.next, 0);
}

TEST_F(ClientManageProcessorTest, APageAfterTheLastMemberIsEmptyAndNoError) {
  Connect(TestStatement("c1").Consumer("orders"));
  const ConsumerList list = processor_.GetConsumerListByGroup(
      "orders", 2, std::numeric_limits<MemberCursor>::max());
  EXPECT_TRUE(list.status.ok());
  EXPECT_THAT(list.client_ids, IsEmpty());
  EXPECT_EQ(list.next, 0);
}

}  // namespace
}  // namespace rmq
