#include "broker/registry/member_ranking.h"

#include <memory>
#include <vector>

#include "broker/registry/channel_record.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

class MemberRankingTest : public ::testing::Test {
 protected:
  MemberRankingTest() {
    for (int i = 0; i < 4; ++i) {
      channels_.push_back(
          std::make_unique<ChannelRecord>(ChannelKind::kStream));
      channels_.back()->id = i + 1;
    }
  }

  ChannelRecord& Channel(int at) { return *channels_[at]; }

  std::vector<std::unique_ptr<ChannelRecord>> channels_;
  MemberRanking ranking_;
};

TEST_F(MemberRankingTest, NobodyLeadsAnEmptyOne) {
  EXPECT_TRUE(ranking_.is_known());
  EXPECT_EQ(ranking_.leader(), nullptr);
}

TEST_F(MemberRankingTest, TheGreatestRankLeads) {
  ranking_.Insert({1, 0}, Channel(0), 3);
  ranking_.Insert({3, 0}, Channel(1), 3);
  ranking_.Insert({2, 0}, Channel(2), 3);
  EXPECT_EQ(ranking_.leader(), &Channel(1));
  ranking_.Erase(Channel(1));
  EXPECT_EQ(ranking_.leader(), &Channel(2));
  ranking_.Erase(Channel(2));
  EXPECT_EQ(ranking_.leader(), &Channel(0));
  ranking_.Erase(Channel(0));
  EXPECT_TRUE(ranking_.is_known());
  EXPECT_EQ(ranking_.leader(), nullptr);
}

TEST_F(MemberRankingTest, OfEqualRanksTheFirstLeads) {
  ranking_.Insert({1, 0}, Channel(1), 2);
  ranking_.Insert({1, 0}, Channel(0), 2);
  EXPECT_EQ(ranking_.leader(), &Channel(1));
}

TEST_F(MemberRankingTest, ALookIsWantedOnceAllThatWereKeptHaveLeft) {
  ranking_.Insert({1, 0}, Channel(0), 2);
  ranking_.Insert({2, 0}, Channel(1), 2);
  ranking_.Insert({3, 0}, Channel(2), 2);
  ranking_.Erase(Channel(2));
  EXPECT_TRUE(ranking_.is_known());
  ranking_.Erase(Channel(1));
  EXPECT_TRUE(ranking_.wants_look());
  EXPECT_EQ(ranking_.leader(), nullptr);
}

TEST_F(MemberRankingTest, ALookFindsTheLeader) {
  ranking_.SetLeader({9, 0}, Channel(3), /*has_others=*/true);
  ranking_.Erase(Channel(3));
  ASSERT_TRUE(ranking_.wants_look());
  ranking_.BeginLook();
  const int ranks[] = {1, 5, 3};
  for (int i = 2; i >= 0; --i) {
    ranking_.LookAt(Channel(i));
    ranking_.Offer({ranks[i], 0}, Channel(i), 1);
  }
  EXPECT_EQ(ranking_.leader(), nullptr);
  ranking_.EndLook();
  EXPECT_EQ(ranking_.leader(), &Channel(1));
}

TEST_F(MemberRankingTest, AMemberThatMayComeAfterUnknownOnesIsNotKept) {
  ranking_.SetLeader({5, 0}, Channel(0), /*has_others=*/true);
  // Another one of rank 4 may be among the others.
  ranking_.Insert({3, 0}, Channel(1), 2);
  ranking_.Erase(Channel(0));
  EXPECT_TRUE(ranking_.wants_look());
}

TEST_F(MemberRankingTest, AMemberThatIsRaisedComesBeforeAllUnknownOnes) {
  ranking_.SetLeader({5, 0}, Channel(0), /*has_others=*/true);
  ranking_.Raise({6, 0}, Channel(0), 1);
  EXPECT_TRUE(ranking_.is_known());
  EXPECT_EQ(ranking_.leader(), &Channel(0));
}

TEST_F(MemberRankingTest, WhoJoinsBehindALookIsRankedAtOnce) {
  ranking_.SetLeader({9, 0}, Channel(3), /*has_others=*/true);
  ranking_.Erase(Channel(3));
  ranking_.BeginLook();
  ranking_.LookAt(Channel(1));  // It has no rank; neither has Channel(2).
  ranking_.Insert({1, 0}, Channel(2), 1);
  ranking_.EndLook();
  EXPECT_EQ(ranking_.leader(), &Channel(2));
}

TEST_F(MemberRankingTest, WhoJoinsBeforeALookIsLeftToIt) {
  ranking_.SetLeader({9, 0}, Channel(3), /*has_others=*/true);
  ranking_.Erase(Channel(3));
  ranking_.BeginLook();
  ranking_.LookAt(Channel(2));
  ranking_.Insert({7, 0}, Channel(1), 2);
  ranking_.LookAt(Channel(1));
  ranking_.Offer({7, 0}, Channel(1), 2);
  ranking_.EndLook();
  ranking_.Erase(Channel(1));
  EXPECT_EQ(ranking_.leader(), nullptr) << "it was kept twice";
}

TEST_F(MemberRankingTest, ALookBeginsAnewWhenAllThatItKeptHaveLeft) {
  ranking_.SetLeader({9, 0}, Channel(3), /*has_others=*/true);
  ranking_.Erase(Channel(3));
  ranking_.BeginLook();
  for (int i = 2; i >= 1; --i) {
    ranking_.LookAt(Channel(i));
    ranking_.Offer({i, 0}, Channel(i), 1);
  }
  ranking_.Erase(Channel(2));
  EXPECT_TRUE(ranking_.wants_look());
  ranking_.LookAt(Channel(0));
  ranking_.Offer({0, 0}, Channel(0), 1);
  ranking_.EndLook();
  EXPECT_TRUE(ranking_.wants_look());
}

TEST_F(MemberRankingTest, EveryThirtySecondMemberIsKept) {
  EXPECT_EQ(MemberRanking::Capacity(1), 1);
  EXPECT_EQ(MemberRanking::Capacity(63), 1);
  EXPECT_EQ(MemberRanking::Capacity(64), 2);
  EXPECT_EQ(MemberRanking::Capacity(1'000'000), 1024);
}

}  // namespace
}  // namespace rmq
