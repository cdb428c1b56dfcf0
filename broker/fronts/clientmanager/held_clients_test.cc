// What clients are told that an operator has taken out.

#include <string>

#include "absl/time/time.h"
#include "broker/fronts/clientmanager/client_manager_fixture.h"
#include "broker/registry/channel_filter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kMessage[] = "KICKED: taken out by an operator: too loud";

class HeldClientsTest : public ClientManagerFixture {
 protected:
  // Takes out client "c1" for a minute.
  void KickC1() {
    ChannelFilter filter;
    filter.client_id = "c1";
    EXPECT_EQ(*core_.kicker().Kick(filter, absl::Minutes(1), "too loud", now_),
              1);
  }
  static pb::HeartbeatRequest Process(uint64_t incarnation) {
    pb::HeartbeatRequest request = Consumer("c1", "orders");
    request.set_incarnation(incarnation);
    return request;
  }
  static auto IsHeld() {
    return FailsWith(absl::StatusCode::kPermissionDenied,
                     ResponseCode::kSystemError, kMessage);
  }
};

TEST_F(HeldClientsTest, AStreamIsRefusedAndEndsWithTheSame) {
  Join(Process(7));
  KickC1();
  now_ += absl::Seconds(20);
  Stream again = OpenStream();
  EXPECT_THAT(StatusOf(Handle(again, Process(7))), IsHeld());
  const CallStatus& end = again.client.end_after_reply;
  EXPECT_THAT(end, IsHeld());
  EXPECT_EQ(end.end_reason, "KICKED");
  EXPECT_EQ(end.retry_after, absl::Seconds(40));
  EXPECT_THAT(ConsumerIds("orders"), IsEmpty());
}

TEST_F(HeldClientsTest, AnotherProcessIsLetIn) {
  Join(Process(7));
  KickC1();
  Stream other = Join(Process(8));
  EXPECT_THAT(other.client.end_after_reply, IsSuccess());
  EXPECT_THAT(ConsumerIds("orders"), ElementsAre("c1"));
}

TEST_F(HeldClientsTest, AUnaryHeartbeatIsRefusedWithWhenToComeBack) {
  const uint64_t token = RegisterUnary(Process(7));
  KickC1();
  now_ += absl::Seconds(20);
  // It is gone, so that it must state all again; and that is refused.
  ASSERT_THAT(Heartbeat(Light("c1", token)), IsSuccess());
  EXPECT_TRUE(response_.full_statement_needed());
  for (const uint64_t incarnation : {7, 8}) {
    const CallStatus refused = Heartbeat(Process(incarnation));
    EXPECT_THAT(refused, IsHeld());
    EXPECT_EQ(refused.end_reason, "KICKED");
    EXPECT_EQ(refused.retry_after, absl::Seconds(40));
  }
  EXPECT_EQ(table_.counts().channels, 0);
  now_ += absl::Seconds(40);
  EXPECT_THAT(Heartbeat(Process(7)), IsSuccess());
}

TEST_F(HeldClientsTest, ARefusalCountsAsOneOfHeartbeats) {
  RegisterUnary(Process(7));
  KickC1();
  Heartbeat(Process(7));
  EXPECT_EQ(
      counters_.full_heartbeats.value(absl::StatusCode::kPermissionDenied), 1);
}

}  // namespace
}  // namespace rmq
