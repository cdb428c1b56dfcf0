#include "broker/watch/watcher.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "broker/watch/event_history.h"
#include "broker/watch/watch_fixture.h"
#include "common/response_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

WatchFilter Groups(std::vector<std::string> groups) {
  WatchFilter filter;
  filter.groups = std::move(groups);
  std::sort(filter.groups.begin(), filter.groups.end());
  return filter;
}

class WatcherTest : public WatchFixture {
 protected:
  using WatchFixture::WatchFixture;

  Watcher Snapshot(const WatchFilter& filter = {}) {
    Watcher watcher(&table_, &history_, filter);
    watcher.BeginWithSnapshot();
    return watcher;
  }
  // From the events of `revision` on.
  Watcher From(uint64_t revision, const WatchFilter& filter = {}) {
    Watcher watcher(&table_, &history_, filter);
    const CallStatus status = watcher.BeginAt(revision);
    EXPECT_TRUE(status.ok()) << status.message;
    return watcher;
  }
};

TEST_F(WatcherTest, AnEmptyTableHasASnapshotWithoutMembers) {
  Watcher watcher = Snapshot();
  EXPECT_THAT(Told(&watcher), ElementsAre("progress 0", "last 0"));
}

TEST_F(WatcherTest, TheSnapshotIsInTheOrderOfKindsGroupsAndChannels) {
  Connect(TestStatement("c1").Consumer("orders").Producer("p"));
  Connect(TestStatement("c2").Consumer("bills").Consumer("orders"));
  Watcher watcher = Snapshot();
  EXPECT_THAT(Told(&watcher),
              ElementsAre("progress 2", "snapshot c1@p",
                          "snapshot c2@bills c1@orders c2@orders", "last 2"));
}

TEST_F(WatcherTest, EventsFollowTheSnapshot) {
  Watcher watcher = Snapshot();
  Told(&watcher);
  const FakeClientChannelPtr c1 =
      Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_THAT(Told(&watcher), ElementsAre("1 CLIENT_REGISTER c1@orders",
                                          "1 REGISTER c1@orders"));
  table_.Close(*c1, RemovalReason::kDisconnected, now_);
  EXPECT_THAT(Told(&watcher), ElementsAre("2 CLIENT_UNREGISTER c1@orders",
                                          "2 UNREGISTER @orders"));
}

TEST_F(WatcherTest, OnlyItsGroupsAreWatched) {
  Connect(TestStatement("c1").Consumer("bills").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("trips").Producer("orders"));
  Watcher watcher = Snapshot(Groups({"orders", "trips", "nobody"}));
  EXPECT_THAT(Told(&watcher),
              ElementsAre("progress 2", "snapshot c2@orders",
                          "snapshot c1@orders", "snapshot c2@trips", "last 2"));
  Connect(TestStatement("c3").Consumer("bills").Producer("nobody"));
  EXPECT_THAT(Told(&watcher), ElementsAre("3 CLIENT_REGISTER c3@nobody"));
}

TEST_F(WatcherTest, OnlyItsKindsAreWatched) {
  Connect(TestStatement("c1").Consumer("orders").Producer("orders"));
  WatchFilter producers;
  producers.producers = true;
  Watcher watcher = Snapshot(producers);
  EXPECT_THAT(Told(&watcher),
              ElementsAre("progress 1", "snapshot c1@orders", "last 1"));
  Connect(TestStatement("c2").Consumer("orders").Producer("orders"));
  EXPECT_THAT(Told(&watcher), ElementsAre("2 CLIENT_REGISTER c2@orders"));
}

TEST_F(WatcherTest, AnEventOfNoGroupGoesToThoseWhoWatchAll) {
  Watcher all = From(1);
  Watcher one = From(1, Groups({"orders"}));
  WatchFilter consumers;
  consumers.consumers = true;
  Watcher kind = From(1, consumers);
  Connect(TestStatement("c1").Incarnation(1).Consumer("bills"));
  Connect(TestStatement("c1").Incarnation(2));
  EXPECT_THAT(Told(&all), ::testing::Contains("2 DUPLICATE_CLIENT_ID c1@"));
  EXPECT_THAT(Told(&one), ElementsAre("progress 0"));
  EXPECT_THAT(Told(&kind), SizeIs(3));  // Progress, and those of bills.
}

TEST_F(WatcherTest, AResumedWatchBeginsWithItsRevision) {
  Connect(TestStatement("c1").Producer("p"));
  Connect(TestStatement("c2").Producer("p"));
  Connect(TestStatement("c3").Producer("p"));
  Watcher watcher = From(2);
  EXPECT_THAT(Told(&watcher),
              ElementsAre("progress 1", "2 CLIENT_REGISTER c2@p",
                          "3 CLIENT_REGISTER c3@p"));
}

