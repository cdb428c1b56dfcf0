#include "broker/registry/group_consistency.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/registry/member_statement.h"
#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ConsumerModes kModes = {ConsumeType::kConsumePassively,
                                  MessageModel::kClustering,
                                  ConsumeFromWhere::kLastOffset};

class GroupConsistencyTest : public ::testing::Test {
 protected:
  // A member of the group, by its place in `members_`.
  MemberStatement Make(std::vector<SubscriptionStatement> subscriptions,
                       const ConsumerModes& modes = kModes) {
    ConsumerStatement stated;
    stated.modes = modes;
    stated.subscriptions = subscriptions;
    return pool_.Update(MemberStatement(), stated);
  }
  MemberStatement Tags(absl::string_view expression, int64_t version = 1) {
    return Make({{"orders", expression, "TAG", version}});
  }

  void Join(MemberStatement statement) {
    group_.Restate(MemberStatement(), statement, now_);
    members_.push_back(std::move(statement));
  }
  void Restate(size_t member, MemberStatement statement) {
    group_.Restate(members_[member], statement, now_);
    members_[member] = std::move(statement);
  }
  void Leave(size_t member) {
    group_.Remove(members_[member]);
    members_.erase(members_.begin() + static_cast<ptrdiff_t>(member));
  }

  // "3:a 2:b", the reference first.
  std::vector<std::string> Camps() {
    std::vector<std::string> camps;
    group_.VisitCamps([&](const GroupConsistency::Camp& camp) {
      camps.push_back(absl::StrCat(
          camp.members, ":", camp.statement.form().topics.at(0).expression));
      return true;
    });
    return camps;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  MemberStatementPool pool_;
  std::vector<MemberStatement> members_;
  GroupConsistency group_;
};

TEST_F(GroupConsistencyTest, AGroupWithoutMembersIsConsistentAndHasNoCamp) {
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_THAT(Camps(), IsEmpty());
}

TEST_F(GroupConsistencyTest, MembersThatStateTheSameTextNeedNoForms) {
  Join(Tags("a"));
  Join(Tags("a", 2));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_EQ(pool_.forms(), 0);
  EXPECT_THAT(Camps(), ElementsAre("2:a"));
}

TEST_F(GroupConsistencyTest, OtherTextsOfTheSameFormAreConsistent) {
  Join(Tags("a||b"));
  Join(Tags("b || a"));
  ConsumerModes from_first = kModes;
  from_first.consume_from_where = ConsumeFromWhere::kFirstOffset;
  from_first.message_model = MessageModel::kUnspecified;
  Join(Make({{"orders", "b||a", "", 1}}, from_first));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_THAT(Camps(), ElementsAre("3:a || b"));
  // Also once nobody states the first text.
  Leave(0);
  Join(Tags("a|| b"));
  EXPECT_TRUE(group_.is_consistent());
}

TEST_F(GroupConsistencyTest, TheReferenceIsTheCampWithMostMembers) {
  Join(Tags("a"));
  Join(Tags("b"));
  Join(Tags("b"));
  EXPECT_FALSE(group_.is_consistent());
  EXPECT_THAT(Camps(), ElementsAre("2:b", "1:a"));
  EXPECT_TRUE(group_.IsOdd(members_[0]));
  EXPECT_FALSE(group_.IsOdd(members_[1]));
}

TEST_F(GroupConsistencyTest, OfEqualCampsTheOneStatedFirstIsTheReference) {
  Join(Tags("b"));
  Join(Tags("a"));
  EXPECT_THAT(Camps(), ElementsAre("1:b", "1:a"));
  Join(Tags("a"));
  EXPECT_THAT(Camps(), ElementsAre("2:a", "1:b"));
  Leave(1);
  EXPECT_THAT(Camps(), ElementsAre("1:b", "1:a"));
}

TEST_F(GroupConsistencyTest, ModesAreCompared) {
  Join(Tags("a"));
  ConsumerModes pull = kModes;
  pull.consume_type = ConsumeType::kConsumeActively;
  Join(Make({{"orders", "a", "TAG", 1}}, pull));
  EXPECT_FALSE(group_.is_consistent());
  Leave(1);
  EXPECT_TRUE(group_.is_consistent());
  ConsumerModes broadcasting = kModes;
  broadcasting.message_model = MessageModel::kBroadcasting;
  Join(Make({{"orders", "a", "TAG", 1}}, broadcasting));
  EXPECT_FALSE(group_.is_consistent());
}

TEST_F(GroupConsistencyTest, AMemberWithoutSubscriptionsIsLeftOut) {
  Join(Make({}));
  Join(Tags("a"));
  Join(Make({}));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_EQ(group_.members(), 1);
  Join(Tags("b"));
  EXPECT_FALSE(group_.is_consistent());
  EXPECT_FALSE(group_.IsOdd(members_[0]));
  EXPECT_EQ(group_.CampOf(members_[0]), 0);
  // It may begin and stop to state something.
  Restate(0, Tags("b"));
  EXPECT_THAT(Camps(), ElementsAre("2:b", "1:a"));
  Restate(1, Make({}));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_THAT(Camps(), ElementsAre("2:b"));
}

TEST_F(GroupConsistencyTest, AGroupIsConsistentAgainWhenOneCampIsLeft) {
  Join(Tags("a"));
  now_ += absl::Seconds(1);
  Join(Tags("b"));
  EXPECT_EQ(group_.inconsistent_since(), now_);
  now_ += absl::Seconds(1);
  Join(Tags("c"));
  EXPECT_EQ(group_.inconsistent_since(), now_ - absl::Seconds(1));
  Leave(0);
  EXPECT_FALSE(group_.is_consistent());
  Restate(0, Tags("c"));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_THAT(Camps(), ElementsAre("2:c"));
  group_.VisitCamps([&](const GroupConsistency::Camp& camp) {
    EXPECT_EQ(camp.stated_since, now_);
    return true;
  });
}

TEST_F(GroupConsistencyTest, TheOnlyMemberMayStateAnything) {
  Join(Tags("a"));
  now_ += absl::Seconds(1);
  Restate(0, Tags("b"));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_THAT(Camps(), ElementsAre("1:b"));
  Leave(0);
  EXPECT_THAT(Camps(), IsEmpty());
  Join(Tags("c"));
  EXPECT_THAT(Camps(), ElementsAre("1:c"));
}

TEST_F(GroupConsistencyTest, MembersThatChangeOneByOneMoveTheReference) {
  for (int i = 0; i < 3; ++i) Join(Tags("a"));
  Restate(0, Tags("b"));
  EXPECT_THAT(Camps(), ElementsAre("2:a", "1:b"));
  Restate(1, Tags("b"));
  EXPECT_THAT(Camps(), ElementsAre("2:b", "1:a"));
  Restate(2, Tags("b"));
  EXPECT_TRUE(group_.is_consistent());
}

TEST_F(GroupConsistencyTest, WordsNameTheGroupAndBothSides) {
  Join(Tags("a"));
  for (int i = 0; i < 2; ++i) Join(Tags("b"));
  EXPECT_EQ(group_.DescribeOdd("g", members_[0]),
            "group g: topic orders: this client states TAG a, 2 of 3 members "
            "state TAG b");
  EXPECT_EQ(group_.Describe(),
            "topic orders: 1 of 3 members states TAG a, 2 of 3 members state "
            "TAG b");
}

class RejectionTest : public GroupConsistencyTest {
 protected:
  std::string Rejection(const MemberStatement& stated,
                        const std::vector<size_t>& leaving = {}) {
    std::vector<const MemberStatement*> left;
    for (const size_t member : leaving) left.push_back(&members_[member]);
    return group_.DescribeIfOddAmongOthers("g", stated, left);
  }
};

TEST_F(RejectionTest, ANewcomerMustStateWhatTheOthersDo) {
  EXPECT_EQ(Rejection(Tags("a")), "");
  Join(Tags("a"));
  EXPECT_EQ(Rejection(Tags("a")), "");
  EXPECT_EQ(Rejection(Make({})), "");
  EXPECT_EQ(Rejection(Tags("b")),
            "group g: topic orders: this client states TAG b, 1 of 1 other "
            "members states TAG a");
}

TEST_F(RejectionTest, TheOnlyMemberMayChange) {
  Join(Tags("a"));
  EXPECT_EQ(Rejection(Tags("b"), {0}), "");
  Join(Make({}));
  EXPECT_EQ(Rejection(Tags("b"), {0}), "");
  Join(Tags("a"));
  EXPECT_NE(Rejection(Tags("b"), {0}), "");
  // Both are the client's own: one is replaced.
  EXPECT_EQ(Rejection(Tags("b"), {0, 2}), "");
}

TEST_F(RejectionTest, TheReferenceIsThatOfTheOthers) {
  for (int i = 0; i < 2; ++i) Join(Tags("a"));
  for (int i = 0; i < 2; ++i) Join(Tags("b"));
  // Of the others, one states a and two state b.
  EXPECT_NE(Rejection(Tags("a"), {0}), "");
  EXPECT_EQ(Rejection(Tags("b"), {0}), "");
  // Two state a and one states b.
  EXPECT_EQ(Rejection(Tags("a"), {2}), "");
  EXPECT_NE(Rejection(Tags("b"), {2}), "");
  // Of two that state a and two that state b, a was stated first.
  EXPECT_EQ(Rejection(Tags("a")), "");
  EXPECT_NE(Rejection(Tags("b")), "");
}

TEST_F(GroupConsistencyTest, AMemberWithInferredSubscriptionsIsInNoCamp) {
  const SubscriptionStatement inferred = {"orders", "", kInferredExpressionType,
                                          kInferredSubVersion};
  Join(Tags("a"));
  Join(Make({inferred}));
  EXPECT_TRUE(group_.is_consistent());
  EXPECT_EQ(group_.members(), 1);
  // One that it states besides counts.
  Join(Make({inferred, {"payments", "*", "TAG", 1}}));
  EXPECT_FALSE(group_.is_consistent());
}

}  // namespace
}  // namespace rmq
