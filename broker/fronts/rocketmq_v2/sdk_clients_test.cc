#include "broker/fronts/rocketmq_v2/sdk_clients.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/fronts/rocketmq_v2/sdk_clients_fixture.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/fronts/rocketmq_v2/sdk_status.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SdkClientsTest, AGoodbyeOfTheClientEndsItFromAnyConnection) {
  EXPECT_TRUE(State(kHome, "orders").ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
  EXPECT_TRUE(Terminate(kHomeAgain).ok());
  EXPECT_THAT(Consumers("orders"), IsEmpty());
}

TEST_F(SdkClientsTest, TheStreamThatBringsSettingsIsTheClientsIfNoneIsNewer) {
  const SdkClients::Who who = Who("c1", kHome);
  const auto state_by = [&](SdkClients::StreamNumber stream) {
    EXPECT_TRUE(clients_
                    .State(who,
                           SdkStatement::OfConsumer(v2::PUSH_CONSUMER, "orders",
                                                    headers_),
                           77, stream)
                    .ok());
  };
  const SdkClients::StreamNumber older = clients_.OpenStream(who);
  const SdkClients::StreamNumber newer = clients_.OpenStream(who);
  state_by(older);
  EXPECT_EQ(clients_.StreamOf(who.key()), newer);
  clients_.CloseStream(who.key(), newer, now_);
  EXPECT_EQ(clients_.StreamOf(who.key()), 0);
  state_by(older);
  EXPECT_EQ(clients_.StreamOf(who.key()), older);
  // So the usual expiry holds.
  now_ += absl::Seconds(100);
  Scan();
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, AProducerThatStatesNoTopicAnyMoreLeavesItsTopics) {
  const SdkClients::Who who = Who("c1", kHome);
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({"T1"}, headers_), 1).ok());
  EXPECT_THAT(Producers("T1"), ElementsAre("c1"));
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({}, headers_), 2).ok());
  EXPECT_THAT(Producers("T1"), IsEmpty());
  EXPECT_TRUE(
      clients_.State(who, SdkStatement::OfProducer({"T2"}, headers_), 3).ok());
  EXPECT_THAT(Producers("T2"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, AConsumerWithoutSettingsIsNoProducerOfNoTopic) {
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_FALSE(Heartbeat(kHome, "", v2::PRODUCER).ok());
  EXPECT_THAT(Consumers("orders"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, AConsumerWithoutSettingsIsInTheGroupThatItNamesNow) {
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(Heartbeat(kHome, "bills").ok());
  EXPECT_THAT(Consumers("bills"), ElementsAre("c1"));
}

TEST_F(SdkClientsTest, ALeaveOfAllGroupsIsToldToNativeMembersAtOnce) {
  const auto native = std::make_shared<FakeClientChannel>();
  ASSERT_TRUE(core_.table().Open(native, now_).ok());
  TestStatement stated("native");
  stated.Consumer("orders");
  const BuiltStatement built(stated);
  core_.processor().Heartbeat(*native, *built, now_);
  EXPECT_TRUE(State(kHome, "orders").ok());
  native->TakePushes();
  EXPECT_TRUE(
      clients_
          .State(Who("c1", kHome), SdkStatement::OfProducer({}, headers_), 78)
          .ok());
  EXPECT_THAT(native->TakePushes(), ElementsAre("orders"));
}

TEST_F(SdkClientsTest, TopicsThatAConsumerAsksForAreInferred) {
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  const auto inferred = core_.table().FindSubscription("orders", "T1");
  ASSERT_TRUE(inferred.has_value());
  EXPECT_EQ(inferred->expression_type, "INFERRED");
  EXPECT_EQ(inferred->expression, "");
  // Each one that it asks for later, too.
  clients_.NoteTopic(Who("c1", kHome), "T2");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_THAT(core_.table().GroupsOfTopic("T2", "", 10), ElementsAre("orders"));
}

TEST_F(SdkClientsTest, AnInferredTopicCountsOnlyWhereNobodyStatesIt) {
  // The lowest version there is but one.
  EXPECT_TRUE(
      StateTopics("c2", std::numeric_limits<int64_t>::min() / 2, "a").ok());
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "a");
  EXPECT_TRUE(clients_.Terminate(Who("c2", kHome)).ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression_type,
            "INFERRED");
  EXPECT_TRUE(StateTopics("c3", 1, "b").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "b");
}

TEST_F(SdkClientsTest, SettingsReplaceWhatWasInferred) {
  clients_.NoteTopic(Who("c1", kHome), "T1");
  clients_.NoteTopic(Who("c1", kHome), "T2");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_TRUE(StateTopics("c1", 1, "a").ok());
  EXPECT_EQ(core_.table().FindSubscription("orders", "T1")->expression, "a");
  EXPECT_FALSE(core_.table().FindSubscription("orders", "T2").has_value());
  // Nothing more is inferred.
  clients_.NoteTopic(Who("c1", kHome), "T3");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_FALSE(core_.table().FindSubscription("orders", "T3").has_value());
}

TEST_F(SdkClientsTest, WhatIsInferredMakesNoGroupInconsistent) {
  EXPECT_TRUE(StateTopics("c2", 1, "a").ok());
  clients_.NoteTopic(Who("c1", kHome), "T1");
  EXPECT_TRUE(Heartbeat(kHome, "orders").ok());
  EXPECT_EQ(core_.table().FindConsistency("orders")->camps.size(), 1);
}

TEST_F(SdkClientsTest, OfAnAddressHalfIsKeptAndTheOthersStay) {
  clients_.NoteTopic(Who("first", kHome), "T1");
  for (size_t i = 0; i <= SdkClients::kMostIdleOfNetwork; ++i) {
    clients_.NoteTopic(Who(absl::StrCat("c", i), kElsewhere), "T1");
  }
  EXPECT_EQ(clients_.idle(), SdkClients::kMostIdleOfNetwork + 1);
  EXPECT_TRUE(clients_.Heartbeat(Who("first", kHome), v2::PRODUCER, "").ok());
  EXPECT_EQ(CodeOf(clients_.Heartbeat(Who("c0", kElsewhere), v2::PRODUCER, "")),
            v2::UNRECOGNIZED_CLIENT_TYPE);
}

TEST_F(SdkClientsTest, OfAllAddressesTheOneHeardLongestAgoIsForgotten) {
  clients_.NoteTopic(Who("first", kHome), "T1");
  for (size_t i = 0; i < SdkClients::kMostIdle; ++i) {
    clients_.NoteTopic(
        Who(absl::StrCat("c", i), absl::StrCat("10.1.0.", i % 4, ":1")), "T1");
  }
  EXPECT_EQ(clients_.idle(), SdkClients::kMostIdle);
  EXPECT_EQ(CodeOf(clients_.Heartbeat(Who("first", kHome), v2::PRODUCER, "")),
            v2::UNRECOGNIZED_CLIENT_TYPE);
}

}  // namespace
}  // namespace rmq
