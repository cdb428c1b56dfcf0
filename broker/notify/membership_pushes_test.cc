// What the notifier's rounds tell each member, by what it has acknowledged.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/notify/consumer_ids_notifier.h"
#include "broker/notify/push_content.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "common/member_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class MembershipPushesTest : public ::testing::Test {
 protected:
  explicit MembershipPushesTest(absl::Duration window = absl::ZeroDuration())
      : notifier_(Options(window)) {}

  FakeClientChannelPtr Connect(const std::string& id, uint64_t incarnation = 0,
                               const std::string& topic = "topic") {
    auto channel = std::make_shared<FakeClientChannel>();
    EXPECT_TRUE(table_.Open(channel, now_).ok());
    Register(*channel, id, incarnation, topic);
    return channel;
  }
  void Register(ClientChannel& channel, const std::string& id,
                uint64_t incarnation = 0, const std::string& topic = "topic") {
    TestStatement stated(id);
    stated.Consumer("orders", {{topic}});
    if (incarnation != 0) stated.Incarnation(incarnation);
    table_.Register(channel, BuiltStatement(stated).Admitted(), now_);
    notifier_.Flush(table_, now_);
  }
  void Close(ClientChannel& channel) {
    table_.Close(channel, RemovalReason::kDisconnected, now_);
    notifier_.Flush(table_, now_);
  }
  uint64_t Epoch() { return table_.FindConsumerGroup("orders")->epoch; }

  // `channel` acknowledges `epoch`; what is due is pushed.
  void Acknowledge(ClientChannel& channel, uint64_t epoch) {
    bool push_is_due = false;
    EXPECT_EQ(table_.Acknowledge(channel, "orders", epoch, now_, &push_is_due),
              AcknowledgeOutcome::kTaken);
    if (!push_is_due) return;
    notifier_.Resend("orders");
    notifier_.Flush(table_, now_);
  }
  // A heartbeat that is not applied in full. Returns whether the table had to
  // be asked.
  bool Heartbeat(ClientChannel& channel) {
    if (!channel.attention()) return false;
    for (const std::string& group : table_.MarkUnacknowledged(channel)) {
      notifier_.Resend(group);
    }
    notifier_.Flush(table_, now_);
    return true;
  }
  // A member that has acknowledged the present epoch.
  FakeClientChannelPtr Follower(const std::string& id) {
    FakeClientChannelPtr channel = Connect(id);
    Acknowledge(*channel, Epoch());
    channel->TakePushed();
    return channel;
  }

  // The pushes since the last call: "from B to E: +c1 -c2 EXPIRED", "from B to
  // E: all c1 c2", "bare E".
  static std::vector<std::string> Told(FakeClientChannel& channel) {
    std::vector<std::string> told;
    for (const auto& push : channel.TakePushed()) {
      EXPECT_EQ(push->group, "orders");
      std::string& text = told.emplace_back();
      if (push->is_bare()) {
        text = absl::StrCat("bare ", push->epoch);
        continue;
      }
      text = absl::StrCat("from ", push->base_epoch, " to ", push->epoch, ":");
      for (const MemberChange& change : push->changes) {
        const bool joined = change.type == MemberChange::Type::kJoined;
        absl::StrAppend(&text, joined ? " +" : " -", change.client_id);
        if (!joined) absl::StrAppend(&text, " ", Name(change.reason));
      }
      if (push->complete) absl::StrAppend(&text, " all");
      for (const std::string& id : push->client_ids) {
        absl::StrAppend(&text, " ", id);
      }
    }
    return told;
  }
  static std::string Bare(uint64_t epoch) {
    return absl::StrCat("bare ", epoch);
  }
  static std::string From(uint64_t base, uint64_t epoch,
                          absl::string_view what) {
    return absl::StrCat("from ", base, " to ", epoch, ": ", what);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  ConsumerIdsNotifier notifier_;
  ClientTable table_{ClientTable::Options(), {&notifier_}};

 private:
  static ConsumerIdsNotifier::Options Options(absl::Duration window) {
    ConsumerIdsNotifier::Options options;
    options.notify_window = window;
    return options;
  }
};

TEST_F(MembershipPushesTest, WhoHasNotAcknowledgedIsToldWhoIsThere) {
  const auto a = Connect("a");
  EXPECT_THAT(Told(*a), ElementsAre(From(0, Epoch(), "all a")));
  const auto b = Connect("b");
  EXPECT_THAT(Told(*a), ElementsAre(From(0, Epoch(), "all a b")));
  EXPECT_THAT(Told(*b), ElementsAre(From(0, Epoch(), "all a b")));
}

TEST_F(MembershipPushesTest, WhoHasAcknowledgedIsToldTheDifference) {
  const auto a = Follower("a");
  const uint64_t base = Epoch();
  const auto b = Connect("b");
  EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch(), "+b")));
  Acknowledge(*a, Epoch());
  const uint64_t next_base = Epoch();
  Close(*b);
  EXPECT_THAT(Told(*a),
              ElementsAre(From(next_base, Epoch(), "-b DISCONNECTED")));
}

