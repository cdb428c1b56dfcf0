#include "client/session/group_statements.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client_options.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/client_manager.pb.h"

namespace rmq {
namespace {

namespace v1 = ::rocketmq::clientmanager::v1;

using ::testing::ElementsAre;

constexpr absl::Time kNow = absl::FromUnixMillis(1'700'000'000'000);

ConsumerOptions Orders() {
  ConsumerOptions consumer;
  consumer.group = "orders";
  consumer.subscriptions = {{"paid", "a || b"}, {"sent"}};
  return consumer;
}

class GroupStatementsTest : public ::testing::Test {
 protected:
  // "topic expression", in the order of the statement's first consumer group.
  std::vector<std::string> Subscriptions() const {
    std::vector<std::string> subscriptions;
    const auto statement = groups_.Statement();
    for (const v1::SubscriptionData& subscription :
         statement->consumers(0).subscriptions()) {
      subscriptions.push_back(subscription.topic() + " " +
                              subscription.expression());
    }
    return subscriptions;
  }
  int64_t SubVersion(int subscription) const {
    return groups_.Statement()
        ->consumers(0)
        .subscriptions(subscription)
        .sub_version();
  }

  GroupStatements groups_{WithSettings(), "10.0.0.1@billing", 42};

 private:
  static ClientOptions WithSettings() {
    ClientOptions options;
    options.version = 7;
    options.requested_channel_expiry = absl::Milliseconds(90500);
    return options;
  }
};

TEST_F(GroupStatementsTest, WithoutAGroupThereIsNoStatement) {
  EXPECT_EQ(groups_.Statement(), nullptr);
  ASSERT_THAT(groups_.AddProducer("p"), IsOk());
  ASSERT_THAT(groups_.RemoveProducer("p"), IsOk());
  EXPECT_EQ(groups_.Statement(), nullptr);
}

TEST_F(GroupStatementsTest, AStatementSaysWhichClientMakesIt) {
  ASSERT_THAT(groups_.AddProducer("p"), IsOk());
  const auto statement = groups_.Statement();
  EXPECT_EQ(statement->client_id(), "10.0.0.1@billing");
  EXPECT_EQ(statement->incarnation(), 42u);
  EXPECT_EQ(statement->language(), v1::LANGUAGE_CODE_CPP);
  EXPECT_EQ(statement->version(), 7);
  EXPECT_EQ(statement->requested_channel_expiry().seconds(), 90);
  EXPECT_EQ(statement->requested_channel_expiry().nanos(), 500'000'000);
}

TEST_F(GroupStatementsTest, WithoutARequestedExpiryNoneIsStated) {
  GroupStatements groups(ClientOptions(), "c", 1);
  ASSERT_THAT(groups.AddProducer("p"), IsOk());
  EXPECT_FALSE(groups.Statement()->has_requested_channel_expiry());
}

TEST_F(GroupStatementsTest, GroupsAreStatedInTheOrderOfTheirNames) {
  ASSERT_THAT(groups_.AddProducer("q"), IsOk());
  ASSERT_THAT(groups_.AddProducer("p"), IsOk());
  ASSERT_THAT(groups_.AddConsumer(Orders(), kNow), IsOk());
  const auto statement = groups_.Statement();
  EXPECT_EQ(statement->producers(0).group(), "p");
  EXPECT_EQ(statement->producers(1).group(), "q");
  EXPECT_EQ(statement->consumers(0).group(), "orders");
}

TEST_F(GroupStatementsTest, AStatementThatWasMadeDoesNotChange) {
  ASSERT_THAT(groups_.AddProducer("p"), IsOk());
  const auto statement = groups_.Statement();
  ASSERT_THAT(groups_.AddProducer("q"), IsOk());
  EXPECT_EQ(statement->producers_size(), 1);
}

TEST_F(GroupStatementsTest, AConsumersModesAreStated) {
  ConsumerOptions consumer = Orders();
  consumer.consume_type = ConsumeType::kConsumeActively;
  consumer.message_model = MessageModel::kBroadcasting;
  consumer.consume_from_where = ConsumeFromWhere::kFirstOffset;
  consumer.unit_mode = true;
  ASSERT_THAT(groups_.AddConsumer(consumer, kNow), IsOk());
  const auto statement = groups_.Statement();
  const v1::ConsumerData& data = statement->consumers(0);
  EXPECT_EQ(data.consume_type(), v1::CONSUME_TYPE_CONSUME_ACTIVELY);
  EXPECT_EQ(data.message_model(), v1::MESSAGE_MODEL_BROADCASTING);
  EXPECT_EQ(data.consume_from_where(), v1::CONSUME_FROM_WHERE_FIRST_OFFSET);
  EXPECT_TRUE(data.unit_mode());
}

TEST_F(GroupStatementsTest, ASubscriptionReplacesTheOneOfItsTopic) {
  ASSERT_THAT(groups_.AddConsumer(Orders(), kNow), IsOk());
  ASSERT_THAT(groups_.Subscribe("orders", {"paid", "c"}, kNow), IsOk());
  ASSERT_THAT(groups_.Subscribe("orders", {"lost"}, kNow), IsOk());
  EXPECT_THAT(Subscriptions(), ElementsAre("paid c", "sent *", "lost *"));
  ASSERT_THAT(groups_.Unsubscribe("orders", "paid"), IsOk());
  EXPECT_THAT(Subscriptions(), ElementsAre("sent *", "lost *"));
}

TEST_F(GroupStatementsTest, ASubVersionIsTheWallClocksMilliseconds) {
  ASSERT_THAT(groups_.AddConsumer(Orders(), kNow), IsOk());
  EXPECT_EQ(SubVersion(0), 1'700'000'000'000);
}

TEST_F(GroupStatementsTest, SubVersionsGrowAlsoIfTheWallClockIsSetBack) {
  ASSERT_THAT(groups_.AddConsumer(Orders(), kNow), IsOk());
  EXPECT_EQ(SubVersion(1), 1'700'000'000'001);
  ASSERT_THAT(groups_.Subscribe("orders", {"paid", "c"}, kNow - absl::Hours(1)),
              IsOk());
  EXPECT_EQ(SubVersion(0), 1'700'000'000'002);
}

TEST_F(GroupStatementsTest, ARefusedChangeChangesNothing) {
  ASSERT_THAT(groups_.AddConsumer(Orders(), kNow), IsOk());
  const std::string before = groups_.Statement()->SerializeAsString();
  EXPECT_THAT(groups_.AddConsumer(Orders(), kNow),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(groups_.AddConsumer(ConsumerOptions(), kNow),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(groups_.AddProducer("a b"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(groups_.Subscribe("orders", {"a b"}, kNow),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(groups_.Subscribe("bills", {"t"}, kNow),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(groups_.Unsubscribe("orders", "t"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(groups_.Statement()->SerializeAsString(), before);
}

TEST_F(GroupStatementsTest, ExpressionsOfOtherTypesThanTagAreToBeChecked) {
  ConsumerOptions consumer = Orders();
  consumer.subscriptions = {
      {"sql", "a > 1", "SQL92"}, {"tags", "a"}, {"all", "*", ""}};
  ASSERT_THAT(groups_.AddConsumer(consumer, kNow), IsOk());
  const std::vector<v1::CheckClientConfigRequest> checks =
      groups_.ExpressionChecks();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].client_id(), "10.0.0.1@billing");
  EXPECT_EQ(checks[0].group(), "orders");
  EXPECT_EQ(checks[0].subscription().topic(), "sql");
  EXPECT_EQ(checks[0].subscription().expression(), "a > 1");
  EXPECT_EQ(checks[0].subscription().expression_type(), "SQL92");
}

}  // namespace
}  // namespace rmq
