// Clients of the library that an operator sends away: what they are told, and
// when they come back, at the real broker.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/admin/admin_client.h"
#include "client/broker_health.h"
#include "client/client.h"
#include "client/client_options.h"
#include "common/mutex_lock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "rocketmq/clientmanager/v1/admin.pb.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/eventually.h"

namespace rmq {
namespace {

namespace pb = ::rocketmq::clientmanager::v1;

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGroup[] = "orders";
constexpr absl::Duration kAway = absl::Seconds(2);

class SentAwayTest : public ::testing::Test {
 protected:
  // For Becomes().
  auto Ids() const {
    return [this] { return broker_->ConsumerIds(kGroup); };
  }
  auto State() const {
    return [this] { return client_->Health()[0].state; };
  }

  void SetUp() override {
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start("127.0.0.1:0", {"--channel_expiry=120s"});
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
    ClientOptions options;
    options.brokers = {broker_->address()};
    options.client_id = "a";
    options.on_broker_health_changed = [this](const BrokerHealth& health) {
      MutexLock lock(&mu_);
      told_.push_back(health);
    };
    absl::StatusOr<std::unique_ptr<Client>> client =
        Client::Create(std::move(options));
    ASSERT_THAT(client, IsOk());
    client_ = *std::move(client);
    ConsumerOptions consumer;
    consumer.group = kGroup;
    ASSERT_THAT(client_->RegisterConsumer(std::move(consumer)), IsOk());
    ASSERT_THAT(client_->Start(), IsOk());
    ASSERT_TRUE(Becomes(Ids(), ElementsAre("a")));
  }

  void TearDown() override {
    client_ = nullptr;
    if (HasFailure() && broker_ != nullptr) {
      std::cerr << "--- the broker's log\n" << broker_->process().err();
    }
  }

  void Kick(absl::Duration retry_after) {
    pb::KickClientsRequest request;
    request.set_client_id("a");
    request.set_reason("too noisy");
    request.mutable_retry_after()->set_seconds(
        absl::ToInt64Seconds(retry_after));
    const auto answer = AdminClient(broker_->address(), kPatience)
                            .Ask<pb::KickClientsResponse>(request);
    ASSERT_THAT(answer, IsOk());
    ASSERT_EQ(answer->kicked(), 1);
  }

  // Returns when the broker has told of its first progress.
  void Drain(const pb::DrainRequest& request) {
    bool told = false;
    AdminClient(broker_->address(), kPatience)
        .Stream(
            request, [&told](const google::protobuf::Message&) { told = true; },
            [&told] { return !told; });
    ASSERT_TRUE(told);
  }

  std::vector<BrokerState> told() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    std::vector<BrokerState> states;
    for (const BrokerHealth& health : told_) states.push_back(health.state);
    return states;
  }

  std::unique_ptr<BrokerProcess> broker_;
  absl::Mutex mu_;
  std::vector<BrokerHealth> told_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Client> client_;
};

TEST_F(SentAwayTest, AKickedConsumerIsToldAndComesBackAfterItsTime) {
  const absl::Time kicked_at = absl::Now();
  Kick(kAway);
  ASSERT_TRUE(Becomes(State(), BrokerState::kKicked));
  const BrokerHealth health = client_->Health()[0];
  EXPECT_EQ(health.last_end, EndReason::kKicked);
  EXPECT_THAT(health.last_error, StatusIs(absl::StatusCode::kPermissionDenied,
                                          HasSubstr("too noisy")));
  EXPECT_GE(health.retry_at, kicked_at + kAway);
  EXPECT_LE(health.retry_at, absl::Now() + kAway + absl::Seconds(1));
  EXPECT_THAT(broker_->ConsumerIds(kGroup), IsEmpty());
  EXPECT_TRUE(Becomes(Ids(), ElementsAre("a")));
  EXPECT_GE(absl::Now(), kicked_at + kAway);
  EXPECT_THAT(told(), Contains(BrokerState::kKicked));
}

TEST_F(SentAwayTest, AClientThatReconnectsTooEarlyIsToldSoAgain) {
  Kick(absl::Minutes(10));
  ASSERT_TRUE(Becomes(State(), BrokerState::kKicked));
  const absl::Time first = client_->Health()[0].last_error_at;
  client_->Reconnect();
  EXPECT_TRUE(Becomes(
      [&] {
        const BrokerHealth health = client_->Health()[0];
        return health.state == BrokerState::kKicked &&
               health.last_error_at > first;
      },
      true));
  EXPECT_LE(client_->Health()[0].retry_at, absl::Now() + absl::Minutes(11));
  EXPECT_THAT(broker_->ConsumerIds(kGroup), IsEmpty());
}

TEST_F(SentAwayTest, ADrainedClientWaitsAndReconnectEndsTheWait) {
  pb::DrainRequest drain;
  drain.mutable_duration()->set_seconds(1);
  Drain(drain);
  ASSERT_TRUE(Becomes([this] { return client_->Health()[0].last_end; },
                      EndReason::kDrained));
  const BrokerHealth health = client_->Health()[0];
  EXPECT_THAT(health.last_error,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("DRAINED")));
  // Longer than the first pause of the backoff.
  EXPECT_GT(health.retry_at, health.last_error_at + absl::Milliseconds(500));
  pb::DrainRequest cancel;
  cancel.set_cancel(true);
  Drain(cancel);
  client_->Reconnect();
  EXPECT_TRUE(Becomes(Ids(), ElementsAre("a")));
}

}  // namespace
}  // namespace rmq
