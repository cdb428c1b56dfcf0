#include "broker/registry/group_history.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/registry/channel_record.h"
#include "common/member_change.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kBound = 3;

Departure Left(uint64_t joined, uint64_t left, ChannelId channel,
               absl::string_view client_id) {
  return {left, joined, channel, std::string(client_id),
          RemovalReason::kExpired};
}

std::vector<std::string> IdsOf(
    const std::vector<const Departure*>& departures) {
  std::vector<std::string> ids;
  for (const Departure* departure : departures) {
    ids.push_back(departure->client_id);
  }
  return ids;
}

TEST(GroupHistoryTest, BeginsWithTheGroup) {
  const GroupHistory history(5);
  EXPECT_EQ(history.oldest(), 5);
  EXPECT_EQ(history.size(), 0);
  EXPECT_THAT(history.After(0), IsEmpty());
  EXPECT_THAT(history.ThereAt(5, 0), IsEmpty());
}

TEST(GroupHistoryTest, TellsWhoLeftAfterAnEpoch) {
  GroupHistory history(1);
  history.Add(Left(1, 4, 1, "a"), 4, kBound);
  history.Add(Left(2, 6, 2, "b"), 6, kBound);
  history.Add(Left(3, 6, 3, "c"), 6, kBound);
  EXPECT_THAT(IdsOf(history.After(3)), ElementsAre("a", "b", "c"));
  EXPECT_THAT(IdsOf(history.After(4)), ElementsAre("b", "c"));
  EXPECT_THAT(IdsOf(history.After(5)), ElementsAre("b", "c"));
  EXPECT_THAT(IdsOf(history.After(6)), IsEmpty());
}

TEST(GroupHistoryTest, WasThereFromItsJoiningToTheMomentBeforeItLeft) {
  GroupHistory history(1);
  history.Add(Left(3, 6, 1, "a"), 6, kBound);
  EXPECT_THAT(IdsOf(history.ThereAt(2, 0)), IsEmpty());
  EXPECT_THAT(IdsOf(history.ThereAt(3, 0)), ElementsAre("a"));
  EXPECT_THAT(IdsOf(history.ThereAt(5, 0)), ElementsAre("a"));
  EXPECT_THAT(IdsOf(history.ThereAt(6, 0)), IsEmpty());
}

TEST(GroupHistoryTest, ThoseWhoWereThereComeInTheOrderOfTheirChannels) {
  GroupHistory history(1);
  history.Add(Left(1, 4, 9, "late"), 4, kBound);
  history.Add(Left(1, 5, 2, "early"), 5, kBound);
  history.Add(Left(1, 6, 5, "middle"), 6, kBound);
  EXPECT_THAT(IdsOf(history.ThereAt(1, 0)),
              ElementsAre("early", "middle", "late"));
  EXPECT_THAT(IdsOf(history.ThereAt(1, 2)), ElementsAre("middle", "late"));
  EXPECT_THAT(IdsOf(history.ThereAt(1, 9)), IsEmpty());
}

TEST(GroupHistoryTest, KeepsAsManyAsItsBound) {
  GroupHistory history(1);
  for (uint64_t i = 0; i < kBound; ++i) {
    history.Add(Left(1, 10 + i, i, "a"), 10 + i, kBound);
  }
  EXPECT_EQ(history.size(), kBound);
  EXPECT_EQ(history.oldest(), 1);
}

TEST(GroupHistoryTest, OneMoreDropsTheOldestAndIsWholeFromItsEpochOn) {
  GroupHistory history(1);
  for (uint64_t i = 0; i <= kBound; ++i) {
    history.Add(Left(1, 10 + i, i, "a"), 10 + i, kBound);
  }
  EXPECT_EQ(history.size(), kBound);
  EXPECT_EQ(history.oldest(), 10);
  EXPECT_EQ(history.After(10).size(), kBound);
}

TEST(GroupHistoryTest, ALowerBoundDropsMore) {
  GroupHistory history(1);
  for (uint64_t i = 0; i < kBound; ++i) {
    history.Add(Left(1, 10 + i, i, "a"), 10 + i, kBound);
  }
  history.Add(Left(1, 20, 7, "b"), 20, 1);
  EXPECT_THAT(IdsOf(history.After(0)), ElementsAre("b"));
  EXPECT_EQ(history.oldest(), 12);
}

TEST(GroupHistoryTest, AChannelWhoseIdStaysDoesNotEndTheListOfThePresent) {
  GroupHistory history(1);
  Departure stays = Left(1, 8, 1, "a");
  stays.stays = true;
  history.Add(stays, /*epoch=*/4, 1);
  history.Add(Left(1, 9, 2, "b"), /*epoch=*/9, 1);
  EXPECT_EQ(history.oldest(), 8);

  GroupHistory unmoved(1);
  unmoved.Add(stays, /*epoch=*/4, 1);
  stays.left = 9;
  unmoved.Add(stays, /*epoch=*/4, 1);
  EXPECT_EQ(unmoved.oldest(), 4);
}

TEST(GroupHistoryTest, ItsBoundIsTwiceTheMembersBetween64And1024) {
  EXPECT_EQ(GroupHistory::Bound(0), 64);
  EXPECT_EQ(GroupHistory::Bound(32), 64);
  EXPECT_EQ(GroupHistory::Bound(33), 66);
  EXPECT_EQ(GroupHistory::Bound(512), 1024);
  EXPECT_EQ(GroupHistory::Bound(513), 1024);
}

}  // namespace
}  // namespace rmq
