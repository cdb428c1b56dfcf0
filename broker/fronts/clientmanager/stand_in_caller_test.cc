#include "broker/fronts/clientmanager/stand_in_caller.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_table.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);
constexpr char kPeer[] = "192.0.2.1:50001";

class StandInCallerTest : public ::testing::Test {
 protected:
  StandInCaller CallerOf(const char* client_id) {
    return {client_id, kPeer, limits_, &table_};
  }

  const Limits limits_ = {};
  ClientTable table_{{}, {}};
};

TEST_F(StandInCallerTest, AClientThatStatedNothingHasNoChannel) {
  StandInCaller caller = CallerOf("c1");
  EXPECT_EQ(caller.channel(), nullptr);
  EXPECT_EQ(caller.client_id(), "c1");
}

TEST_F(StandInCallerTest, CallsOfOneClientIdShareAStandIn) {
  StandInCaller first = CallerOf("c1");
  ASSERT_TRUE(first.Bind("c1", "", kNow).ok());
  ASSERT_NE(first.channel(), nullptr);
  EXPECT_EQ(first.channel()->kind(), ClientChannel::Kind::kStandIn);
  EXPECT_EQ(first.channel()->remote_address(), kPeer);
  StandInCaller second = CallerOf("c1");
  EXPECT_EQ(second.channel(), first.channel());
  ASSERT_TRUE(second.Bind("c1", "", kNow).ok());
  EXPECT_EQ(second.channel(), first.channel());
  EXPECT_EQ(CallerOf("c2").channel(), nullptr);
}

TEST_F(StandInCallerTest, AUnaryCallStatesAClientIdOfGoodForm) {
  const StandInCaller caller = CallerOf("c1");
  EXPECT_TRUE(caller.CheckClientId("c1").ok());
  EXPECT_EQ(caller.CheckClientId("").message, "client_id must not be empty");
}

}  // namespace
}  // namespace rmq
