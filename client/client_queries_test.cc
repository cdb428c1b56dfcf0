// What a client asks its brokers.
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/broker_entry.h"
#include "client/client.h"
#include "client/testing/client_fixture.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// ---- Queries.

TEST_F(ClientTest, ConsumerIdsAreReadPageByPage) {
  broker_.SetConsumerIds("orders", {"c", "a", "b", "e", "d"});
  const ConsumerIds ids =
      *Make().GetConsumerIds(broker_.address(), "orders", kPatience);
  EXPECT_THAT(ids.client_ids, ElementsAre("c", "a", "b", "e", "d"));
  EXPECT_EQ(ids.broker, (BrokerEntry{"scripted", 7, broker_.address()}));
}

TEST_F(ClientTest, AnAnswerTellsThatTheBrokerIsSettlingAndACallWhenItHas) {
  broker_.SetConsumerIds("orders", {"a", "b", "c"});
  broker_.SetSettling(absl::Milliseconds(50));
  Client& client = MakeOnline();
  EXPECT_EQ(
      client.GetConsumerIds(broker_.address(), "orders", kPatience)->settling,
      absl::Milliseconds(50));
  EXPECT_THAT(callbacks_.AwaitChanges(2), SizeIs(2));
  broker_.SetSettling(absl::ZeroDuration());
  EXPECT_EQ(
      client.GetConsumerIds(broker_.address(), "orders", kPatience)->settling,
      absl::ZeroDuration());
}

TEST_F(ClientTest, AGroupWithoutAConsumerIsNotFound) {
  EXPECT_THAT(Make().GetConsumerIds(broker_.address(), "orders", kPatience),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("\"orders\" at " + broker_.address())));
}

TEST_F(ClientTest, AQueryWithBadArgumentsIsRefused) {
  Client& client = Make();
  EXPECT_THAT(client.GetConsumerIds("other:1", "orders", kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got \"other:1\"")));
  EXPECT_THAT(client.GetConsumerIds(broker_.address(), "a b", kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      client.GetConsumerIds(broker_.address(), "orders", absl::ZeroDuration()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "timeout must be positive, got 0"));
}

TEST_F(ClientTest, AQueryEndsAtItsTimeout) {
  broker_.HoldUnaryCalls();
  EXPECT_THAT(Make().GetConsumerIds(broker_.address(), "orders",
                                    absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(ClientTest, ShutdownCancelsAQuery) {
  broker_.HoldUnaryCalls();
  Client& client = Make();
  absl::StatusOr<ConsumerIds> ids;
  std::thread caller([&] {
    ids = client.GetConsumerIds(broker_.address(), "orders", absl::Hours(1));
  });
  broker_.AwaitHeldCalls(1);
  EXPECT_THAT(client.Shutdown(kPatience), IsOk());
  caller.join();
  EXPECT_THAT(ids, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ClientTest, AnExpressionIsCheckedByTheBroker) {
  Client& client = Make();
  EXPECT_THAT(client.CheckClientConfig(broker_.address(), "orders",
                                       {"t", "a > 1", "SQL92"}, kPatience),
              IsOk());
  EXPECT_THAT(client.CheckClientConfig(broker_.address(), "orders",
                                       {"t", "a >", "SQL92"}, kPatience),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unexpected end of expression")));
}

}  // namespace
}  // namespace rmq
