// Calls of one client at the same time.

#include <cstdint>
#include <string>
#include <thread>

#include "absl/synchronization/barrier.h"
#include "absl/time/time.h"
#include "broker/fronts/rocketmq_v2/sdk_clients.h"
#include "broker/fronts/rocketmq_v2/sdk_clients_fixture.h"
#include "broker/fronts/rocketmq_v2/sdk_statement.h"
#include "broker/registry/statement.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kRounds = 1'000;

class SdkClientsRaceTest : public SdkClientsTest {
 protected:
  SdkClientsRaceTest() { headers_.client_id = "c1"; }

  // Of "c1". Threads that race use it: it leaves `headers_` as it is.
  SdkClients::Who Who() const {
    return {headers_, "10.0.0.1:1000", principal_, now_};
  }
  void State(const std::string& group) {
    EXPECT_TRUE(
        clients_
            .State(Who(),
                   SdkStatement::OfConsumer(v2::PUSH_CONSUMER, group, headers_),
                   ++last_digest_)
            .ok());
  }
  void Heartbeat() {
    EXPECT_TRUE(clients_.Heartbeat(Who(), v2::PUSH_CONSUMER, "stale").ok());
  }
  // What the client no longer states expires.
  void PassTime() {
    for (int i = 0; i < 5; ++i) {
      now_ += absl::Seconds(30);
      Heartbeat();
      Scan();
    }
  }
  template <typename First, typename Second>
  void Race(First first, Second second) {
    auto* const barrier = new absl::Barrier(2);
    std::thread other([&] {
      if (barrier->Block()) delete barrier;
      second();
    });
    if (barrier->Block()) delete barrier;
    first();
    other.join();
  }

  ClientPrincipal principal_;
  uint64_t last_digest_ = 0;
};

TEST_F(SdkClientsRaceTest, WhatIsStatedWhileTheStreamEndsIsWhatIsRegistered) {
  for (int round = 0; round < kRounds; ++round) {
    const SdkClients::StreamNumber stream = clients_.OpenStream(Who());
    State("before");
    Race([&] { State("after"); },
         [&] { clients_.CloseStream(Who().key(), stream, now_); });
    PassTime();
    ASSERT_THAT(Consumers("after"), ElementsAre("c1")) << round;
    ASSERT_THAT(Consumers("before"), IsEmpty()) << round;
  }
}

TEST_F(SdkClientsRaceTest, WhatIsStatedDuringAHeartbeatIsWhatIsRegistered) {
  for (int round = 0; round < kRounds; ++round) {
    State("before");
    // So that the heartbeat is no light one.
    clients_.CloseStream(Who().key(), clients_.OpenStream(Who()), now_);
    Race([&] { State("after"); }, [&] { Heartbeat(); });
    PassTime();
    ASSERT_THAT(Consumers("after"), ElementsAre("c1")) << round;
    ASSERT_THAT(Consumers("before"), IsEmpty()) << round;
  }
}

TEST_F(SdkClientsRaceTest, AnotherUsersCallTakesNothingFromOneThatRegisters) {
  const SdkClients::Who stranger = {
      headers_, "10.0.0.1:2000", {"bob", false}, now_};
  principal_.name = "alice";
  for (int round = 0; round < kRounds; ++round) {
    Race([&] { State("orders"); },
         [&] { clients_.NoteTopic(stranger, "topic"); });
    ASSERT_THAT(Consumers("orders"), ElementsAre("c1")) << round;
    EXPECT_TRUE(clients_.Terminate(Who()).ok());
    ASSERT_THAT(Consumers("orders"), IsEmpty()) << round;
  }
}

TEST_F(SdkClientsRaceTest, OneIdAtTwoNetworksIsTwoClientsAtAnyMoment) {
  const SdkClients::Who elsewhere = {headers_, "10.0.0.2:1000", {}, now_};
  for (int round = 0; round < kRounds; ++round) {
    Race([&] { State("orders"); },
         [&] {
           EXPECT_TRUE(
               clients_.Heartbeat(elsewhere, v2::PUSH_CONSUMER, "orders").ok());
         });
    ASSERT_THAT(Consumers("orders"), ElementsAre("c1", "c1")) << round;
    Race([&] { EXPECT_TRUE(clients_.Terminate(Who()).ok()); },
         [&] {
           EXPECT_TRUE(
               clients_.Heartbeat(elsewhere, v2::PUSH_CONSUMER, "orders").ok());
         });
    ASSERT_THAT(Consumers("orders"), ElementsAre("c1")) << round;
    ASSERT_EQ(clients_.members(), 1) << round;
  }
}

TEST_F(SdkClientsRaceTest, AStreamThatOpensWhileAnotherEndsBringsItsExpiry) {
  for (int round = 0; round < kRounds; ++round) {
    const SdkClients::StreamNumber stream = clients_.OpenStream(Who());
    State("orders");
    SdkClients::StreamNumber opened = 0;
    Race([&] { opened = clients_.OpenStream(Who()); },
         [&] { clients_.CloseStream(Who().key(), stream, now_); });
    now_ += absl::Seconds(100);
    Scan();
    ASSERT_THAT(Consumers("orders"), ElementsAre("c1")) << round;
    clients_.CloseStream(Who().key(), opened, now_);
    now_ += absl::Seconds(36);
    Scan();
    ASSERT_THAT(Consumers("orders"), IsEmpty()) << round;
  }
}

TEST_F(SdkClientsRaceTest, AGoodbyeDuringAHeartbeatLeavesNobody) {
  for (int round = 0; round < kRounds; ++round) {
    State("orders");
    Race([&] { EXPECT_TRUE(clients_.Terminate(Who()).ok()); },
         [&] { Heartbeat(); });
    ASSERT_THAT(Consumers("orders"), IsEmpty()) << round;
    ASSERT_THAT(Consumers("stale"), IsEmpty()) << round;
    ASSERT_EQ(clients_.members(), 0) << round;
  }
}

}  // namespace
}  // namespace rmq