TEST_F(MembershipPushesTest, WithoutANewAcknowledgmentTheBaseStays) {
  const auto a = Follower("a");
  const uint64_t base = Epoch();
  Connect("b");
  Connect("c");
  EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch() - 1, "+b"),
                                    From(base, Epoch(), "+b +c")));
}

TEST_F(MembershipPushesTest, MembersWithTheSameBaseShareOnePush) {
  const auto a = Follower("a");
  const auto b = Follower("b");
  Acknowledge(*a, Epoch());
  a->TakePushed();
  Connect("c");
  const auto to_a = a->TakePushed();
  ASSERT_THAT(to_a, SizeIs(1));
  EXPECT_EQ(to_a, b->TakePushed());
}

TEST_F(MembershipPushesTest, ASecondStreamOfAnIdIsABarePushToOldClientsOnly) {
  const auto old = Connect("old");
  const auto follower = Follower("a");
  Told(*old);
  const uint64_t epoch = Epoch();
  const auto second = Connect("a");
  EXPECT_EQ(Epoch(), epoch);
  EXPECT_THAT(Told(*old), ElementsAre(Bare(epoch)));
  EXPECT_THAT(Told(*second), ElementsAre(Bare(epoch)));
  EXPECT_THAT(Told(*follower), IsEmpty());
  Close(*second);
  EXPECT_THAT(Told(*old), ElementsAre(Bare(epoch)));
  EXPECT_THAT(Told(*follower), IsEmpty());
}

TEST_F(MembershipPushesTest, AReplacementThatChangesNothingPushesNothing) {
  const auto follower = Follower("a");
  const auto old_stream = Connect("b", 7);
  Acknowledge(*follower, Epoch());
  Told(*follower);
  const auto new_stream = Connect("b", 7);
  EXPECT_TRUE(old_stream->closed());
  EXPECT_THAT(Told(*follower), IsEmpty());
  EXPECT_THAT(Told(*new_stream), IsEmpty());
}

TEST_F(MembershipPushesTest, AChangeOfTopicsIsABarePushToWhoKnowsTheMembers) {
  const auto follower = Follower("a");
  const auto other = Follower("b");
  Acknowledge(*follower, Epoch());
  Told(*follower);
  Register(*other, "b", 0, "another topic");
  EXPECT_THAT(Told(*follower), ElementsAre(Bare(Epoch())));
  EXPECT_THAT(Told(*other), ElementsAre(Bare(Epoch())));
}

TEST_F(MembershipPushesTest, AnEarlierEpochAfterAReconnectGetsTheDifference) {
  const auto a = Follower("a");
  const auto first = Connect("b", 7);
  const uint64_t held = Epoch();
  Connect("c");
  const auto again = Connect("b", 7);
  EXPECT_TRUE(first->closed());
  EXPECT_THAT(Told(*again), IsEmpty());
  Acknowledge(*again, held);
  EXPECT_THAT(Told(*again), ElementsAre(From(held, Epoch(), "+c")));
}

TEST_F(MembershipPushesTest, BeyondTheHistoryThePushIsComplete) {
  const auto a = Follower("a");
  const uint64_t base = Epoch();
  for (int i = 0; i < 100; ++i) Close(*Connect(absl::StrCat("c", i)));
  Told(*a);
  Connect("b");
  EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch(), "all a b")));
}

TEST_F(MembershipPushesTest, AHundredClientIdsAreToldAndNotOneMore) {
  const auto a = Connect("a");
  std::vector<FakeClientChannelPtr> others;
  for (size_t i = 1; i < MembershipSnapshot::kMostClientIds; ++i) {
    others.push_back(Connect(absl::StrCat("c", i)));
  }
  EXPECT_THAT(a->TakePushed().back()->client_ids,
              SizeIs(MembershipSnapshot::kMostClientIds));
  others.push_back(Connect("one more"));
  const auto pushes = a->TakePushed();
  ASSERT_THAT(pushes, SizeIs(1));
  EXPECT_EQ(KindOf(*pushes[0]), PushKind::kCompleteWithoutIds);
}

TEST_F(MembershipPushesTest, WhatIsNotAcknowledgedIsToldAgainOnceAHeartbeat) {
  const auto a = Follower("a");
  const auto other = Follower("b");
  Acknowledge(*a, Epoch());
  Told(*a);
  const uint64_t base = Epoch();
  Connect("c");
  Told(*a);
  Told(*other);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Heartbeat(*a));
    EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch(), "+c")));
  }
  EXPECT_THAT(Told(*other), IsEmpty());
  EXPECT_EQ(notifier_.counts().resent, 3);
  Acknowledge(*a, Epoch());
  Heartbeat(*a);
  EXPECT_FALSE(Heartbeat(*a));
  EXPECT_THAT(Told(*a), IsEmpty());
}

