// What members acknowledge, and who is to be pushed again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/registry/acknowledge.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/push_round.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AcknowledgeTest : public ClientTableFixture {
 protected:
  FakeClientChannelPtr Join(absl::string_view client_id) {
    return Connect(TestStatement(client_id).Consumer("orders"));
  }
  uint64_t Epoch() { return table_.FindConsumerGroup("orders")->epoch; }

  AcknowledgeOutcome Acknowledge(ClientChannel& channel, uint64_t epoch) {
    return table_.Acknowledge(channel, "orders", epoch, now_, &push_is_due_);
  }
  bool IsPushDue(ClientChannel& channel, uint64_t epoch) {
    EXPECT_EQ(Acknowledge(channel, epoch), AcknowledgeOutcome::kTaken);
    return push_is_due_;
  }

  // A round to the group's epoch, of which all members are pushed.
  PushRound Round() {
    PushRound round;
    round.group = "orders";
    round.epoch = Epoch();
    round.tells_all = true;
    round.has_client_ids = true;
    return round;
  }
  // As "acknowledged" of each target, "!" behind what was marked.
  std::vector<std::string> Push(const PushRound& round) {
    std::vector<PushTarget> targets;
    MemberCursor cursor = 0;
    do {
      table_.ListPushTargets(round, now_, 2, &cursor, &targets);
    } while (cursor != 0);
    std::vector<std::string> described;
    for (const PushTarget& target : targets) {
      described.push_back(
          absl::StrCat(target.acknowledged, target.wants_push ? "!" : ""));
    }
    return described;
  }
  std::vector<std::string> PushMarked() {
    PushRound round = Round();
    round.marked_only = true;
    return Push(round);
  }

  MembershipMember Member(size_t index) {
    MemberCursor cursor = 0;
    uint64_t epoch = 0;
    return table_.ListMembership("orders", 100, &cursor, &epoch).at(index);
  }

  bool push_is_due_ = false;
};

// --- Outcomes ---

TEST_F(AcknowledgeTest, AMemberAcknowledgesAnEpochOfItsGroup) {
  const auto c1 = Join("c1");
  EXPECT_EQ(Member(0).acknowledged, 0);
  EXPECT_FALSE(IsPushDue(*c1, Epoch()));
  EXPECT_EQ(Member(0).acknowledged, Epoch());
  EXPECT_EQ(Member(0).behind_since, absl::InfiniteFuture());
}

TEST_F(AcknowledgeTest, AStrangerDoesNot) {
  const auto c1 = Join("c1");
  const auto stranger = Connect(TestStatement("c2").Consumer("audit"));
  EXPECT_EQ(Acknowledge(*stranger, Epoch()), AcknowledgeOutcome::kNotMember);
  EXPECT_EQ(table_.Acknowledge(*c1, "none", 1, now_, &push_is_due_),
            AcknowledgeOutcome::kNotMember);
  const uint64_t epoch = Epoch();
  Join("c3");
  table_.Close(*c1, RemovalReason::kDisconnected, now_);
  EXPECT_EQ(Acknowledge(*c1, epoch), AcknowledgeOutcome::kNotMember);
  EXPECT_FALSE(push_is_due_);
}

TEST_F(AcknowledgeTest, EpochZeroAndTheNextEpochAreNone) {
  const auto c1 = Join("c1");
  EXPECT_EQ(Acknowledge(*c1, 0), AcknowledgeOutcome::kZero);
  EXPECT_EQ(Acknowledge(*c1, Epoch() + 1), AcknowledgeOutcome::kFuture);
  EXPECT_EQ(Member(0).acknowledged, 0);
}

TEST_F(AcknowledgeTest, NothingMovesBack) {
  const auto c1 = Join("c1");
  const uint64_t before = Epoch();
  Join("c2");
  EXPECT_FALSE(IsPushDue(*c1, Epoch()));
  EXPECT_FALSE(IsPushDue(*c1, before));
  EXPECT_EQ(Member(0).acknowledged, Epoch());
}

TEST_F(AcknowledgeTest, ASecondChannelAcknowledgesForItselfAlone) {
  const auto first = Join("c1");
  const auto second = Join("c1");
  Acknowledge(*second, Epoch());
  EXPECT_EQ(Member(0).acknowledged, 0);
  EXPECT_EQ(Member(1).acknowledged, Epoch());
}

TEST_F(AcknowledgeTest, WhatWasAcknowledgedGoesWithTheMembership) {
  const auto c1 = Join("c1");
  Join("c2");
  Acknowledge(*c1, Epoch());
  table_.Unregister(*c1, "c1", {}, {"orders"}, now_);
  Register(*c1, TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(Member(0).acknowledged, 0);
  EXPECT_THAT(Push(Round()), ElementsAre("0", "0"));
}

// --- When an acknowledgment makes a push due ---

TEST_F(AcknowledgeTest, AMemberThatWasToldNothingIsPushedFromWhatItHolds) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  EXPECT_TRUE(IsPushDue(*c1, held));
  EXPECT_THAT(PushMarked(), ElementsAre(absl::StrCat(held, "!")));
  EXPECT_THAT(PushMarked(), IsEmpty());
}

TEST_F(AcknowledgeTest, AMemberThatWasToldToAskIsPushedFromWhatItHolds) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  PushRound round = Round();
  round.has_client_ids = false;
  Push(round);
  EXPECT_TRUE(IsPushDue(*c1, held));
}

