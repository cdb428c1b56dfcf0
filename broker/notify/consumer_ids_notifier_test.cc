#include "broker/notify/consumer_ids_notifier.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/notify/notifier_fixture.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using ConsumerIdsNotifierTest = NotifierFixture;

TEST_F(ConsumerIdsNotifierTest, NothingIsPushedBeforeAFlush) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
}

TEST_F(ConsumerIdsNotifierTest, AllMembersArePushedTheNewcomerIncluded) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  a->TakePushes();
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
}

TEST_F(ConsumerIdsNotifierTest, OnlyMembersOfTheGroupArePushed) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b =
      Connect(TestStatement("c2").Consumer("audit").Producer("orders"));
  Flush();
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(b->TakePushes(), ElementsAre("audit"));
}

TEST_F(ConsumerIdsNotifierTest, ChangesThatComeTogetherMakeOnePush) {
  std::vector<FakeClientChannelPtr> channels;
  for (int i = 0; i < 10; ++i) {
    channels.push_back(
        Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders")));
  }
  Flush();
  for (const auto& channel : channels) {
    EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
  }
  const ConsumerIdsNotifier::Counts counts = notifier_.counts();
  EXPECT_EQ(counts.changes, 10);
  EXPECT_EQ(counts.coalesced, 9);
  EXPECT_EQ(counts.pushes, 10);
}

TEST_F(ConsumerIdsNotifierTest, AFlushPushesOnce) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  Flush();
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
}

TEST_F(ConsumerIdsNotifierTest, AChangeAfterAFlushIsPushedByTheNext) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders", "orders"));
}

TEST_F(ConsumerIdsNotifierTest, EachGroupOfAChannelIsPushed) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders").Consumer("audit"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), UnorderedElementsAre("orders", "audit"));
}

TEST_F(ConsumerIdsNotifierTest, TheOneThatLeftIsNotPushed) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  a->TakePushes();
  b->TakePushes();
  table_.Close(*a, RemovalReason::kDisconnected, now_);
  Flush();
  EXPECT_THAT(a->TakePushes(), IsEmpty());
  EXPECT_THAT(b->TakePushes(), ElementsAre("orders"));
}

TEST_F(ConsumerIdsNotifierTest, AGroupThatHasGoneIsPushedToNobody) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  EXPECT_EQ(notifier_.counts().pushes, 0);
}

// --- Very many pushes ---

constexpr size_t kMost = ConsumerIdsNotifier::kMostPushes;
constexpr absl::Duration kPause = ConsumerIdsNotifier::kPause;

TEST_F(ConsumerIdsNotifierTest, AsManyPushesAsOneFlushMakesAreMadeAtOnce) {
  const auto channels = ConnectMany(kMost, "orders");
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), kMost);
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
  EXPECT_THAT(deadlines_, IsEmpty());
}

TEST_F(ConsumerIdsNotifierTest, OneMoreIsMadeAPauseLater) {
  const auto channels = ConnectMany(kMost + 1, "orders");
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), kMost);
  EXPECT_EQ(notifier_.NextDeadline(), now_ + kPause);
  EXPECT_THAT(deadlines_, ElementsAre(now_ + kPause));
  now_ += kPause - absl::Nanoseconds(1);
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), 0);
  now_ += absl::Nanoseconds(1);
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), 1);
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
  EXPECT_THAT(deadlines_, SizeIs(1));
}

