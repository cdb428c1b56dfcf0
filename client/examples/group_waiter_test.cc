// How an application is tested without a broker: MockClient answers its
// queries, and the test makes the callbacks.
#include "client/examples/group_waiter.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/mock_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq::examples {
namespace {

using ::testing::_;
using ::testing::Eq;
using ::testing::Return;

constexpr char kBroker[] = "10.0.0.1:10911";

class GroupWaiterTest : public ::testing::Test {
 protected:
  void Change() { waiter_.OnConsumerIdsChanged(client_, {broker_, "orders"}); }
  bool IsComplete() const { return waiter_.Await(absl::ZeroDuration()); }

  const BrokerEntry broker_{"broker-a", 0, kBroker};
  MockClient client_;
  GroupWaiter waiter_{"orders", 2};
};

TEST_F(GroupWaiterTest, AGroupIsCompleteWithTheLastOfItsMembers) {
  EXPECT_CALL(client_, GetConsumerIds(Eq(kBroker), Eq("orders"), _))
      .WillOnce(Return(ConsumerIds{broker_, {"a"}}))
      .WillOnce(Return(ConsumerIds{broker_, {"a", "b"}}));
  EXPECT_FALSE(IsComplete());
  Change();
  EXPECT_FALSE(IsComplete());
  Change();
  EXPECT_TRUE(IsComplete());
}

TEST_F(GroupWaiterTest, AMemberWithTwoStreamsCountsOnce) {
  EXPECT_CALL(client_, GetConsumerIds)
      .WillOnce(Return(ConsumerIds{broker_, {"a", "a"}}));
  Change();
  EXPECT_FALSE(IsComplete());
}

TEST_F(GroupWaiterTest, AGroupThatLostAMemberIsCompleteNoMore) {
  EXPECT_CALL(client_, GetConsumerIds)
      .WillOnce(Return(ConsumerIds{broker_, {"a", "b"}}))
      .WillOnce(Return(absl::NotFoundError("no consumer for this group")));
  Change();
  Change();
  EXPECT_FALSE(IsComplete());
}

TEST_F(GroupWaiterTest, ABrokerThatDoesNotAnswerChangesNothing) {
  EXPECT_CALL(client_, GetConsumerIds)
      .WillOnce(Return(ConsumerIds{broker_, {"a", "b"}}))
      .WillOnce(Return(absl::DeadlineExceededError("too late")));
  Change();
  Change();
  EXPECT_TRUE(IsComplete());
}

TEST_F(GroupWaiterTest, AnotherGroupIsNotAskedFor) {
  EXPECT_CALL(client_, GetConsumerIds).Times(0);
  waiter_.OnConsumerIdsChanged(client_, {broker_, "payments"});
}

}  // namespace
}  // namespace rmq::examples