TEST_F(AcknowledgeTest, AMemberThatWasToldWhoIsThereIsNot) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  Push(Round());
  EXPECT_FALSE(IsPushDue(*c1, held));
  EXPECT_THAT(PushMarked(), IsEmpty());
}

TEST_F(AcknowledgeTest, ABarePushTellsNothing) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  PushRound round = Round();
  round.tells_all = false;
  Push(round);
  EXPECT_TRUE(IsPushDue(*c1, held));
}

TEST_F(AcknowledgeTest, ADifferenceTellsWhoIsThereIfTheSnapshotReachesBack) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Acknowledge(*c1, held);
  Join("c2");
  const uint64_t later = Epoch();
  Join("c3");
  PushRound round = Round();
  round.has_client_ids = false;
  round.oldest_base = held;
  Push(round);
  EXPECT_FALSE(IsPushDue(*c1, later));
  round.oldest_base = later + 1;
  Push(round);
  EXPECT_TRUE(IsPushDue(*c1, later));
}

TEST_F(AcknowledgeTest, AReplacingStreamIsToldAnew) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  const uint64_t held = Epoch();
  Join("c2");
  Push(Round());
  const auto c1 =
      Connect(TestStatement("c1").Incarnation(7).Consumer("orders"));
  EXPECT_TRUE(IsPushDue(*c1, held));
}

TEST_F(AcknowledgeTest, NoPushIsDueWhereNobodyIsPushed) {
  const auto c1 = Connect(TestStatement("c1").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  const uint64_t held = Epoch();
  Connect(TestStatement("c2").Consumer("orders").Model(
      MessageModel::kBroadcasting));
  EXPECT_FALSE(IsPushDue(*c1, held));
  EXPECT_FALSE(c1->attention());
}

// --- Rounds ---

TEST_F(AcknowledgeTest, ARoundReadsAllMembersInPieces) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Acknowledge(*c1, held);
  Join("c2");
  Join("c3");
  EXPECT_THAT(Push(Round()), ElementsAre(absl::StrCat(held), "0", "0"));
}

TEST_F(AcknowledgeTest, WhoJoinedAfterTheSnapshotIsLeftOut) {
  Join("c1");
  const PushRound round = Round();
  const auto c2 = Join("c2");
  EXPECT_TRUE(IsPushDue(*c2, round.epoch));
  EXPECT_THAT(Push(round), ElementsAre("0"));
  // Its mark stays.
  EXPECT_THAT(PushMarked(), ElementsAre(absl::StrCat(round.epoch, "!")));
}

TEST_F(AcknowledgeTest, ARoundOfAGroupThatHasGoneReadsNobody) {
  PushRound round;
  round.group = "orders";
  EXPECT_THAT(Push(round), IsEmpty());
}

// --- Attention ---

TEST_F(AcknowledgeTest, WhoIsBehindAfterAPushGetsAttentionUntilItCaughtUp) {
  const auto c1 = Join("c1");
  const auto old = Join("old");
  Acknowledge(*c1, Epoch());
  EXPECT_FALSE(c1->attention());
  Join("c2");
  Advance(absl::Seconds(1));
  Push(Round());
  EXPECT_TRUE(c1->attention());
  EXPECT_FALSE(old->attention());
  EXPECT_EQ(Member(0).behind_since, now_);
  const absl::Time since = now_;

  // A heartbeat each: pushed again each time, once.
  for (int i = 0; i < 2; ++i) {
    Advance(absl::Seconds(1));
    EXPECT_THAT(table_.MarkUnacknowledged(*c1), ElementsAre("orders"));
    EXPECT_TRUE(c1->attention());
    EXPECT_EQ(PushMarked().size(), 1);
    EXPECT_THAT(PushMarked(), IsEmpty());
    EXPECT_EQ(Member(0).behind_since, since);
  }
  Acknowledge(*c1, Epoch());
  EXPECT_EQ(Member(0).behind_since, absl::InfiniteFuture());
  EXPECT_THAT(table_.MarkUnacknowledged(*c1), IsEmpty());
  EXPECT_FALSE(c1->attention());
}

TEST_F(AcknowledgeTest, AnAcknowledgmentOfTheEpochTakesTheMarkBack) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  EXPECT_TRUE(IsPushDue(*c1, held));
  Acknowledge(*c1, Epoch());
  EXPECT_THAT(PushMarked(), IsEmpty());
}

TEST_F(AcknowledgeTest, EachGroupInWhichAChannelIsBehindIsMarked) {
  const auto c1 =
      Connect(TestStatement("c1").Consumer("orders").Consumer("audit"));
  Acknowledge(*c1, Epoch());
  table_.Acknowledge(*c1, "audit", table_.FindConsumerGroup("audit")->epoch,
                     now_, &push_is_due_);
  Connect(TestStatement("c2").Consumer("orders").Consumer("audit"));
  EXPECT_THAT(table_.MarkUnacknowledged(*c1), ElementsAre("orders", "audit"));
}

TEST_F(AcknowledgeTest, WhoNeverAcknowledgedIsNeverMarked) {
  const auto old = Join("old");
  Join("c2");
  Push(Round());
  EXPECT_THAT(table_.MarkUnacknowledged(*old), IsEmpty());
}

TEST_F(AcknowledgeTest, AMarkedMemberThatLeavesIsForgotten) {
  const auto c1 = Join("c1");
  const uint64_t held = Epoch();
  Join("c2");
  EXPECT_TRUE(IsPushDue(*c1, held));
  table_.Close(*c1, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(PushMarked(), IsEmpty());
}

}  // namespace
}  // namespace rmq
