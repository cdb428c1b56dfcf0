// An application's test, without a broker.
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/mock_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// What is tested: the application's own function.
bool IsAlone(rmq::Client& client) {
  const auto ids =
      client.GetConsumerIds("10.0.0.1:10911", "orders", absl::Seconds(1));
  return ids.ok() && ids->client_ids.size() == 1;
}

TEST(IsAloneTest, OneOfTwoIsNot) {
  rmq::MockClient client;
  EXPECT_CALL(client, GetConsumerIds)
      .WillOnce(testing::Return(rmq::ConsumerIds{{}, {"me", "another"}}));
  EXPECT_FALSE(IsAlone(client));
}

TEST(IsAloneTest, OneThatCannotAskIsNot) {
  rmq::MockClient client;
  EXPECT_CALL(client, GetConsumerIds)
      .WillOnce(testing::Return(absl::UnavailableError("no broker")));
  EXPECT_FALSE(IsAlone(client));
}

TEST(IsAloneTest, OneOfOneIs) {
  rmq::MockClient client;
  EXPECT_CALL(client, GetConsumerIds)
      .WillOnce(testing::Return(rmq::ConsumerIds{{}, {"me"}}));
  EXPECT_TRUE(IsAlone(client));
}
