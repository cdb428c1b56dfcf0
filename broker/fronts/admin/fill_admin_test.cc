#include "broker/fronts/admin/fill_admin.h"

#include <memory>

#include "absl/time/time.h"
#include "broker/registry/client_table.h"
#include "broker/registry/fake_client_channel.h"
#include "common/simulated_clock.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

TEST(FillAdminTest, AConnectionHasItsMembersFields) {
  SimulatedClock clock;
  ClientTable table({}, {});
  const auto channel = std::make_shared<FakeClientChannel>();
  ASSERT_THAT(table.Open(channel, clock.TimeNow()), IsOk());
  MemberInfo member;
  member.channel = channel;
  member.client_id = "c1";
  member.language = LanguageCode::kRust;
  member.version = 5;
  member.last_heard = clock.TimeNow() + absl::Milliseconds(1500);
  pb::Connection message;
  FillConnection(member, clock, &message);
  EXPECT_EQ(message.client_id(), "c1");
  EXPECT_EQ(message.remote_address(), "127.0.0.1:50001");
  EXPECT_EQ(message.language(), pb::LANGUAGE_CODE_RUST);
  EXPECT_EQ(message.version(), 5);
  EXPECT_EQ(message.connected_at().seconds(), 1'000'000);
  EXPECT_EQ(message.last_heard_at().seconds(), 1'000'001);
  EXPECT_EQ(message.last_heard_at().nanos(), 500'000'000);
  EXPECT_EQ(message.channel_id(), channel->id());
  EXPECT_TRUE(message.stream());
}

}  // namespace
}  // namespace rmq
