// Clients that die, hang, leave or fall silent: what their peers and operators
// see, through the real broker and real client processes.
#include <signal.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/end_to_end/broker_process.h"
#include "tests/end_to_end/consumer_process.h"
#include "tests/end_to_end/eventually.h"
#include "tests/end_to_end/raw_client.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kGroup[] = "orders";
// The stated bound of detection, and what a loaded machine may add.
const absl::Duration kDetection = BrokerProcess::kChannelExpiry +
                                  BrokerProcess::kHousekeepingPeriod +
                                  absl::Seconds(20);

class ClientFailureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<BrokerProcess>> broker =
        BrokerProcess::Start();
    ASSERT_THAT(broker, IsOk());
    broker_ = *std::move(broker);
  }

  void TearDown() override {
    if (HasFailure() && broker_ != nullptr) {
      std::cerr << "--- the broker's log\n" << broker_->process().err();
    }
  }

  // Null if it cannot be started.
  std::unique_ptr<ConsumerProcess> StartConsumer(absl::string_view client_id) {
    absl::StatusOr<std::unique_ptr<ConsumerProcess>> consumer =
        ConsumerProcess::Start(broker_->address(), kGroup, client_id);
    EXPECT_THAT(consumer, IsOk());
    return consumer.ok() ? *std::move(consumer) : nullptr;
  }

  BrokerProcess& broker() { return *broker_; }

 private:
  std::unique_ptr<BrokerProcess> broker_;
};

// For Becomes().
auto MembersSeenBy(const std::unique_ptr<ConsumerProcess>& consumer) {
  return [&consumer] { return consumer->Members(); };
}

TEST_F(ClientFailureTest, AKilledClientIsGoneAtOnceAndItsPeersAreTold) {
  const auto a = StartConsumer("a");
  const auto b = StartConsumer("b");
  const auto c = StartConsumer("c");
  for (const auto* consumer : {&a, &b, &c}) {
    ASSERT_TRUE(Becomes(MembersSeenBy(*consumer), ElementsAre("a", "b", "c")));
  }
  EXPECT_THAT(broker().ConsumerIds(kGroup),
              UnorderedElementsAre("a", "b", "c"));

  b->process().Signal(SIGKILL);
  EXPECT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a", "c")));
  EXPECT_TRUE(Becomes(MembersSeenBy(c), ElementsAre("a", "c")));
  EXPECT_THAT(broker().ConsumerIds(kGroup), UnorderedElementsAre("a", "c"));
  const auto connections = broker().ConsumerConnections(kGroup);
  ASSERT_THAT(connections, IsOk());
  EXPECT_EQ(connections->connections_size(), 2);
  EXPECT_TRUE(Becomes([&] { return broker().ReasonsOfLeaving("b"); },
                      ElementsAre("DISCONNECTED")));
  EXPECT_EQ(a->TimesOnline(), 1);
}

TEST_F(ClientFailureTest, AClientThatEndsLeavesItsGroup) {
  const auto a = StartConsumer("a");
  const auto b = StartConsumer("b");
  ASSERT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a", "b")));
  ASSERT_TRUE(Becomes(MembersSeenBy(b), ElementsAre("a", "b")));

  b->process().Signal(SIGTERM);
  EXPECT_EQ(b->process().WaitForExit(kPatience), 0);
  EXPECT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a")));
  EXPECT_TRUE(Becomes([&] { return broker().ReasonsOfLeaving("b"); },
                      ElementsAre("UNREGISTERED")));

  a->process().Signal(SIGTERM);
  EXPECT_EQ(a->process().WaitForExit(kPatience), 0);
  EXPECT_THAT(broker().ConsumerIds(kGroup), IsEmpty());
}

TEST_F(ClientFailureTest, AStoppedClientExpiresAndComesBackWhenItGoesOn) {
  const auto a = StartConsumer("a");
  const auto b = StartConsumer("b");
  ASSERT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a", "b")));
  ASSERT_TRUE(Becomes(MembersSeenBy(b), ElementsAre("a", "b")));

  b->process().Signal(SIGSTOP);
  EXPECT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a"), kDetection));
  EXPECT_TRUE(Becomes([&] { return broker().ReasonsOfLeaving("b"); },
                      ElementsAre("EXPIRED")));
  EXPECT_THAT(broker().ConsumerIds(kGroup), ElementsAre("a"));

  b->process().Signal(SIGCONT);
  EXPECT_TRUE(Becomes(MembersSeenBy(a), ElementsAre("a", "b")));
  EXPECT_TRUE(Becomes(MembersSeenBy(b), ElementsAre("a", "b")));
  EXPECT_TRUE(Becomes([&] { return b->TimesOnline(); }, 2));
  EXPECT_THAT(broker().ConsumerIds(kGroup), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(a->TimesOnline(), 1);
}

TEST_F(ClientFailureTest, ASilentUnaryClientExpiresNotBeforeItsTime) {
  const auto peer = StartConsumer("peer");
  ASSERT_TRUE(Becomes(MembersSeenBy(peer), ElementsAre("peer")));
  const absl::Time sent = absl::Now();
  ASSERT_TRUE(
      SendHeartbeat(broker().address(), ConsumerHeartbeat("by-hand", kGroup))
          .ok());
  ASSERT_TRUE(Becomes(MembersSeenBy(peer), ElementsAre("by-hand", "peer")));

  EXPECT_TRUE(Becomes(MembersSeenBy(peer), ElementsAre("peer"), kDetection));
  EXPECT_GE(absl::Now() - sent, BrokerProcess::kChannelExpiry);
  EXPECT_TRUE(Becomes([&] { return broker().ReasonsOfLeaving("by-hand"); },
                      ElementsAre("EXPIRED")));
  EXPECT_THAT(broker().ConsumerIds(kGroup), ElementsAre("peer"));
}

}  // namespace
}  // namespace rmq
