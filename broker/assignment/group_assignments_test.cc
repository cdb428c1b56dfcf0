#include "broker/assignment/group_assignments.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/assignment/queue_assignment.h"
#include "broker/registry/client_event.h"
#include "broker/registry/client_table_fixture.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class GroupAssignmentsTest : public ClientTableFixture {
 protected:
  std::vector<size_t> ShareOf(const std::string& client_id, size_t queues = 8,
                              const std::string& group = "orders") {
    return assignments_.ShareOf(group, client_id, "T1", Queues(queues), now_);
  }
  // So many queues of one broker.
  static std::vector<TopicQueue> Queues(size_t count) {
    std::vector<TopicQueue> queues;
    for (size_t i = 0; i < count; ++i) {
      queues.push_back({"broker-a", static_cast<int32_t>(i)});
    }
    return queues;
  }
  // How many members have each queue.
  static std::vector<int> Owners(GroupAssignments& assignments,
                                 const std::vector<std::string>& members,
                                 size_t queues, absl::Time now) {
    std::vector<int> owners(queues);
    for (const std::string& member : members) {
      for (const size_t place :
           assignments.ShareOf("orders", member, "T1", Queues(queues), now)) {
        ++owners[place];
      }
    }
    return owners;
  }

  GroupAssignments assignments_{{}, &table_};
};

TEST_F(GroupAssignmentsTest, MembersHaveTheirSharesInTheOrderOfTheirIds) {
  Connect(TestStatement("b").Consumer("orders"));
  Connect(TestStatement("a").Consumer("orders"));
  EXPECT_THAT(ShareOf("a", 3), ElementsAre(0, 1));
  EXPECT_THAT(ShareOf("b", 3), ElementsAre(2));
}

TEST_F(GroupAssignmentsTest, TheQueuesOfAllBrokersAreSharedTogether) {
  GroupAssignments::Options options;
  options.strategy = AssignmentStrategy::kConsistentHash;
  GroupAssignments by_hash(options, &table_);
  std::vector<TopicQueue> queues;
  for (const char* const broker : {"broker-a", "broker-b", "broker-c"}) {
    for (int32_t id = 0; id < 4; ++id) queues.push_back({broker, id});
  }
  const std::vector<std::string> members = {"c1", "c2", "c3", "c4", "c5"};
  for (const std::string& member : members) {
    Connect(TestStatement(member).Consumer("orders"));
  }
  for (GroupAssignments* const assignments : {&assignments_, &by_hash}) {
    std::vector<int> owners(queues.size());
    for (const std::string& member : members) {
      const std::vector<size_t> share =
          assignments->ShareOf("orders", member, "T1", queues, now_);
      if (assignments == &assignments_) {
        EXPECT_THAT(share.size(), AnyOf(2u, 3u)) << member;
      }
      for (const size_t place : share) ++owners[place];
    }
    EXPECT_THAT(owners, Each(Eq(1)));
  }
}

TEST_F(GroupAssignmentsTest, WhoIsNotInTheGroupHasNone) {
  EXPECT_THAT(ShareOf("a"), IsEmpty());
  Connect(TestStatement("a").Consumer("orders"));
  EXPECT_THAT(ShareOf("b"), IsEmpty());
  EXPECT_THAT(ShareOf("a", 8, "payments"), IsEmpty());
}

TEST_F(GroupAssignmentsTest, AClientWithTwoChannelsIsOneMember) {
  Connect(TestStatement("a").Consumer("orders"));
  Connect(TestStatement("a").Consumer("orders"));
  Connect(TestStatement("b").Consumer("orders"));
  EXPECT_THAT(ShareOf("a"), SizeIs(4));
  EXPECT_THAT(ShareOf("b"), SizeIs(4));
}

TEST_F(GroupAssignmentsTest, EachMemberOfABroadcastHasAll) {
  for (const char* const id : {"a", "b"}) {
    Connect(TestStatement(id).Consumer("orders").Model(
        MessageModel::kBroadcasting));
  }
  EXPECT_THAT(ShareOf("a"), SizeIs(8));
  EXPECT_THAT(ShareOf("b"), SizeIs(8));
}

