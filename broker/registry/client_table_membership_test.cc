// Lists of client ids at an epoch, and what a round of pushes reads.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/group_history.h"
#include "broker/registry/membership_snapshot.h"
#include "broker/registry/table_queries.h"
#include "broker/registry/test_statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Outcome = ClientIdList::Outcome;

class MembershipTest : public ClientTableFixture {
 protected:
  FakeClientChannelPtr Join(absl::string_view client_id) {
    return Connect(TestStatement(client_id).Consumer("orders"));
  }
  void Leave(ClientChannel& channel) {
    table_.Close(channel, RemovalReason::kDisconnected, now_);
  }
  uint64_t Epoch() { return table_.FindConsumerGroup("orders")->epoch; }

  ClientIdList ListAt(uint64_t epoch, size_t max, MemberCursor* cursor) {
    return table_.ListClientIdsAt("orders", epoch, max, cursor);
  }
  // The whole list at an epoch, a client id a piece.
  std::vector<std::string> ListAt(uint64_t epoch) {
    std::vector<std::string> ids;
    MemberCursor cursor = 0;
    do {
      ClientIdList piece = ListAt(epoch, 1, &cursor);
      EXPECT_EQ(piece.outcome, Outcome::kListed);
      EXPECT_EQ(piece.epoch, epoch);
      for (std::string& id : piece.client_ids) ids.push_back(std::move(id));
    } while (cursor != 0);
    return ids;
  }

  // As a member that acknowledges makes the changes to be read.
  void AcknowledgeBy(ClientChannel& channel) {
    bool push_is_due = false;
    EXPECT_EQ(
        table_.Acknowledge(channel, "orders", Epoch(), now_, &push_is_due),
        AcknowledgeOutcome::kTaken);
  }
  MembershipSnapshot Read() {
    const absl::optional<MembershipSnapshot> read =
        table_.ReadMembership("orders");
    EXPECT_TRUE(read.has_value());
    return read.value_or(MembershipSnapshot());
  }
  // "+c1 -c2", in order.
  static std::string Changes(const MembershipSnapshot& snapshot) {
    std::string text;
    for (const MembershipSnapshot::Change& change : snapshot.changes) {
      const bool joined = change.change.type == MemberChange::Type::kJoined;
      absl::StrAppend(&text, text.empty() ? "" : " ", joined ? "+" : "-",
                      change.change.client_id);
    }
    return text;
  }
};

// --- Lists at an epoch ---

TEST_F(MembershipTest, AListOfNowTellsItsEpoch) {
  Join("c1");
  Join("c2");
  MemberCursor cursor = 0;
  const ClientIdList list = ListAt(0, 100, &cursor);
  EXPECT_EQ(list.outcome, Outcome::kListed);
  EXPECT_EQ(list.epoch, Epoch());
  EXPECT_THAT(list.client_ids, ElementsAre("c1", "c2"));
  EXPECT_EQ(cursor, 0);
}

TEST_F(MembershipTest, AGroupWithoutMembersHasNoListOfNow) {
  MemberCursor cursor = 0;
  EXPECT_EQ(ListAt(0, 100, &cursor).outcome, Outcome::kNoGroup);
  EXPECT_EQ(ListAt(1, 100, &cursor).outcome, Outcome::kGone);
  const auto c1 = Join("c1");
  const uint64_t epoch = Epoch();
  Leave(*c1);
  EXPECT_EQ(ListAt(0, 100, &cursor).outcome, Outcome::kNoGroup);
  // What it was is known.
  EXPECT_THAT(ListAt(epoch), ElementsAre("c1"));
  EXPECT_THAT(ListAt(epoch + 1), IsEmpty());
}

TEST_F(MembershipTest, AnEpochThatTheGroupHasNotReachedHasNoList) {
  Join("c1");
  MemberCursor cursor = 0;
  EXPECT_EQ(ListAt(Epoch() + 1, 100, &cursor).outcome, Outcome::kGone);
}

TEST_F(MembershipTest, WhoJoinsMeanwhileIsNotInTheList) {
  Join("c1");
  Join("c2");
  MemberCursor cursor = 0;
  const ClientIdList first = ListAt(0, 1, &cursor);
  Join("c3");
  EXPECT_THAT(ListAt(first.epoch, 100, &cursor).client_ids, ElementsAre("c2"));
  EXPECT_EQ(cursor, 0);
}

TEST_F(MembershipTest, WhoLeavesMeanwhileIsInTheListInItsPlace) {
  Join("c1");
  const auto c2 = Join("c2");
  Join("c3");
  MemberCursor cursor = 0;
  const ClientIdList first = ListAt(0, 1, &cursor);
  Leave(*c2);
  EXPECT_THAT(ListAt(first.epoch, 100, &cursor).client_ids,
              ElementsAre("c2", "c3"));
}

