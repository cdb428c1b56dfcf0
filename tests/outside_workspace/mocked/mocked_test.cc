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

// The matchers that mock_client.h shows.
TEST(MockClientTest, StringsAreMatchedAsItsHeaderSays) {
  using testing::_;
  using testing::Eq;
  rmq::MockClient client;
  EXPECT_CALL(client, GetConsumerIds(Eq("10.0.0.1:10911"), Eq("orders"), _))
      .WillOnce(
          testing::Return(rmq::ConsumerIds{{}, {"me"}, absl::Seconds(9)}));
  EXPECT_EQ(client.GetConsumerIds("10.0.0.1:10911", "orders", absl::Seconds(1))
                ->settling,
            absl::Seconds(9));
  EXPECT_CALL(client,
              RegisterProducer(testing::ResultOf(
                  [](absl::string_view group) { return std::string(group); },
                  testing::StartsWith("bill"))));
  EXPECT_TRUE(client.RegisterProducer("billing").ok());
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
