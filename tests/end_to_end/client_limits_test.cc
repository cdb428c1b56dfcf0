// Limits are the broker's: a client of this library uses what a broker allows,
// and shows its application what a broker refuses.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

using ::testing::StartsWith;

class ClientLimitsTest : public ::testing::Test {
 protected:
  // A client that has started, with one producer group of `bytes` bytes, at a
  // broker that takes 200.
  void StartWithGroupOf(size_t bytes) {
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start("127.0.0.1:0", {"--max_group_bytes=200"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    ClientOptions options;
    options.brokers = {broker_->address()};
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options);
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    ASSERT_THAT(client_->RegisterProducer(std::string(bytes, 'g')), IsOk());
    ASSERT_THAT(client_->Start(), IsOk());
  }

  BrokerHealth Health() const { return client_->Health()[0]; }

  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClientLimitsTest, AGroupThatTheBrokerAllowsIsRegistered) {
  StartWithGroupOf(200);
  EXPECT_TRUE(Becomes([this] { return Health().state; }, BrokerState::kOnline));
}

TEST_F(ClientLimitsTest, TheBrokersRefusalNamesTheFieldTheValueAndTheRule) {
  StartWithGroupOf(201);
  EXPECT_TRUE(Becomes(
      [this] { return std::string(Health().last_error.message()); },
      StartsWith(
          "producers[0].group must be at most 200 bytes, got 201: \"ggg")));
  EXPECT_EQ(Health().state, BrokerState::kStating);
}

}  // namespace
}  // namespace rmq