TEST_F(MembershipTest, WhoLeavesAndComesBackMeanwhileIsInTheListOnce) {
  Join("c1");
  const auto c2 = Join("c2");
  Join("c3");
  MemberCursor cursor = 0;
  const ClientIdList first = ListAt(0, 1, &cursor);
  Leave(*c2);
  Join("c2");
  EXPECT_THAT(ListAt(first.epoch, 100, &cursor).client_ids,
              ElementsAre("c2", "c3"));
  EXPECT_THAT(ListAt(Epoch()), ElementsAre("c1", "c3", "c2"));
}

TEST_F(MembershipTest, WhoIsReplacedMeanwhileIsInTheList) {
  Join("c1");
  Connect(TestStatement("c2").Incarnation(7).Consumer("orders"));
  Join("c3");
  MemberCursor cursor = 0;
  const ClientIdList first = ListAt(0, 1, &cursor);
  Connect(TestStatement("c2").Incarnation(7).Consumer("orders"));
  EXPECT_THAT(ListAt(first.epoch, 100, &cursor).client_ids,
              ElementsAre("c3", "c2"));
}

TEST_F(MembershipTest, EachEpochOfTheHistoryHasItsList) {
  const auto c1 = Join("c1");
  const uint64_t one = Epoch();
  const auto c2 = Join("c2");
  const uint64_t two = Epoch();
  Leave(*c1);
  const uint64_t three = Epoch();
  const auto back = Join("c1");
  Leave(*c2);
  EXPECT_THAT(ListAt(one), ElementsAre("c1"));
  EXPECT_THAT(ListAt(two), ElementsAre("c1", "c2"));
  EXPECT_THAT(ListAt(three), ElementsAre("c2"));
  EXPECT_THAT(ListAt(Epoch()), ElementsAre("c1"));
}

TEST_F(MembershipTest, AnIdWithTwoChannelsIsListedTwice) {
  Join("c1");
  Join("c1");
  EXPECT_THAT(ListAt(Epoch()), ElementsAre("c1", "c1"));
}

TEST_F(MembershipTest, AnIdIsFoundThoughItMovedBehindTheListing) {
  // An earlier channel of c9 joins once the listing has passed it.
  const auto early = Connect(TestStatement("c9").Consumer("audit"));
  Join("c1");
  const auto late = Join("c9");
  MemberCursor cursor = 0;
  const ClientIdList first = ListAt(0, 1, &cursor);
  EXPECT_THAT(first.client_ids, ElementsAre("c1"));
  Register(*early, TestStatement("c9").Consumer("audit").Consumer("orders"));
  Leave(*late);
  EXPECT_EQ(Epoch(), first.epoch);
  EXPECT_THAT(ListAt(first.epoch, 100, &cursor).client_ids, ElementsAre("c9"));
  // A listing that begins now finds it in its new place.
  cursor = 0;
  EXPECT_THAT(ListAt(0, 100, &cursor).client_ids, ElementsAre("c9", "c1"));
}

TEST_F(MembershipTest, AChannelOfTwoClientIdsIsListedUnderEach) {
  Join("c1");
  const auto channel = Join("c2");
  const uint64_t before = Epoch();
  Register(*channel, TestStatement("c3").Consumer("orders"));
  EXPECT_THAT(ListAt(before), ElementsAre("c1", "c2"));
  EXPECT_THAT(ListAt(Epoch()), ElementsAre("c1", "c3"));
}

TEST_F(MembershipTest, AListEndsWithTheHistory) {
  Join("c0");
  const auto first = Join("c1");
  const uint64_t epoch = Epoch();
  Leave(*first);
  for (size_t i = 1; i < GroupHistory::kFewest; ++i) Leave(*Join("c1"));
  EXPECT_THAT(ListAt(epoch), ElementsAre("c0", "c1"));
  MemberCursor cursor = 0;
  ListAt(epoch, 1, &cursor);
  EXPECT_NE(cursor, 0);
  Leave(*Join("c1"));
  EXPECT_EQ(ListAt(epoch, 1, &cursor).outcome, Outcome::kGone);
  EXPECT_EQ(cursor, 0);
  // The first departure that was forgotten: from there on it is whole.
  EXPECT_THAT(ListAt(epoch + 1), ElementsAre("c0"));
}

TEST_F(MembershipTest, TheHistorySurvivesTheEndOfTheGroup) {
  const auto c1 = Join("c1");
  const uint64_t epoch = Epoch();
  Leave(*c1);
  Join("c2");
  EXPECT_THAT(ListAt(epoch), ElementsAre("c1"));
}

TEST_F(MembershipTest, AListIsReadThoughAThousandHaveJoinedSince) {
  Join("c0");
  const uint64_t epoch = Epoch();
  for (size_t i = 0; i < ClientTable::kMaxPiece + 10; ++i) {
    Join(absl::StrCat("later", i));
  }
  MemberCursor cursor = 0;
  EXPECT_THAT(ListAt(epoch, 2, &cursor).client_ids, ElementsAre("c0"));
  EXPECT_EQ(cursor, 0);
}

