#include "broker/notify/push_content.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "broker/registry/membership_push.h"
#include "broker/registry/membership_snapshot.h"
#include "common/member_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MembershipSnapshot::Change Joined(uint64_t epoch, const std::string& id) {
  return {epoch, {id, MemberChange::Type::kJoined}};
}
MembershipSnapshot::Change Left(
    uint64_t epoch, const std::string& id,
    RemovalReason reason = RemovalReason::kDisconnected) {
  return {epoch, {id, MemberChange::Type::kLeft, reason}};
}

MembershipSnapshot Snapshot(uint64_t oldest_base, uint64_t epoch,
                            std::vector<MembershipSnapshot::Change> changes) {
  MembershipSnapshot snapshot;
  snapshot.oldest_base = oldest_base;
  snapshot.epoch = epoch;
  snapshot.changes = std::move(changes);
  return snapshot;
}

// "+c1 -c2 EXPIRED", or "all c1 c2", after the base epoch.
std::string Describe(const MembershipPush& push) {
  std::string text = absl::StrCat("from ", push.base_epoch);
  for (const MemberChange& change : push.changes) {
    if (change.type == MemberChange::Type::kJoined) {
      absl::StrAppend(&text, " +", change.client_id);
    } else {
      absl::StrAppend(&text, " -", change.client_id, " ", Name(change.reason));
    }
  }
  if (push.complete) absl::StrAppend(&text, " all");
  for (const std::string& id : push.client_ids) absl::StrAppend(&text, " ", id);
  return text;
}

// The list that a client makes of the push and of the list that it has.
absl::btree_set<std::string> Applied(const MembershipPush& push,
                                     absl::btree_set<std::string> list) {
  for (const MemberChange& change : push.changes) {
    if (change.type == MemberChange::Type::kJoined) {
      list.insert(change.client_id);
    } else {
      list.erase(change.client_id);
    }
  }
  return list;
}

TEST(PushContentTest, ADifferenceSaysWhatHasChangedSinceItsBase) {
  PushContent content("orders",
                      Snapshot(2, 9,
                               {Joined(3, "c1"), Left(5, "c2"), Joined(5, "c3"),
                                Left(9, "c4", RemovalReason::kExpired)}));
  const auto push = content.From(4);
  EXPECT_EQ(push->group, "orders");
  EXPECT_EQ(push->epoch, 9);
  EXPECT_EQ(Describe(*push), "from 4 -c2 DISCONNECTED +c3 -c4 EXPIRED");
  EXPECT_EQ(KindOf(*push), PushKind::kDifference);
}

TEST(PushContentTest, TheChangeOfTheBaseItselfIsKnown) {
  PushContent content("orders",
                      Snapshot(2, 9, {Joined(3, "c1"), Joined(9, "c2")}));
  EXPECT_EQ(Describe(*content.From(3)), "from 3 +c2");
  EXPECT_EQ(Describe(*content.From(2)), "from 2 +c1 +c2");
}

TEST(PushContentTest, FromTheOldestBaseThereIsADifference) {
  PushContent content("orders", Snapshot(5, 7, {Joined(7, "c1")}));
  EXPECT_EQ(Describe(*content.From(5)), "from 5 +c1");
  EXPECT_EQ(Describe(*content.From(6)), "from 6 +c1");
}

TEST(PushContentTest, FromBelowTheOldestBaseThePushIsComplete) {
  MembershipSnapshot snapshot = Snapshot(5, 7, {Joined(7, "c1")});
  snapshot.client_ids = {"c1", "c2"};
  PushContent content("orders", snapshot);
  EXPECT_EQ(Describe(*content.From(4)), "from 4 all c1 c2");
  EXPECT_EQ(KindOf(*content.From(4)), PushKind::kComplete);
}

TEST(PushContentTest, WithoutABaseThePushIsCompleteHoweverLongTheHistory) {
  MembershipSnapshot snapshot = Snapshot(0, 7, {Joined(7, "c1")});
  snapshot.client_ids = {"c1"};
  PushContent content("orders", snapshot);
  EXPECT_EQ(Describe(*content.From(0)), "from 0 all c1");
}

TEST(PushContentTest, ACompletePushOfTooManyIdsHasNone) {
  PushContent content("orders", Snapshot(5, 7, {Joined(7, "c1")}));
  EXPECT_EQ(Describe(*content.From(0)), "from 0 all");
  EXPECT_EQ(KindOf(*content.From(0)), PushKind::kCompleteWithoutIds);
}