TEST_F(WatcherTest, AWatchMayBeginWithTheNextRevisionAndNoLaterOne) {
  Connect(TestStatement("c1").Producer("p"));
  Watcher next = From(2);
  Watcher later(&table_, &history_, {});
  const CallStatus status = later.BeginAt(3);
  EXPECT_EQ(status.code, absl::StatusCode::kOutOfRange);
  EXPECT_EQ(status.message,
            "from_revision must be 1 to 2, or 0 for a snapshot; got 3");
  Connect(TestStatement("c2").Producer("p"));
  EXPECT_THAT(Told(&next), ElementsAre("progress 1", "2 CLIENT_REGISTER c2@p"));
}

TEST_F(WatcherTest, ThereIsProgressEachTenSeconds) {
  Watcher watcher = From(1, Groups({"nobody"}));
  EXPECT_THAT(Told(&watcher), ElementsAre("progress 0"));
  Connect(TestStatement("c1").Producer("p"));
  EXPECT_THAT(Told(&watcher), IsEmpty());
  EXPECT_EQ(watcher.NextProgress(), now_ + absl::Seconds(10));
  Advance(absl::Seconds(10) - kMoment);
  EXPECT_THAT(Told(&watcher), IsEmpty());
  Advance(kMoment);
  // It is told of revisions that it does not watch.
  EXPECT_THAT(Told(&watcher), ElementsAre("progress 1"));
}

// --- A table that changes between the pieces ---

class WatcherPiecesTest : public WatcherTest {
 protected:
  // Two pieces of consumers of one group, and one member over.
  WatcherPiecesTest() {
    for (size_t i = 0; i <= 2 * Watcher::kPiece; ++i) {
      channels_.push_back(Connect(
          TestStatement(absl::StrCat("c", i)).Consumer("orders", {{"topic"}})));
    }
  }
  void Leave(size_t i) {
    table_.Close(*channels_[i], RemovalReason::kDisconnected, now_);
  }

  std::vector<FakeClientChannelPtr> channels_;
};

TEST_F(WatcherPiecesTest, APieceHasNoMoreMembersThanItMay) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);  // Progress.
  EXPECT_THAT(watcher.Next(now_).members, SizeIs(Watcher::kPiece));
  EXPECT_THAT(watcher.Next(now_).members, SizeIs(Watcher::kPiece));
  EXPECT_THAT(watcher.Next(now_).members, SizeIs(1));
  EXPECT_TRUE(watcher.Next(now_).last);
}

TEST_F(WatcherPiecesTest, WhoLeavesBehindTheReaderIsToldOf) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);
  watcher.Next(now_);
  Leave(0);
  EXPECT_EQ(Describe(watcher.Next(now_)), "514 CLIENT_UNREGISTER c0@orders");
}

TEST_F(WatcherPiecesTest, WhoLeavesBeforeTheReaderComesIsNotToldOf) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);
  watcher.Next(now_);
  Leave(Watcher::kPiece);
  const Watcher::Step piece = watcher.Next(now_);
  EXPECT_EQ(piece.kind, Watcher::Step::Kind::kSnapshot);
  EXPECT_EQ(piece.members.front().member.client_id,
            absl::StrCat("c", Watcher::kPiece + 1));
  EXPECT_THAT(Told(&watcher), ElementsAre("last 514"));
}

TEST_F(WatcherPiecesTest, AnEventThatAPieceHasAlreadyIsNotToldOf) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);
  watcher.Next(now_);
  watcher.Next(now_);
  // Joins at the end, which is not read yet.
  channels_.push_back(Connect(TestStatement("last").Consumer("orders")));
  const Watcher::Step piece = watcher.Next(now_);
  ASSERT_THAT(piece.members, SizeIs(2));
  EXPECT_EQ(piece.members.back().member.client_id, "last");
  EXPECT_THAT(Told(&watcher), ElementsAre("last 514"));
}

TEST_F(WatcherPiecesTest, TheLastPieceComesAfterTheEventsUpToIt) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);
  watcher.Next(now_);
  watcher.Next(now_);
  Leave(0);
  watcher.Next(now_);  // The event.
  watcher.Next(now_);  // The last member, as of revision 514.
  Leave(1);
  EXPECT_THAT(Told(&watcher),
              ElementsAre("last 514", "515 CLIENT_UNREGISTER c1@orders"));
}