// --- Snapshots ---

TEST_F(MembershipTest, NobodyToReadMakesNoSnapshot) {
  EXPECT_FALSE(table_.ReadMembership("orders").has_value());
  Leave(*Join("c1"));
  EXPECT_FALSE(table_.ReadMembership("orders").has_value());
}

TEST_F(MembershipTest, ASnapshotHasTheIdsOnceInTheOrderOfTheirChannels) {
  Join("b");
  Join("a");
  Join("b");
  const MembershipSnapshot snapshot = Read();
  EXPECT_EQ(snapshot.epoch, Epoch());
  EXPECT_THAT(snapshot.client_ids, ElementsAre("b", "a"));
}

TEST_F(MembershipTest, WhereNobodyAcknowledgesThereAreNoChanges) {
  Join("c1");
  Leave(*Join("c2"));
  const MembershipSnapshot snapshot = Read();
  EXPECT_THAT(snapshot.changes, IsEmpty());
  EXPECT_EQ(snapshot.oldest_base, snapshot.epoch);
}

TEST_F(MembershipTest, ChangesAreInOrderWithTheirEpochs) {
  const auto c1 = Join("c1");
  const uint64_t begin = Epoch();
  AcknowledgeBy(*c1);
  const auto c2 = Join("c2");
  Leave(*c2);
  const uint64_t left = Epoch();
  Join("c3");
  Join("c2");
  Join("c2");
  const MembershipSnapshot snapshot = Read();
  EXPECT_EQ(snapshot.oldest_base, begin);
  EXPECT_EQ(Changes(snapshot), "-c2 +c3 +c2");
  EXPECT_EQ(snapshot.changes[0].epoch, left);
  EXPECT_EQ(snapshot.changes[0].change.reason, RemovalReason::kDisconnected);
  EXPECT_EQ(snapshot.changes[2].epoch, Epoch());
}

TEST_F(MembershipTest, AHundredIdsAreThereAndOneMoreIsTooMany) {
  for (size_t i = 0; i < MembershipSnapshot::kMostClientIds; ++i) {
    Join(absl::StrCat("c", i));
  }
  EXPECT_THAT(Read().client_ids, SizeIs(100));
  // Another channel is no other id.
  Join("c1");
  EXPECT_THAT(Read().client_ids, SizeIs(100));
  Join("one more");
  EXPECT_THAT(Read().client_ids, IsEmpty());
}

TEST_F(MembershipTest, TheLatest1024ChangesAreKept) {
  const auto first = Join("c0");
  AcknowledgeBy(*first);
  const uint64_t begin = Epoch();
  for (size_t i = 1; i <= MembershipSnapshot::kMostChanges; ++i) {
    Join(absl::StrCat("c", i));
  }
  EXPECT_THAT(Read().changes, SizeIs(1024));
  EXPECT_EQ(Read().oldest_base, begin);
  Join("one more");
  EXPECT_THAT(Read().changes, SizeIs(1024));
  EXPECT_EQ(Read().oldest_base, begin + 1);
  EXPECT_EQ(Read().changes.front().change.client_id, "c2");
  EXPECT_EQ(Read().changes.back().change.client_id, "one more");
}

TEST_F(MembershipTest, AnEpochOfManyChangesIsKeptWholeOrNotAtAll) {
  std::vector<FakeClientChannelPtr> leaving;
  for (int i = 0; i < 3; ++i) leaving.push_back(Join(absl::StrCat("l", i)));
  const auto stays = Join("c0");
  for (size_t i = 0; i < MembershipSnapshot::kMostChanges - 1; ++i) {
    Join(absl::StrCat("before", i));
  }
  Advance(kExpiry + kMoment);
  std::vector<ClientChannelPtr> ended;
  MemberCursor cursor = 0;
  do {
    for (const MemberInfo& member :
         table_.ListMembers(GroupKind::kConsumer, "orders", 1000, &cursor)) {
      if (member.client_id[0] != 'l') member.channel->RenewLight(0, now_);
    }
  } while (cursor != 0);
  AcknowledgeBy(*stays);
  table_.BeginScan(now_);
  while (table_.ScanSome(now_, 10'000, &ended)) {
  }
  ASSERT_THAT(ended, SizeIs(3));
  const uint64_t left = Epoch();
  // The three left at one epoch, and are the oldest of too many.
  for (size_t i = 0; i < MembershipSnapshot::kMostChanges - 2; ++i) {
    Join(absl::StrCat("after", i));
  }
  const MembershipSnapshot snapshot = Read();
  EXPECT_EQ(snapshot.oldest_base, left);
  EXPECT_THAT(snapshot.changes, SizeIs(1022));
}

}  // namespace
}  // namespace rmq