TEST_F(ConsumerIdsNotifierTest, EachMemberOfALargeGroupIsPushedOnce) {
  const auto channels = ConnectMany(5 * kMost, "orders");
  for (int i = 0; i < 5; ++i) {
    Flush();
    now_ += kPause;
  }
  for (const auto& channel : channels) {
    ASSERT_THAT(channel->TakePushes(), ElementsAre("orders"));
  }
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(ConsumerIdsNotifierTest, GroupsShareTheNumberOfPushes) {
  const auto orders = ConnectMany(kMost - 1, "orders");
  const auto audit = ConnectMany(2, "audit");
  const auto stock = ConnectMany(kMost, "stock");
  Flush();
  EXPECT_EQ(TakeAllPushes(orders) + TakeAllPushes(audit) + TakeAllPushes(stock),
            kMost);
  now_ += kPause;
  Flush();
  now_ += kPause;
  Flush();
  EXPECT_EQ(notifier_.counts().pushes, 2 * kMost + 1);
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(ConsumerIdsNotifierTest, AChangeWhileOthersWaitIsPushedAfterThem) {
  const auto channels = ConnectMany(kMost + 1, "orders");
  Flush();
  const auto late = Connect(TestStatement("late").Consumer("zebras"));
  Flush();
  EXPECT_THAT(late->TakePushes(), IsEmpty());
  now_ += kPause;
  Flush();
  EXPECT_THAT(late->TakePushes(), ElementsAre("zebras"));
}

TEST_F(ConsumerIdsNotifierTest, AMemberThatWasPushedHearsOfALaterChange) {
  const auto channels = ConnectMany(kMost + 1, "orders");
  Flush();
  ASSERT_THAT(channels[0]->TakePushes(), SizeIs(1));
  // While the rest of the group waits for its pushes.
  table_.Close(*channels[1], RemovalReason::kDisconnected, now_);
  Flush();
  for (int i = 0; i < 2; ++i) {
    now_ += kPause;
    Flush();
  }
  EXPECT_THAT(channels[0]->TakePushes(), ElementsAre("orders"));
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(ConsumerIdsNotifierTest, ChangesWhileAGroupWaitsMakeNoMorePushes) {
  const auto first = ConnectMany(kMost, "a");
  const auto channels = ConnectMany(2, "orders");
  Flush();
  TakeAllPushes(channels);
  for (int i = 0; i < 10; ++i) {
    Connect(TestStatement(absl::StrCat("late", i)).Consumer("orders"));
    Flush();
  }
  now_ += kPause;
  Flush();
  EXPECT_THAT(channels[0]->TakePushes(), ElementsAre("orders"));
}

TEST_F(ConsumerIdsNotifierTest, ARoundThatADrainBreaksOffIsMadeAnewAfterIt) {
  const auto channels = ConnectMany(kMost + 1, "orders");
  Flush();
  TakeAllPushes(channels);
  notifier_.StartDraining();
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
  now_ += kPause;
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), 0);
  notifier_.StopDraining();
  Flush();
  now_ += kPause;
  Flush();
  EXPECT_EQ(TakeAllPushes(channels), channels.size());
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(ConsumerIdsNotifierTest, AStandInGetsNoPush) {
  const auto stand_in =
      std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn);
  ASSERT_TRUE(table_.FindOrOpenStandIn("c1", stand_in, now_).ok());
  Register(*stand_in, TestStatement("c1").Consumer("orders"));
  const auto stream = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  EXPECT_THAT(stand_in->TakePushes(), IsEmpty());
  EXPECT_THAT(stream->TakePushes(), ElementsAre("orders"));
}

TEST_F(ConsumerIdsNotifierTest, ABroadcastingGroupIsNotPushed) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
}

TEST_F(ConsumerIdsNotifierTest, AGroupWhoseNotificationIsOffIsNotPushed) {
  const auto channel =
      Connect(TestStatement("c1").Consumer("orders"), /*notify=*/false);
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(notifier_.counts().changes, 0);
}

TEST_F(ConsumerIdsNotifierTest, ProducersThatComeAndGoArePushedToNobody) {
  const auto channel = Connect(TestStatement("c1").Producer("pay"));
  Connect(TestStatement("c2").Producer("pay"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
}

TEST_F(ConsumerIdsNotifierTest, WithoutAWindowNobodyNeedWait) {
  Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
  EXPECT_THAT(deadlines_, IsEmpty());
}

TEST_F(ConsumerIdsNotifierTest, NothingIsPushedWhileDraining) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  notifier_.StartDraining();
  Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  EXPECT_THAT(a->TakePushes(), IsEmpty());
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(ConsumerIdsNotifierTest, WhatChangesWhileDrainingIsPushedOnceAfterIt) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  const auto b = Connect(TestStatement("c2").Consumer("orders"));
  const auto other = Connect(TestStatement("c3").Consumer("bills"));
  Flush();
  for (const auto& channel : {a, b, other}) channel->TakePushes();
  notifier_.StartDraining();
  table_.Close(*b, RemovalReason::kDrained, now_);
  Flush();
  Connect(TestStatement("c4").Consumer("orders"));
  Flush();
  EXPECT_THAT(a->TakePushes(), IsEmpty());
  notifier_.StopDraining();
  Flush();
  EXPECT_THAT(a->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(other->TakePushes(), IsEmpty());
  // And then as ever.
  Connect(TestStatement("c5").Consumer("bills"));
  Flush();
  EXPECT_THAT(other->TakePushes(), ElementsAre("bills"));
}

TEST_F(ConsumerIdsNotifierTest, GroupsThatEndWhileDrainingAreForgotten) {
  const auto a = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  notifier_.StartDraining();
  for (int i = 0; i < 3; ++i) {
    const auto channel = Connect(
        TestStatement("c2").Consumer(absl::StrCat("a", i)).Consumer("b"));
    EXPECT_EQ(notifier_.dirty_groups(), 2);
    table_.Close(*channel, RemovalReason::kDrained, now_);
    EXPECT_EQ(notifier_.dirty_groups(), 0);
  }
}

class DisabledNotifierTest : public ConsumerIdsNotifierTest {
 protected:
  DisabledNotifierTest() : ConsumerIdsNotifierTest(Disabled()) {}
};

TEST_F(DisabledNotifierTest, TheBrokersSwitchKeepsAllPushesBack) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  EXPECT_EQ(notifier_.counts().changes, 0);
}

TEST(ConsumerIdsNotifierOptionsTest, AWindowIsZeroToTenMinutes) {
  ConsumerIdsNotifier::Options options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.notify_window = ConsumerIdsNotifier::kLongestWindow;
  EXPECT_THAT(options.Validate(), IsOk());
  options.notify_window = absl::Milliseconds(-1);
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "notify_window must be 0 to 10m, got -1ms"));
  options.notify_window = absl::InfiniteDuration();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "notify_window must be 0 to 10m, got inf"));
}

}  // namespace
}  // namespace rmq
