// The modes of a consumer group, and which of its changes are events, through
// the ClientTable.
#include <cstdint>

#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;

using ConsumerModesTest = ClientTableFixture;

TEST_F(ConsumerModesTest, TheModesAreThoseOfTheLatestHeartbeatOfAnyMember) {
  Connect(TestStatement("c1").Consumer("orders").Type(
      ConsumeType::kConsumeActively));
  Connect(
      TestStatement("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerModesTest, TheModesGoWithTheMemberThatStatesThem) {
  Connect(TestStatement("c1").Consumer("orders").Type(
      ConsumeType::kConsumeActively));
  const auto canary = Connect(
      TestStatement("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerModesTest, ARepeatedFullHeartbeatSetsTheModesAnew) {
  const auto a = Connect(TestStatement("c1").Consumer("orders").Type(
      ConsumeType::kConsumeActively));
  Connect(
      TestStatement("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*a, TestStatement("c1").Consumer("orders").Type(
                   ConsumeType::kConsumeActively));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerModesTest, ALightHeartbeatSetsNoModes) {
  const auto a = OpenStream();
  const uint64_t token =
      Register(*a, TestStatement("c1").Consumer("orders").Type(
                       ConsumeType::kConsumeActively))
          .statement_token;
  Connect(
      TestStatement("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  a->RenewLight(token, now_);
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerModesTest, ModesOfALeftOutMembershipComeLast) {
  Connect(TestStatement("c1").Consumer("orders").Type(
      ConsumeType::kConsumeActively));
  const auto b = Connect(
      TestStatement("c2").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*b, TestStatement("c2").Consumer("others"));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumeActively);
}

TEST_F(ConsumerModesTest, ModesOfALeftOutMembershipCountWhereItIsAlone) {
  const auto a = Connect(
      TestStatement("c1").Consumer("orders").Type(ConsumeType::kConsumePop));
  Register(*a, TestStatement("c1").Consumer("others"));
  EXPECT_EQ(table_.FindConsumerGroup("orders")->modes.consume_type,
            ConsumeType::kConsumePop);
}

TEST_F(ConsumerModesTest, TurningFromBroadcastingToClusteringIsAChange) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders").Model(
                         MessageModel::kClustering));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CHANGE",
                                        "consumer orders REGISTER c1"));
}

TEST_F(ConsumerModesTest, TurningFromClusteringToBroadcastingIsNoChange) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders").Model(
                         MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerModesTest, ABroadcastingCanaryThatLeavesIsAChange) {
  Connect(TestStatement("c1").Consumer("orders"));
  const auto canary = Connect(TestStatement("c2").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  TakeEvents();
  table_.Close(*canary, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_UNREGISTER c2 DISCONNECTED",
                          "consumer orders CHANGE"));
}

TEST_F(ConsumerModesTest, LeavingABroadcastingGroupOutMayBeAChange) {
  Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  TakeEvents();
  Register(*b, TestStatement("c2").Producer("pay"));
  EXPECT_THAT(TakeEvents(), ElementsAre("producer pay CLIENT_REGISTER c2",
                                        "consumer orders CHANGE"));
}

TEST_F(ConsumerModesTest, AChangeOfModesAloneIsARegisterButNoChange) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  TakeEvents();
  Register(*channel, TestStatement("c1").Consumer("orders").Type(
                         ConsumeType::kConsumePop));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders REGISTER c1"));
}

TEST_F(ConsumerModesTest, ABroadcastingGroupTellsNoChange) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 DISCONNECTED",
                          "consumer orders UNREGISTER"));
}

TEST_F(ConsumerModesTest, NoMessageModelCountsAsClustering) {
  Connect(
      TestStatement("c1").Consumer("orders").Model(MessageModel::kUnspecified));
  EXPECT_THAT(TakeEvents(), ::testing::Contains("consumer orders CHANGE"));
}

TEST_F(ConsumerModesTest, TheModelBeforeOrAfterAJoinDecides) {
  Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  TakeEvents();
  Connect(
      TestStatement("c2").Consumer("orders").Model(MessageModel::kClustering));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c2",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c2"));
  Connect(TestStatement("c3").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c3",
                                        "consumer orders CHANGE",
                                        "consumer orders REGISTER c3"));
  Connect(TestStatement("c4").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_REGISTER c4",
                                        "consumer orders REGISTER c4"));
}

TEST_F(ConsumerModesTest, AGroupWhoseNotificationIsOffTellsNoChange) {
  const auto channel = OpenStream();
  RegisterUnnotified(*channel, TestStatement("c1").Consumer("orders"));
  table_.Unregister(*channel, "c1", {}, {"orders"}, now_);
  EXPECT_THAT(TakeEvents(),
              ElementsAre("consumer orders CLIENT_REGISTER c1",
                          "consumer orders REGISTER c1",
                          "consumer orders CLIENT_UNREGISTER c1 UNREGISTERED",
                          "consumer orders UNREGISTER"));
}

TEST_F(ConsumerModesTest, AGroupWhoseNotificationIsOffTellsNoChangeOfAClose) {
  const auto channel = OpenStream();
  RegisterUnnotified(*channel, TestStatement("c1").Consumer("orders"));
  const auto peer = OpenStream();
  RegisterUnnotified(*peer, TestStatement("c2").Consumer("orders"));
  TakeEvents();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(TakeEvents(), ElementsAre("consumer orders CLIENT_UNREGISTER c1 "
                                        "DISCONNECTED"));
}

}  // namespace
}  // namespace rmq
