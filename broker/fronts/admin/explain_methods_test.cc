#include "absl/time/time.h"
#include "broker/fronts/admin/admin_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using ExplainMethodsTest = AdminFixture;
using Why = pb::ExplainGroupResponse;

TEST_F(ExplainMethodsTest, AGroupOfStreamsIsToldUnlessASwitchOrItsModelSaysNo) {
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  ASSERT_THAT(Call(request, &why), IsSuccess());
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_NOBODY));
  EXPECT_FALSE(why.has_config());

  Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders").Producer("orders"));
  policy_.EnsureConfig("orders", {"", "10.0.0.1:1"});
  Call(request, &why);
  EXPECT_THAT(why.obstacles(), IsEmpty());
  EXPECT_EQ(why.consumer_streams(), 2);
  EXPECT_EQ(why.consumer_unary_channels(), 0);
  EXPECT_EQ(why.producer_channels(), 1);
  EXPECT_EQ(why.message_model(), pb::MESSAGE_MODEL_CLUSTERING);
  EXPECT_TRUE(why.has_config());

  Connect(TestStatement("c3").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  Call(request, &why);
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_BROADCASTING));
}

TEST_F(ExplainMethodsTest, AGroupOfUnaryClientsIsToldNothing) {
  Register(*StandIn("c1"), TestStatement("c1").Consumer("orders"));
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  Call(request, &why);
  EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_UNARY_MEMBERS));
  EXPECT_EQ(why.consumer_unary_channels(), 1);
  Connect(TestStatement("c2").Consumer("orders"));
  Call(request, &why);
  EXPECT_THAT(why.obstacles(), IsEmpty());
}

TEST_F(ExplainMethodsTest, ASwitchThatIsOffIsNamedAndShownInForce) {
  GroupPolicy::Options options;
  options.subscription_groups.resize(2);
  options.subscription_groups[0].group = "loud";
  options.subscription_groups[1].group = "quiet";
  options.subscription_groups[1].notify_consumer_ids_changed_enable = false;
  const GroupPolicy policy(options, [](absl::string_view) { return true; });
  Connect(TestStatement("c1").Consumer("loud").Consumer("quiet"));
  for (const bool notifies : {true, false}) {
    AdminCaller admin(Broker(policy, notifies));
    pb::ListSubscriptionGroupsResponse groups;
    admin.Call(pb::ListSubscriptionGroupsRequest(), &groups);
    EXPECT_EQ(groups.subscription_groups(0).members_are_told(), notifies);
    EXPECT_FALSE(groups.subscription_groups(1).members_are_told());
    pb::GetPolicyResponse switches;
    admin.Call(pb::GetPolicyRequest(), &switches);
    EXPECT_EQ(switches.notify_consumer_ids_changed_enable(), notifies);

    pb::ExplainGroupRequest request;
    request.set_group("quiet");
    Why why;
    admin.Call(request, &why);
    if (notifies) {
      EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_GROUP_SWITCH));
    } else {
      EXPECT_THAT(why.obstacles(), ElementsAre(Why::OBSTACLE_BROKER_SWITCH,
                                               Why::OBSTACLE_GROUP_SWITCH));
    }
  }
}

TEST_F(ExplainMethodsTest, WhoWasPassedOverLatelyIsNamedWithTheReason) {
  policy_.skipped().Note(
      {"orders", GroupKind::kConsumer, SkipReason::kNoSuchGroup}, "a",
      clock_.TimeNow());
  policy_.skipped().Note(
      {"orders", GroupKind::kProducer, SkipReason::kProducerRejected}, "b",
      clock_.TimeNow());
  pb::ExplainGroupRequest request;
  request.set_group("orders");
  Why why;
  Call(request, &why);
  ASSERT_EQ(why.skipped_size(), 2);
  EXPECT_EQ(why.skipped(0).client_id(), "b");
  EXPECT_TRUE(why.skipped(0).producer());
  const pb::SkippedClient& consumer = why.skipped(1);
  EXPECT_EQ(consumer.client_id(), "a");
  EXPECT_FALSE(consumer.producer());
  EXPECT_EQ(consumer.reason(), pb::SkippedGroup::REASON_NO_SUCH_GROUP);
  EXPECT_EQ(consumer.message(),
            "consumer group \"orders\" has no config, and this broker makes "
            "none automatically");
  EXPECT_EQ(consumer.times(), 1);
  EXPECT_EQ(consumer.last_at().seconds(),
            absl::ToUnixSeconds(clock_.ClockToWall(clock_.TimeNow())));
}

TEST_F(ExplainMethodsTest, WhatIsNoGroupIsNotExplained) {
  EXPECT_THAT(Call(pb::ExplainGroupRequest()),
              BadFormWith("group must not be empty"));
}

}  // namespace
}  // namespace rmq
