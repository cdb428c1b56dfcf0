// Pushes of a group wait for the end of a window since its last push.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/notify/notifier_fixture.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WindowedNotifierTest : public NotifierFixture {
 protected:
  static constexpr absl::Duration kWindow = absl::Milliseconds(200);
  WindowedNotifierTest() : NotifierFixture(WithWindow(kWindow)) {}
};

TEST_F(WindowedNotifierTest, TheFirstChangeIsPushedAtOnce) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(WindowedNotifierTest, AChangeAfterAPushWaitsForTheEndOfTheWindow) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  channel->TakePushes();
  Connect(TestStatement("c2").Consumer("orders"));
  now_ += kWindow - absl::Nanoseconds(1);
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  now_ += absl::Nanoseconds(1);
  Flush();
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
}

TEST_F(WindowedNotifierTest, AChangeAfterTheWindowIsPushedAtOnce) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  channel->TakePushes();
  now_ += kWindow;
  Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
}

TEST_F(WindowedNotifierTest, ChangesWithinAWindowArePushedTogetherAtItsEnd) {
  std::vector<FakeClientChannelPtr> channels;
  for (int i = 0; i < 100; ++i) {
    channels.push_back(
        Connect(TestStatement(absl::StrCat("c", i)).Consumer("orders")));
    Flush();
    now_ += absl::Milliseconds(1);
  }
  EXPECT_THAT(channels[0]->TakePushes(), ElementsAre("orders"));
  now_ += kWindow;
  Flush();
  for (const auto& channel : channels) {
    EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
  }
  EXPECT_EQ(notifier_.counts().changes, 100);
  EXPECT_EQ(notifier_.counts().coalesced, 98);
  EXPECT_EQ(notifier_.counts().pushes, 101);
}

TEST_F(WindowedNotifierTest, APushAtTheEndOfAWindowOpensTheNext) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  now_ += kWindow;
  Flush();
  channel->TakePushes();
  Connect(TestStatement("c3").Consumer("orders"));
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  EXPECT_EQ(notifier_.NextDeadline(), now_ + kWindow);
}

TEST_F(WindowedNotifierTest, AGroupDoesNotWaitForAnothersWindow) {
  Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  now_ += kWindow / 2;
  const auto audit = Connect(TestStatement("c2").Consumer("audit"));
  Flush();
  EXPECT_THAT(audit->TakePushes(), ElementsAre("audit"));
}

TEST_F(WindowedNotifierTest, WindowsThatOpenWithinATenthOfAWindowEndTogether) {
  const absl::Duration step = kWindow / ConsumerIdsNotifier::kEndsInAWindow;
  const absl::Time ends = now_ + kWindow + step;
  now_ += absl::Nanoseconds(1);
  const auto first = Connect(TestStatement("a").Consumer("orders"));
  Flush();
  now_ += step - absl::Nanoseconds(1);
  const auto second = Connect(TestStatement("b").Consumer("bills"));
  Flush();
  Register(*first, TestStatement("a").Consumer("orders").Consumer("more"));
  Register(*second, TestStatement("b").Consumer("bills").Consumer("more"));
  const auto third =
      Connect(TestStatement("c").Consumer("orders").Consumer("bills"));
  Flush();
  for (const auto& channel : {first, second, third}) channel->TakePushes();

  EXPECT_EQ(notifier_.NextDeadline(), ends);
  now_ = ends - absl::Nanoseconds(1);
  Flush();
  EXPECT_THAT(first->TakePushes(), IsEmpty());
  now_ = ends;
  Flush();
  EXPECT_THAT(first->TakePushes(), ElementsAre("orders"));
  EXPECT_THAT(second->TakePushes(), ElementsAre("bills"));
}

TEST_F(WindowedNotifierTest, TheDeadlineIsTheFirstEndOfAWindowWithAChange) {
  Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  const absl::Time orders = now_ + kWindow;
  now_ += kWindow / 2;
  const absl::Time audit = now_ + kWindow;
  Connect(TestStatement("c2").Consumer("audit"));
  Flush();
  Connect(TestStatement("c3").Consumer("audit"));
  Flush();
  EXPECT_EQ(notifier_.NextDeadline(), audit);
  Connect(TestStatement("c4").Consumer("orders"));
  Flush();
  EXPECT_EQ(notifier_.NextDeadline(), orders);
  now_ = orders;
  Flush();
  EXPECT_EQ(notifier_.NextDeadline(), audit);
  now_ = audit;
  Flush();
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(WindowedNotifierTest, TheDeadlineIsToldWhenAChangeBeginsToWaitAndOnce) {
  Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  EXPECT_THAT(deadlines_, IsEmpty());
  const absl::Time first = now_ + kWindow;
  Connect(TestStatement("c2").Consumer("orders"));
  EXPECT_THAT(deadlines_, IsEmpty());
  Flush();
  EXPECT_THAT(deadlines_, ElementsAre(first));
  Connect(TestStatement("c3").Consumer("orders"));
  Flush();
  EXPECT_THAT(deadlines_, ElementsAre(first));
  now_ = first;
  Flush();
  Connect(TestStatement("c4").Consumer("orders"));
  Flush();
  EXPECT_THAT(deadlines_, ElementsAre(first, first + kWindow));
}

TEST_F(WindowedNotifierTest, NothingWaitsForAGroupThatHasGone) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  channel->TakePushes();
  table_.Close(*channel, RemovalReason::kDisconnected, now_);
  Flush();
  now_ += kWindow;
  Flush();
  EXPECT_EQ(notifier_.counts().pushes, 1);
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
}

TEST_F(WindowedNotifierTest, WhatWaitsWhenADrainBeginsIsPushedAfterIt) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  Flush();
  channel->TakePushes();
  Connect(TestStatement("c2").Consumer("orders"));
  Flush();
  notifier_.StartDraining();
  EXPECT_EQ(notifier_.NextDeadline(), absl::InfiniteFuture());
  now_ += kWindow;
  Flush();
  EXPECT_THAT(channel->TakePushes(), IsEmpty());
  notifier_.StopDraining();
  Flush();
  EXPECT_THAT(channel->TakePushes(), ElementsAre("orders"));
}

}  // namespace
}  // namespace rmq