TEST(PushContentTest, ABarePushHasTheSnapshotsEpochTwice) {
  PushContent content("orders", Snapshot(5, 7, {Joined(7, "c1")}));
  const auto push = content.Bare();
  EXPECT_TRUE(push->is_bare());
  EXPECT_EQ(push->epoch, 7);
  EXPECT_EQ(Describe(*push), "from 7");
  EXPECT_EQ(KindOf(*push), PushKind::kBare);
}

TEST(PushContentTest, OfOneIdTheLastChangeIsTold) {
  PushContent content("orders", Snapshot(1, 4,
                                         {Joined(2, "c1"), Left(3, "c1"),
                                          Joined(3, "c2"), Joined(4, "c1")}));
  EXPECT_EQ(Describe(*content.From(1)), "from 1 +c2 +c1");
  EXPECT_EQ(Describe(*content.From(2)), "from 2 +c2 +c1");
  EXPECT_EQ(Describe(*content.From(3)), "from 3 +c1");
}

TEST(PushContentTest, AnIdThatLeftTwiceIsToldOnceWithItsLastReason) {
  PushContent content(
      "orders",
      Snapshot(1, 4,
               {Left(2, "c1", RemovalReason::kExpired), Joined(3, "c1"),
                Left(4, "c1", RemovalReason::kKicked)}));
  EXPECT_EQ(Describe(*content.From(1)), "from 1 -c1 KICKED");
}

TEST(PushContentTest, TheChangesMakeTheListOfAnyListFromTheBaseOn) {
  PushContent content("orders", Snapshot(1, 4,
                                         {Joined(2, "b"), Left(3, "a"),
                                          Joined(3, "c"), Left(4, "b")}));
  const auto push = content.From(1);
  EXPECT_THAT(Applied(*push, {"a"}), ElementsAre("c"));       // Epoch 1.
  EXPECT_THAT(Applied(*push, {"a", "b"}), ElementsAre("c"));  // Epoch 2.
  EXPECT_THAT(Applied(*push, {"b", "c"}), ElementsAre("c"));  // Epoch 3.
  EXPECT_THAT(Applied(*push, {"c"}), ElementsAre("c"));
}

TEST(PushContentTest, AsManyChangesAsASnapshotHasMakeADifference) {
  std::vector<MembershipSnapshot::Change> changes;
  for (size_t i = 1; i <= MembershipSnapshot::kMostChanges; ++i) {
    changes.push_back(Joined(i, absl::StrCat("c", i)));
  }
  PushContent content("orders",
                      Snapshot(0, MembershipSnapshot::kMostChanges, changes));
  EXPECT_THAT(content.From(1)->changes,
              SizeIs(MembershipSnapshot::kMostChanges - 1));
}

TEST(PushContentTest, ChannelsWithTheSameBaseShareOnePush) {
  PushContent content("orders", Snapshot(1, 4, {Joined(4, "c1")}));
  for (uint64_t base : {0, 1, 2, 4}) {
    EXPECT_EQ(content.From(base), content.From(base)) << base;
  }
  EXPECT_NE(content.From(1), content.From(2));
}

TEST(PushContentTest, SixteenBasesGetADifferenceAndTheNextIsTooMany) {
  MembershipSnapshot snapshot = Snapshot(1, 100, {Joined(100, "c1")});
  snapshot.client_ids = {"c1"};
  PushContent content("orders", snapshot);
  for (uint64_t base = 1; base <= PushContent::kMostDifferences; ++base) {
    EXPECT_EQ(Describe(*content.From(base)),
              absl::StrCat("from ", base, " +c1"));
  }
  EXPECT_EQ(Describe(*content.From(17)), "from 17 all c1");
  EXPECT_EQ(Describe(*content.From(16)), "from 16 +c1");  // Made already.
}

TEST(PushContentTest, OfManyBasesTheFirstAreKeptToBeShared) {
  PushContent content("orders", Snapshot(1, 1000, {Joined(1000, "c1")}));
  const uint64_t most = PushContent::kMostShared;
  for (uint64_t base = 1; base <= most; ++base) content.From(base);
  EXPECT_EQ(content.From(most), content.From(most));
  EXPECT_NE(content.From(most + 1), content.From(most + 1));
  EXPECT_EQ(Describe(*content.From(most + 1)),
            absl::StrCat("from ", most + 1, " all"));
}

TEST(PushContentTest, WhatIsMadeOfAPushIsMadeOnce) {
  PushContent content("orders", Snapshot(1, 4, {Joined(4, "c1")}));
  const auto push = content.From(1);
  int made = 0;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(push->message.Get<std::string>(
                  [&made] { return absl::StrCat("made ", ++made); }),
              "made 1");
  }
  EXPECT_THAT(push->client_ids, IsEmpty());
}

}  // namespace
}  // namespace rmq