TEST_F(GroupAssignmentsTest, AChangeIsSeenOnceItsTimeHasCome) {
  const auto a = Connect(TestStatement("a").Consumer("orders"));
  EXPECT_THAT(ShareOf("a"), SizeIs(8));
  Connect(TestStatement("b").Consumer("orders"));
  EXPECT_THAT(ShareOf("a"), SizeIs(8));
  Advance(GroupAssignments::kReadAnew - kMoment);
  EXPECT_THAT(ShareOf("a"), SizeIs(8));
  Advance(kMoment);
  EXPECT_THAT(ShareOf("a"), SizeIs(4));
  table_.Close(*a, RemovalReason::kUnregistered, now_);
  Advance(2 * GroupAssignments::kReadAnew);
  EXPECT_THAT(ShareOf("b"), SizeIs(8));
}

TEST_F(GroupAssignmentsTest, OnceMembersAreStillEachQueueIsOneMembers) {
  GroupAssignments::Options options;
  options.strategy = AssignmentStrategy::kConsistentHash;
  GroupAssignments by_hash(options, &table_);
  absl::BitGen random;
  std::vector<std::string> members;
  std::vector<FakeClientChannelPtr> channels;
  for (int round = 0; round < 200; ++round) {
    if (!members.empty() && absl::Bernoulli(random, 0.4)) {
      const size_t place = absl::Uniform<size_t>(random, 0, members.size());
      table_.Close(*channels[place], RemovalReason::kUnregistered, now_);
      members.erase(members.begin() + static_cast<ptrdiff_t>(place));
      channels.erase(channels.begin() + static_cast<ptrdiff_t>(place));
    } else {
      members.push_back(absl::StrCat("c", round));
      channels.push_back(
          Connect(TestStatement(members.back()).Consumer("orders")));
    }
    Advance(absl::Seconds(1));
    if (members.empty()) continue;
    const size_t queues = absl::Uniform<size_t>(random, 1, 40);
    for (GroupAssignments* const assignments : {&assignments_, &by_hash}) {
      ASSERT_THAT(Owners(*assignments, members, queues, now_), Each(Eq(1)))
          << round;
    }
  }
}

TEST_F(GroupAssignmentsTest, TheGroupThatWasAskedForLongestAgoGoes) {
  const size_t most = GroupAssignments::Options().max_groups;
  for (size_t i = 0; i <= most; ++i) {
    const std::string group = absl::StrCat("g", i);
    Connect(TestStatement("a").Consumer(group));
    EXPECT_THAT(ShareOf("a", 8, group), SizeIs(8));
    EXPECT_EQ(assignments_.groups(), std::min(i + 1, most));
  }
}

TEST_F(GroupAssignmentsTest, SoManyMembersAreKeptOrOneLargerGroup) {
  GroupAssignments::Options options;
  options.max_members = 3;
  GroupAssignments assignments(options, &table_);
  const auto ask = [&](const std::string& group, int members) {
    for (int i = 0; i < members; ++i) {
      Connect(TestStatement(absl::StrCat("c", i)).Consumer(group));
    }
    EXPECT_THAT(assignments.ShareOf(group, "c0", "T1", Queues(1), now_),
                ElementsAre(0));
  };
  ask("one", 1);
  ask("two", 2);
  EXPECT_EQ(assignments.groups(), 2);
  ask("another", 1);
  EXPECT_EQ(assignments.members(), 3);
  EXPECT_EQ(assignments.groups(), 2);
  ask("four", 4);
  EXPECT_EQ(assignments.members(), 4);
  EXPECT_EQ(assignments.groups(), 1);
}

TEST_F(GroupAssignmentsTest, AGroupOfMoreThanOnePieceIsReadWhole) {
  constexpr size_t kMembers = TableQueries::kMaxPiece + 10;
  std::vector<std::string> members;
  for (size_t i = 0; i < kMembers; ++i) {
    members.push_back(absl::StrCat("c", i));
    Connect(TestStatement(members.back()).Consumer("orders"));
  }
  EXPECT_THAT(Owners(assignments_, members, 1024, now_), Each(Eq(1)));
  EXPECT_EQ(assignments_.members(), kMembers);
}

}  // namespace
}  // namespace rmq
