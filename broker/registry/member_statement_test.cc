#include "broker/registry/member_statement.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/registry/statement.h"
#include "common/client_types.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr ConsumerModes kModes = {ConsumeType::kConsumePassively,
                                  MessageModel::kClustering,
                                  ConsumeFromWhere::kLastOffset};

class MemberStatementTest : public ::testing::Test {
 protected:
  MemberStatement State(std::vector<SubscriptionStatement> subscriptions,
                        const ConsumerModes& modes = kModes) {
    return State(MemberStatement(), std::move(subscriptions), modes);
  }
  MemberStatement State(const MemberStatement& before,
                        std::vector<SubscriptionStatement> subscriptions,
                        const ConsumerModes& modes = kModes) {
    ConsumerStatement stated;
    stated.group = "orders";
    stated.modes = modes;
    stated.subscriptions = subscriptions;
    return pool_.Update(before, stated);
  }
  static bool ChangesNothing(const MemberStatement& before,
                             std::vector<SubscriptionStatement> subscriptions) {
    ConsumerStatement stated;
    stated.modes = kModes;
    stated.subscriptions = subscriptions;
    return MemberStatementPool::ChangesNothing(before, stated);
  }

  MemberStatementPool pool_;
};

TEST_F(MemberStatementTest, AnEmptyOneStatesNothing) {
  const MemberStatement held;
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(held.size(), 0);
  EXPECT_EQ(held.Find("pay"), 0);
}

TEST_F(MemberStatementTest, AStatementWithoutTopicsIsNotEmpty) {
  const MemberStatement held = State({});
  EXPECT_FALSE(held.empty());
  EXPECT_EQ(held.size(), 0);
  EXPECT_EQ(held.modes(), kModes);
}

TEST_F(MemberStatementTest, WhatWasStatedIsHeldInTheOrderOfTheTopics) {
  const MemberStatement held =
      State({{"ship", "a", "TAG", 2}, {"pay", "b = 1", "SQL92", 1}});
  ASSERT_EQ(held.size(), 2);
  EXPECT_EQ(held.topic(0), "pay");
  EXPECT_EQ(held.expression(0), "b = 1");
  EXPECT_EQ(held.expression_type(0), "SQL92");
  EXPECT_EQ(held.sub_version(0), 1);
  EXPECT_EQ(held.topic(1), "ship");
  EXPECT_EQ(held.Find("ship"), 1);
  EXPECT_EQ(held.Find("other"), 2);
  EXPECT_EQ(held.Find("zebra"), 2);
}

TEST_F(MemberStatementTest, AVersionThatIsNotGreaterLeavesTheSubscription) {
  const MemberStatement before = State({{"pay", "old", "TAG", 5}});
  const MemberStatement equal = State(before, {{"pay", "new", "TAG", 5}});
  EXPECT_EQ(equal.expression(0), "old");
  const MemberStatement greater = State(before, {{"pay", "new", "TAG", 6}});
  EXPECT_EQ(greater.expression(0), "new");
  EXPECT_EQ(greater.sub_version(0), 6);
}

TEST_F(MemberStatementTest, ADroppedTopicsVersionIsForgotten) {
  const MemberStatement before = State({{"pay", "old", "TAG", 5}});
  const MemberStatement dropped = State(before, {});
  const MemberStatement again = State(dropped, {{"pay", "new", "TAG", 1}});
  EXPECT_EQ(again.expression(0), "new");
  EXPECT_EQ(again.sub_version(0), 1);
}

TEST_F(MemberStatementTest, StatementsThatDifferInVersionsAloneShareTheirText) {
  const MemberStatement a = State({{"pay", "x", "TAG", 1}});
  const MemberStatement b = State({{"pay", "x", "TAG", 2}});
  EXPECT_EQ(pool_.shapes(), 1);
  EXPECT_EQ(a.sub_version(0), 1);
  EXPECT_EQ(b.sub_version(0), 2);
}

TEST_F(MemberStatementTest, StatementsThatDifferOtherwiseDoNotShareTheirText) {
  const MemberStatement a = State({{"pay", "x", "TAG", 1}});
  const MemberStatement expression = State({{"pay", "y", "TAG", 1}});
  const MemberStatement type = State({{"pay", "x", "SQL92", 1}});
  const MemberStatement topic = State({{"ship", "x", "TAG", 1}});
  ConsumerModes pop = kModes;
  pop.consume_type = ConsumeType::kConsumePop;
  const MemberStatement modes = State({{"pay", "x", "TAG", 1}}, pop);
  EXPECT_EQ(pool_.shapes(), 5);
  EXPECT_EQ(type.expression_type(0), "SQL92");
  EXPECT_EQ(modes.modes(), pop);
}

TEST_F(MemberStatementTest, ATextGoesWithItsLastHolder) {
  MemberStatement a = State({{"pay", "x", "TAG", 1}});
  {
    const MemberStatement b = State({{"pay", "x", "TAG", 2}});
    a = State({{"ship", "x", "TAG", 1}});
    EXPECT_EQ(pool_.shapes(), 2);
  }
  EXPECT_EQ(pool_.shapes(), 1);
  a = MemberStatement();
  EXPECT_EQ(pool_.shapes(), 0);
}

TEST_F(MemberStatementTest, RepeatingWhatIsHeldChangesNothing) {
  const MemberStatement held =
      State({{"pay", "x", "TAG", 5}, {"ship", "x", "TAG", 5}});
  EXPECT_TRUE(
      ChangesNothing(held, {{"ship", "x", "TAG", 5}, {"pay", "x", "TAG", 5}}));
  EXPECT_TRUE(ChangesNothing(
      held, {{"pay", "other", "TAG", 4}, {"ship", "x", "TAG", 5}}));
}

TEST_F(MemberStatementTest, WhatIsNotARepetitionMayChangeSomething) {
  const MemberStatement held =
      State({{"pay", "x", "TAG", 5}, {"ship", "x", "TAG", 5}});
  EXPECT_FALSE(ChangesNothing(MemberStatement(), {}));
  EXPECT_FALSE(ChangesNothing(held, {{"pay", "x", "TAG", 5}}));
  EXPECT_FALSE(
      ChangesNothing(held, {{"pay", "x", "TAG", 6}, {"ship", "x", "TAG", 5}}));
  EXPECT_FALSE(
      ChangesNothing(held, {{"pay", "x", "TAG", 5}, {"hold", "x", "TAG", 5}}));
}

}  // namespace
}  // namespace rmq
