#include "client/mock_client.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::_;
using ::testing::Eq;

// What an application may do.
absl::Status AwaitPeers(Client& client) {
  return client
      .WaitForMembers("10.0.0.1:10911", "orders", /*count=*/2, absl::Minutes(1))
      .status();
}

TEST(MockClientTest, AWaitForACountAsksThePredicateOfTheMock) {
  MockClient client;
  std::vector<std::string> members = {"me"};
  EXPECT_CALL(client, WaitForMembers(Eq("10.0.0.1:10911"), Eq("orders"), _,
                                     absl::Minutes(1)))
      .Times(2)
      .WillRepeatedly(
          [&members](auto, auto, const Client::MembersPredicate& is_enough,
                     auto) -> absl::StatusOr<std::vector<std::string>> {
            if (is_enough(members)) return members;
            return absl::DeadlineExceededError("alone");
          });
  EXPECT_THAT(AwaitPeers(client),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  members.push_back("you");
  EXPECT_THAT(AwaitPeers(client), IsOk());
}

}  // namespace
}  // namespace rmq