TEST_F(WatcherPiecesTest, ManyEventsDoNotKeepTheSnapshotFromItsEnd) {
  Watcher watcher = Snapshot();
  watcher.Next(now_);
  int steps = 0;
  for (bool is_last = false; !is_last && steps < 100'000; ++steps) {
    // As many events as steps: the watcher never catches up.
    Connect(TestStatement(absl::StrCat("p", steps)).Producer("p"));
    is_last = watcher.Next(now_).last;
  }
  EXPECT_LT(steps, 100'000);
}

// --- A slow watcher ---

class SlowWatcherTest : public WatcherTest {
 protected:
  SlowWatcherTest() : WatcherTest(EventHistory::kFewestEvents) {}

  // As many revisions, each with one event.
  void Happen(size_t revisions) {
    for (size_t i = 0; i < revisions; ++i) {
      Connect(TestStatement(absl::StrCat("p", ++clients_)).Producer("p"));
    }
  }

  int clients_ = 0;
};

TEST_F(SlowWatcherTest, WhoIsBehindByAsManyEventsAsAreKeptGoesOn) {
  Watcher watcher = From(1);
  Happen(EventHistory::kFewestEvents);
  EXPECT_THAT(Told(&watcher), SizeIs(1 + EventHistory::kFewestEvents));
}

TEST_F(SlowWatcherTest, WhoIsBehindByOneMoreIsToldAndEnds) {
  Watcher watcher = From(1);
  EXPECT_THAT(Told(&watcher), ElementsAre("progress 0"));
  Happen(EventHistory::kFewestEvents + 1);
  const Watcher::Step end = watcher.Next(now_);
  EXPECT_EQ(end.kind, Watcher::Step::Kind::kEnd);
  EXPECT_EQ(end.status.code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(end.status.end_reason, "SLOW_WATCHER");
  EXPECT_THAT(end.status.message,
              HasSubstr("it was sent the events up to revision 0, and the "
                        "broker keeps those from revision 2 on"));
}

TEST_F(SlowWatcherTest, ARevisionThatIsForgottenIsOutOfRange) {
  Happen(EventHistory::kFewestEvents + 1);
  From(2);
  Watcher watcher(&table_, &history_, {});
  EXPECT_EQ(watcher.BeginAt(1).message,
            "from_revision must be 2 to 1002, or 0 for a snapshot; got 1");
}

// Of each event that the watcher passes on: its revision, and whether it goes
// on.
std::vector<std::string> Parts(Watcher* watcher, absl::Time now) {
  std::vector<std::string> parts;
  for (;;) {
    const Watcher::Step step = watcher->Next(now);
    if (step.kind == Watcher::Step::Kind::kNothing) return parts;
    if (step.kind != Watcher::Step::Kind::kEvent) {
      EXPECT_FALSE(step.goes_on);
      continue;
    }
    parts.push_back(
        absl::StrCat(step.event->revision, step.goes_on ? " goes on" : ""));
  }
}

TEST_F(WatcherTest, AnEventGoesOnUntilTheLastOneOfItsRevision) {
  Watcher watcher = Snapshot();
  Told(&watcher);
  Connect(TestStatement("c1").Consumer("a").Producer("p"));
  Connect(TestStatement("c2").Producer("p"));
  EXPECT_THAT(Parts(&watcher, now_),
              ElementsAre("1 goes on", "1 goes on", "1", "2"));
}

TEST_F(WatcherTest, OneWhoReadsInPiecesDoesNotTakeAPieceForTheWholeRevision) {
  Watcher watcher = Snapshot();
  Told(&watcher);
  TestStatement stated("c1");
  for (int i = 0; i < 100; ++i) stated.Producer(absl::StrCat("p", i));
  Connect(stated);
  const std::vector<std::string> parts = Parts(&watcher, now_);
  ASSERT_THAT(parts, SizeIs(100));
  for (size_t i = 0; i < 99; ++i) EXPECT_EQ(parts[i], "1 goes on") << i;
  EXPECT_EQ(parts[99], "1");
}

TEST_F(WatcherTest, ProgressDoesNotComeWithinARevision) {
  Watcher watcher = Snapshot();
  Told(&watcher);
  Connect(TestStatement("c1").Consumer("a"));
  EXPECT_EQ(Describe(watcher.Next(now_)), "1 CLIENT_REGISTER c1@a");
  Advance(Watcher::kProgressPeriod);
  EXPECT_THAT(Told(&watcher), ElementsAre("1 REGISTER c1@a", "progress 0"));
}

}  // namespace
}  // namespace rmq
