#include "broker/notify/consumer_ids_notifier.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
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

class ConsumerIdsNotifierTest : public ::testing::Test {
 protected:
  explicit ConsumerIdsNotifierTest(
      const ConsumerIdsNotifier::Options& options = {})
      : notifier_(options,
                  [this](absl::Time time) { deadlines_.push_back(time); }) {}

  static ConsumerIdsNotifier::Options WithWindow(absl::Duration window) {
    ConsumerIdsNotifier::Options options;
    options.notify_window = window;
    return options;
  }
  static ConsumerIdsNotifier::Options Disabled() {
    ConsumerIdsNotifier::Options options;
    options.enabled = false;
    return options;
  }

  FakeClientChannelPtr Connect(const TestStatement& stated,
                               bool notify = true) {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    Register(*channel, stated, notify);
    return channel;
  }
  void Register(ClientChannel& channel, const TestStatement& stated,
                bool notify = true) {
    BuiltStatement statement(stated);
    for (AdmittedConsumer& consumer : statement.admitted()) {
      consumer.notify_consumer_ids_changed = notify;
    }
    table_.Register(channel, statement.Admitted(), now_);
  }
  std::vector<FakeClientChannelPtr> ConnectMany(size_t count,
                                                const std::string& group) {
    std::vector<FakeClientChannelPtr> channels;
    for (size_t i = 0; i < count; ++i) {
      channels.push_back(
          Connect(TestStatement(absl::StrCat(group, "-", i)).Consumer(group)));
    }
    return channels;
  }
  void Flush() { notifier_.Flush(table_, now_); }
  static size_t TakeAllPushes(
      const std::vector<FakeClientChannelPtr>& channels) {
    size_t pushes = 0;
    for (const auto& channel : channels) pushes += channel->TakePushes().size();
    return pushes;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  std::vector<absl::Time> deadlines_;  // As the notifier told them.
  ConsumerIdsNotifier notifier_;
  ClientTable table_{ClientTable::Options(), {&notifier_}};
};

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

class WindowedNotifierTest : public ConsumerIdsNotifierTest {
 protected:
  static constexpr absl::Duration kWindow = absl::Milliseconds(200);
  WindowedNotifierTest() : ConsumerIdsNotifierTest(WithWindow(kWindow)) {}
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
