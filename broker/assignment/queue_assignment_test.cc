#include "broker/assignment/queue_assignment.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::Each;
using ::testing::Eq;

std::vector<std::string> Members(size_t count) {
  std::vector<std::string> members;
  for (size_t i = 0; i < count; ++i) {
    members.push_back(absl::StrCat("10.0.0.", i, "@1@0@abc"));
  }
  return members;
}

// The queues of each member: "0,1 | 2".
std::string Averagely(size_t queues, size_t members) {
  std::vector<std::string> shares;
  for (size_t place = 0; place < members; ++place) {
    const QueueRange range = AllocateAveragely(queues, members, place);
    std::vector<size_t> share;
    for (size_t i = 0; i < range.count; ++i) share.push_back(range.first + i);
    shares.push_back(absl::StrJoin(share, ","));
  }
  return absl::StrJoin(shares, " | ");
}
std::string ByHash(size_t queues, size_t members) {
  const HashRing ring(Members(members));
  std::vector<std::vector<size_t>> shares(members);
  for (size_t i = 0; i < queues; ++i) {
    shares[ring.OwnerOf(QueueKey("T1", "broker-a", static_cast<int32_t>(i)))]
        .push_back(i);
  }
  std::vector<std::string> texts;
  for (const auto& share : shares) texts.push_back(absl::StrJoin(share, ","));
  return absl::StrJoin(texts, " | ");
}

// What RocketMQ 5.3.1's classes answer of topic "T1" of broker "broker-a".
TEST(QueueAssignmentTest, AveragelyIsAsRocketmqs) {
  EXPECT_EQ(Averagely(8, 1), "0,1,2,3,4,5,6,7");
  EXPECT_EQ(Averagely(8, 2), "0,1,2,3 | 4,5,6,7");
  EXPECT_EQ(Averagely(8, 3), "0,1,2 | 3,4,5 | 6,7");
  EXPECT_EQ(Averagely(8, 8), "0 | 1 | 2 | 3 | 4 | 5 | 6 | 7");
  EXPECT_EQ(Averagely(3, 5), "0 | 1 | 2 |  | ");
  EXPECT_EQ(Averagely(1, 2), "0 | ");
  EXPECT_EQ(Averagely(16, 5), "0,1,2,3 | 4,5,6 | 7,8,9 | 10,11,12 | 13,14,15");
}

TEST(QueueAssignmentTest, TheConsistentHashIsAsRocketmqs) {
  EXPECT_EQ(ByHash(8, 1), "0,1,2,3,4,5,6,7");
  EXPECT_EQ(ByHash(8, 2), "0,1,3,5 | 2,4,6,7");
  EXPECT_EQ(ByHash(8, 3), "0,1,3 | 4,6,7 | 2,5");
  EXPECT_EQ(ByHash(8, 8), "3 | 4 |  | 7 |  | 1,6 | 5 | 0,2");
  EXPECT_EQ(ByHash(3, 5), "0 |  | 2 |  | 1");
  EXPECT_EQ(ByHash(1, 2), "0 | ");
  EXPECT_EQ(ByHash(16, 5), "0,3,12,14,15 | 4,6,13 | 2,5 | 7,10 | 1,8,9,11");
}

TEST(QueueAssignmentTest, AveragelyNoQueueIsTwiceAndNoneIsLeftOut) {
  absl::BitGen random;
  for (int round = 0; round < 2000; ++round) {
    const size_t queues = absl::Uniform<size_t>(random, 1, 300);
    const size_t members = absl::Uniform<size_t>(random, 1, 300);
    std::vector<int> owners(queues);
    for (size_t place = 0; place < members; ++place) {
      const QueueRange range = AllocateAveragely(queues, members, place);
      ASSERT_LE(range.first + range.count, queues);
      EXPECT_LE(range.count, queues / members + 1);
      EXPECT_GE(range.count, queues / members);
      for (size_t i = 0; i < range.count; ++i) ++owners[range.first + i];
    }
    ASSERT_THAT(owners, Each(Eq(1))) << queues << " " << members;
  }
}

TEST(QueueAssignmentTest, AMemberThatGoesMovesOnlyItsOwnQueuesOnTheRing) {
  std::vector<std::string> members = Members(50);
  const HashRing before(members);
  const std::string gone = members[20];
  members.erase(members.begin() + 20);
  const HashRing after(members);
  const std::vector<std::string> all = Members(50);
  for (int32_t i = 0; i < 1000; ++i) {
    const std::string key = QueueKey("T1", "broker-a", i);
    const std::string& owner = all[before.OwnerOf(key)];
    if (owner == gone) continue;
    EXPECT_EQ(members[after.OwnerOf(key)], owner);
  }
}

TEST(QueueAssignmentTest, StrategiesHaveNames) {
  for (const auto strategy :
       {AssignmentStrategy::kAveragely, AssignmentStrategy::kConsistentHash}) {
    EXPECT_EQ(ParseAssignmentStrategy(Name(strategy)), strategy);
  }
  EXPECT_EQ(ParseAssignmentStrategy("AVG"), absl::nullopt);
}

}  // namespace
}  // namespace rmq
