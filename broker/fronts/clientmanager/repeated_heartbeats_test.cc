// Full heartbeats that repeat the last one. The gate, which is asked for each
// heartbeat that is read, shows which ones were not.

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using RepeatedHeartbeatsTest = ClientManagerFixture;

TEST_F(RepeatedHeartbeatsTest, ARepeatedFullHeartbeatIsAnsweredAsItsFirst) {
  Stream stream = OpenStream();
  const pb::Reply first = Handle(stream, Consumer("c1", "orders"));
  pb::Reply again = Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 1);
  again.set_request_id(first.request_id());
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(counters_.full_heartbeats.value(absl::StatusCode::kOk), 2);
}

TEST_F(RepeatedHeartbeatsTest, ARepeatedFullHeartbeatTellsTheSameExpiry) {
  pb::HeartbeatRequest request = Consumer("c1", "orders");
  request.mutable_requested_channel_expiry()->set_seconds(20);
  Stream stream = Join(request);
  for (int i = 0; i < 2; ++i) {
    const pb::Reply reply = Handle(stream, request);
    EXPECT_EQ(reply.heartbeat().channel_expiry().seconds(), 20);
    EXPECT_EQ(reply.heartbeat().suggested_interval().seconds(), 5);
  }
  EXPECT_EQ(authorizer_.count("Heartbeat"), 1);
}

TEST_F(RepeatedHeartbeatsTest, ARepeatedFullHeartbeatRenewsWhatItStates) {
  pb::HeartbeatRequest both = Consumer("c1", "orders");
  both.add_producers()->set_group("payments");
  Stream stream = Join(both);
  now_ += absl::Seconds(10);
  Handle(stream, Consumer("c1", "orders"));
  now_ += absl::Seconds(10);
  Handle(stream, Consumer("c1", "orders"));
  MemberCursor cursor = 0;
  EXPECT_EQ(table_.ListMembers(GroupKind::kConsumer, "orders", 1, &cursor)
                .at(0)
                .last_heard,
            now_);
  // Left out by the second, and not stated by the third either.
  cursor = 0;
  EXPECT_EQ(table_.ListMembers(GroupKind::kProducer, "payments", 1, &cursor)
                .at(0)
                .last_heard,
            now_ - absl::Seconds(20));
}

TEST_F(RepeatedHeartbeatsTest,
       ARepeatedLightHeartbeatRenewsAndIsAnsweredAsSuch) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Seconds(10);
    const pb::Reply reply = Handle(stream, Light("c1", token));
    EXPECT_TRUE(reply.has_heartbeat());
    EXPECT_EQ(reply.heartbeat().ByteSizeLong(), 0);
    EXPECT_EQ(stream.channel->last_heard(), now_);
  }
  EXPECT_EQ(counters_.light_heartbeats.value(absl::StatusCode::kOk), 3);
}

TEST_F(RepeatedHeartbeatsTest,
       ARepeatedLightHeartbeatThatIsVoidIsAnsweredAsSuch) {
  uint64_t token = 0;
  Stream stream = Join(Consumer("c1", "orders"), &token);
  Handle(stream, Light("c1", token));
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  Handle(stream, unregister);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(
        Handle(stream, Light("c1", token)).heartbeat().full_statement_needed());
  }
  EXPECT_EQ(counters_.full_statements_needed.load(), 2);
}

TEST_F(RepeatedHeartbeatsTest, AStatementAfterAnotherOneIsReadAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  Handle(stream, Consumer("c1", "refunds"));
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), 3);
}

TEST_F(RepeatedHeartbeatsTest, WhatWasUnregisteredIsRegisteredAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::ClientFrame unregister;
  unregister.mutable_unregister_client()->set_consumer_group("orders");
  Handle(stream, unregister);
  ASSERT_THAT(ConsumerIds("orders"), IsEmpty());
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(RepeatedHeartbeatsTest, ModesThatAnotherMemberChangedAreStatedAgain) {
  const auto model = [&] {
    return table_.FindConsumerGroup("orders")->modes.message_model;
  };
  pb::HeartbeatRequest clustering = Consumer("c1", "orders");
  clustering.mutable_consumers(0)->set_message_model(
      pb::MESSAGE_MODEL_CLUSTERING);
  Stream stream = Join(clustering);
  pb::HeartbeatRequest broadcasting = Consumer("c2", "orders");
  broadcasting.mutable_consumers(0)->set_message_model(
      pb::MESSAGE_MODEL_BROADCASTING);
  Join(broadcasting);
  ASSERT_EQ(model(), MessageModel::kBroadcasting);
  Handle(stream, clustering);
  EXPECT_EQ(model(), MessageModel::kClustering);
}

TEST_F(RepeatedHeartbeatsTest, WhatAnotherMemberSubscribesToIsNotReadAgain) {
  Stream stream = Join(Consumer("c1", "orders"));
  pb::HeartbeatRequest other = Consumer("c2", "orders");
  other.mutable_consumers(0)->mutable_subscriptions(0)->set_topic("other");
  Join(other);
  const int before = authorizer_.count("Heartbeat");
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), before);
  EXPECT_TRUE(table_.FindSubscription("orders", "topic").has_value());
  EXPECT_TRUE(table_.FindSubscription("orders", "other").has_value());
}

TEST_F(RepeatedHeartbeatsTest, AMemberThatStatesTheSameAsOthersChangesNothing) {
  Stream stream = Join(Consumer("c1", "orders"));
  Join(Consumer("c2", "orders"));
  Join(Consumer("c3", "refunds"));
  const int before = authorizer_.count("Heartbeat");
  Handle(stream, Consumer("c1", "orders"));
  EXPECT_EQ(authorizer_.count("Heartbeat"), before);
}

TEST_F(RepeatedHeartbeatsTest, AStatementWithASkippedGroupIsReadEachTime) {
  pb::HeartbeatRequest pulls = Consumer("c1", "orders");
  pulls.mutable_consumers(0)->set_consume_type(
      pb::CONSUME_TYPE_CONSUME_ACTIVELY);
  Stream stream = OpenStream();
  for (int i = 0; i < 2; ++i) {
    const pb::Reply reply = Handle(stream, pulls);
    EXPECT_EQ(reply.heartbeat().skipped_groups_size(), 1);
  }
  EXPECT_EQ(counters_.skipped_groups.value(SkipReason::kPullConsumerRejected),
            2);
}

TEST_F(RepeatedHeartbeatsTest, ARepeatedStatementOnAClosedChannelIsAborted) {
  Stream stream = Join(Consumer("c1", "orders"));
  Handle(stream, Consumer("c1", "orders"));
  table_.Close(*stream.channel, RemovalReason::kExpired, now_);
  EXPECT_THAT(StatusOf(Handle(stream, Consumer("c1", "orders"))),
              FailsWith(absl::StatusCode::kAborted, ResponseCode::kSystemError,
                        HasSubstr("closed")));
}

}  // namespace
}  // namespace rmq