TEST_F(MembershipPushesTest, WhoNeverAcknowledgesIsNotToldAgain) {
  const auto old = Connect("old");
  Told(*old);
  EXPECT_FALSE(Heartbeat(*old));
  EXPECT_THAT(Told(*old), IsEmpty());
}

TEST_F(MembershipPushesTest, WhoListedAnEpochThatIsOverIsToldWhatCameSince) {
  std::vector<FakeClientChannelPtr> crowd;
  for (int i = 0; i < 101; ++i) {
    crowd.push_back(Connect(absl::StrCat("c", i)));
  }
  const auto late = Connect("late");
  const uint64_t listed = Epoch();
  Connect("later");
  Told(*late);  // All, without ids.
  Acknowledge(*late, listed);
  EXPECT_THAT(Told(*late), ElementsAre(From(listed, Epoch(), "+later")));
}

TEST_F(MembershipPushesTest, PushesAreCountedByWhatTheySay) {
  const auto a = Connect("a");  // One complete push.
  Acknowledge(*a, Epoch());
  Connect("b");  // One difference, one complete push.
  Connect("b");  // One bare push to each stream of b, one difference again.
  const ConsumerIdsNotifier::Counts counts = notifier_.counts();
  const auto of = [&counts](PushKind kind) {
    return counts.pushes_of_kind[static_cast<size_t>(kind)];
  };
  EXPECT_EQ(of(PushKind::kComplete), 2);
  EXPECT_EQ(of(PushKind::kDifference), 2);
  EXPECT_EQ(of(PushKind::kBare), 2);
  EXPECT_EQ(of(PushKind::kCompleteWithoutIds), 0);
  EXPECT_EQ(counts.pushes, 6);
}

TEST_F(MembershipPushesTest, NothingIsToldAgainWhileDraining) {
  const auto a = Follower("a");
  Connect("b");
  Told(*a);
  notifier_.StartDraining();
  Heartbeat(*a);
  EXPECT_THAT(Told(*a), IsEmpty());
}

TEST_F(MembershipPushesTest, ManyMembersAreToldAgainInPieces) {
  std::vector<FakeClientChannelPtr> crowd;
  for (size_t i = 0; i < 2 * ConsumerIdsNotifier::kMostPushes; ++i) {
    crowd.push_back(Connect(absl::StrCat("c", i)));
    now_ += ConsumerIdsNotifier::kPause;
  }
  const auto settle = [this] {
    while (notifier_.NextDeadline() < absl::InfiniteFuture()) {
      now_ += ConsumerIdsNotifier::kPause;
      notifier_.Flush(table_, now_);
    }
  };
  settle();
  const auto last = Follower("last");
  settle();
  const uint64_t base = Epoch();
  Connect("new");
  settle();
  Told(*last);
  EXPECT_TRUE(Heartbeat(*last));
  settle();
  EXPECT_THAT(Told(*last), ElementsAre(From(base, Epoch(), "+new")));
}

class WindowedPushesTest : public MembershipPushesTest {
 protected:
  WindowedPushesTest() : MembershipPushesTest(absl::Milliseconds(100)) {}
  void Wait(absl::Duration duration) {
    now_ += duration;
    notifier_.Flush(table_, now_);
  }
};

TEST_F(WindowedPushesTest, WhoIsToldAgainWaitsForTheEndOfTheGroupsWindow) {
  const auto a = Connect("a");
  Acknowledge(*a, Epoch());
  Wait(absl::Seconds(1));
  const uint64_t base = Epoch();
  Connect("b");
  EXPECT_THAT(Told(*a), SizeIs(2));
  EXPECT_TRUE(Heartbeat(*a));
  EXPECT_THAT(Told(*a), IsEmpty());
  EXPECT_LE(notifier_.NextDeadline(), now_ + absl::Milliseconds(110));
  Wait(absl::Milliseconds(110));
  EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch(), "+b")));
}

TEST_F(WindowedPushesTest, ARoundOfAChangeTellsThoseWhoAreToldAgainToo) {
  const auto a = Connect("a");
  Acknowledge(*a, Epoch());
  Wait(absl::Seconds(1));
  const uint64_t base = Epoch();
  Connect("b");
  Told(*a);
  Heartbeat(*a);
  Connect("c");
  Wait(absl::Milliseconds(110));
  EXPECT_THAT(Told(*a), ElementsAre(From(base, Epoch(), "+b +c")));
  Wait(absl::Seconds(1));
  EXPECT_THAT(Told(*a), IsEmpty());
}

TEST_F(WindowedPushesTest, ASecondStreamDoesNotHideAChangeOfTheSameWindow) {
  const auto old = Connect("old");
  Connect("b");
  Connect("b");
  Told(*old);
  Wait(absl::Milliseconds(110));
  EXPECT_THAT(Told(*old), ElementsAre(From(0, Epoch(), "all old b")));
}

}  // namespace
}  // namespace rmq
