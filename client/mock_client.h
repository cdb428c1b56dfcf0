// For the tests of applications: a client without brokers, threads or network.
//
//   rmq::MockClient client;
//   EXPECT_CALL(client, GetConsumerIds(Eq("10.0.0.1:10911"), Eq("orders"), _))
//       .WillOnce(Return(rmq::ConsumerIds{{}, {"me", "another"}}))
//       .WillOnce(Return(rmq::ConsumerIds{{}, {"me"}, absl::Seconds(9)}));
//
// The second answer is that of a broker which is settling.
//
// Strings that a method takes as absl::string_view are matched by Eq("..."),
// StrEq("...") and HasSubstr("..."). A bare "..." does not compile, and neither
// do StartsWith(), EndsWith() and the regular expressions, which need a
// std::string:
//
//   EXPECT_CALL(client, RegisterProducer(ResultOf(
//       [](absl::string_view group) { return std::string(group); },
//       StartsWith("bill"))));
//
// WaitForMembers() with a count is mocked as the one with a predicate; a test
// may call the predicate with the members that it likes.
//
// Callbacks are the application's own functions (ClientOptions): a test calls
// them itself. client/examples/work_sharer_test.cc is such a test.
#ifndef CLIENT_MOCK_CLIENT_H_
#define CLIENT_MOCK_CLIENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "gmock/gmock.h"

namespace rmq {

class MockClient : public Client {
 public:
  MOCK_METHOD(absl::Status, RegisterProducer, (absl::string_view group),
              (override));
  MOCK_METHOD(absl::Status, UnregisterProducer, (absl::string_view group),
              (override));
  MOCK_METHOD(absl::Status, RegisterConsumer, (ConsumerOptions consumer),
              (override));
  MOCK_METHOD(absl::Status, UnregisterConsumer, (absl::string_view group),
              (override));
  MOCK_METHOD(absl::Status, Subscribe,
              (absl::string_view group, Subscription subscription), (override));
  MOCK_METHOD(absl::Status, Unsubscribe,
              (absl::string_view group, absl::string_view topic), (override));
  MOCK_METHOD(absl::Status, Start, (), (override));
  MOCK_METHOD(absl::Status, Shutdown, (absl::Duration timeout), (override));
  MOCK_METHOD(absl::StatusOr<ConsumerIds>, GetConsumerIds,
              (absl::string_view address, absl::string_view group,
               absl::Duration timeout),
              (override));
  // That of a count calls the one that is mocked, with a predicate.
  using Client::WaitForMembers;
  MOCK_METHOD(absl::StatusOr<std::vector<std::string>>, WaitForMembers,
              (absl::string_view address, absl::string_view group,
               MembersPredicate predicate, absl::Duration timeout),
              (override));
  MOCK_METHOD(absl::Status, CheckClientConfig,
              (absl::string_view address, absl::string_view group,
               const Subscription& subscription, absl::Duration timeout),
              (override));
  MOCK_METHOD(void, Reconnect, (), (override));
  MOCK_METHOD(absl::Status, Reconnect, (absl::string_view address), (override));
  MOCK_METHOD(std::vector<BrokerHealth>, Health, (), (const, override));
  MOCK_METHOD(const std::string&, client_id, (), (const, override));
  MOCK_METHOD(uint64_t, incarnation, (), (const, override));
};

}  // namespace rmq

#endif  // CLIENT_MOCK_CLIENT_H_
