#include "broker/processor/client_kicker.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "broker/core/broker_core.h"
#include "broker/processor/client_manage_processor.h"
#include "broker/registry/channel_end.h"
#include "broker/registry/channel_filter.h"
#include "broker/registry/client_channel.h"
#include "broker/registry/client_event.h"
#include "broker/registry/fake_client_channel.h"
#include "broker/registry/test_statement.h"
#include "common/response_code.h"
#include "common/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace rmq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kMoment = absl::Nanoseconds(1);
constexpr absl::Duration kMinute = absl::Minutes(1);

TEST(ClientKickerOptionsTest, AHoldIsZeroToADay) {
  ClientKicker::Options options;
  EXPECT_THAT(options.Validate(), IsOk());
  for (const absl::Duration taken : {absl::ZeroDuration(), absl::Hours(24)}) {
    options.kick_hold = taken;
    EXPECT_THAT(options.Validate(), IsOk());
  }
  for (const absl::Duration refused : {-kMoment, absl::Hours(24) + kMoment}) {
    options.kick_hold = refused;
    EXPECT_THAT(options.Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("kick_hold must be 0 to 24h, got ")));
  }
}

class ClientKickerTest : public ::testing::Test {
 protected:
  FakeClientChannelPtr Open(
      ClientChannel::Kind kind = ClientChannel::Kind::kStream) {
    auto channel = std::make_shared<FakeClientChannel>(kind);
    EXPECT_TRUE(core_.table().Open(channel, now_).ok());
    return channel;
  }
  HeartbeatResult Heartbeat(ClientChannel& channel,
                            const TestStatement& stated) {
    const BuiltStatement statement(stated);
    HeartbeatResult result =
        core_.processor().Heartbeat(channel, *statement, now_);
    result.skipped.clear();
    return result;
  }
  FakeClientChannelPtr Connect(const TestStatement& stated) {
    FakeClientChannelPtr channel = Open();
    EXPECT_TRUE(Heartbeat(*channel, stated).status.ok());
    return channel;
  }
  // A unary heartbeat: its stand-in and the answer.
  HeartbeatResult UnaryHeartbeat(const TestStatement& stated,
                                 ClientChannelPtr* stand_in = nullptr) {
    absl::StatusOr<ClientChannelPtr> found = core_.table().FindOrOpenStandIn(
        stated.client_id,
        std::make_shared<FakeClientChannel>(ClientChannel::Kind::kStandIn),
        now_);
    if (stand_in != nullptr) *stand_in = *found;
    return Heartbeat(**found, stated);
  }
  // How many are kicked.
  size_t Kick(const ChannelFilter& filter,
              absl::optional<absl::Duration> hold = kMinute,
              const std::string& reason = "too loud") {
    const absl::StatusOr<size_t> kicked =
        core_.kicker().Kick(filter, hold, reason, now_);
    EXPECT_TRUE(kicked.ok()) << kicked.status();
    return kicked.value_or(0);
  }
  static ChannelFilter OfClient(absl::string_view client_id) {
    ChannelFilter filter;
    filter.client_id = std::string(client_id);
    return filter;
  }
  static ChannelFilter OfGroup(absl::string_view group) {
    ChannelFilter filter;
    filter.group = std::string(group);
    return filter;
  }
  // Whether a new stream of that client is let in.
  bool IsLetIn(const TestStatement& stated) {
    return Heartbeat(*Open(), stated).status.ok();
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  int due_ = 0;
  BrokerCore core_{{}, {}, now_, [this](absl::Time) { ++due_; }};
};

TEST_F(ClientKickerTest, AStreamEndsWithTheReasonAndWhenToComeBack) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(Kick(OfClient("c1")), 1);
  EXPECT_TRUE(channel->closed());
  ASSERT_THAT(channel->full_ends(), SizeIs(1));
  const ChannelEnd end = channel->full_ends()[0];
  EXPECT_EQ(end.reason, RemovalReason::kKicked);
  EXPECT_EQ(end.retry_after, kMinute);
  EXPECT_EQ(end.detail, "too loud");
  EXPECT_FALSE(core_.table().FindConsumerGroup("orders").has_value());
}

TEST_F(ClientKickerTest, TheOthersOfItsGroupArePushed) {
  const auto peer = Connect(TestStatement("c1").Consumer("orders"));
  Connect(TestStatement("c2").Consumer("orders"));
  peer->TakePushes();
  Kick(OfClient("c2"));
  EXPECT_THAT(peer->TakePushes(), ElementsAre("orders"));
}

TEST_F(ClientKickerTest, OfAllCriteriaEachMustBeMet) {
  const auto in =
      Connect(TestStatement("c1").Consumer("orders").Label("z", "a"));
  const auto out =
      Connect(TestStatement("c2").Consumer("orders").Label("z", "b"));
  ChannelFilter filter = OfGroup("orders");
  filter.labels = {{"z", "a"}};
  EXPECT_EQ(Kick(filter), 1);
  EXPECT_THAT(in->ends(), SizeIs(1));
  EXPECT_THAT(out->ends(), IsEmpty());
  EXPECT_TRUE(IsLetIn(TestStatement("c2").Consumer("orders")));
}

TEST_F(ClientKickerTest, NobodyIsKickedIfNobodyMatches) {
  const auto channel = Connect(TestStatement("c1").Consumer("orders"));
  EXPECT_EQ(Kick(OfClient("c2")), 0);
  EXPECT_THAT(channel->ends(), IsEmpty());
  EXPECT_EQ(core_.table().counts().held_clients, 0);
}

// --- Holds ---

TEST_F(ClientKickerTest, AKickedProcessIsHeldUntilItsTime) {
  const TestStatement stated =
      TestStatement("c1").Incarnation(7).Consumer("orders");
  Connect(stated);
  Kick(OfClient("c1"));
  now_ += kMinute - absl::Seconds(1);
  const auto again = Open();
  const HeartbeatResult refused = Heartbeat(*again, stated);
  EXPECT_EQ(refused.status.code, absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(refused.status.response_code, ResponseCode::kSystemError);
  ASSERT_TRUE(refused.end.has_value());
  EXPECT_EQ(refused.end->reason, RemovalReason::kKicked);
  EXPECT_EQ(refused.end->retry_after, absl::Seconds(1));
  EXPECT_EQ(refused.end->detail, "too loud");
  // The stream is gone, and the edge ends it after the reply.
  EXPECT_TRUE(again->closed());
  EXPECT_THAT(again->ends(), IsEmpty());
  EXPECT_EQ(core_.table().counts().channels, 0);
  now_ += absl::Seconds(1) - kMoment;
  EXPECT_FALSE(IsLetIn(stated));
  now_ += kMoment;
  EXPECT_TRUE(IsLetIn(stated));
}

TEST_F(ClientKickerTest, AnotherProcessWithTheIdIsLetIn) {
  Connect(TestStatement("c1").Incarnation(7));
  Kick(OfClient("c1"));
  EXPECT_FALSE(IsLetIn(TestStatement("c1").Incarnation(7)));
  EXPECT_TRUE(IsLetIn(TestStatement("c1").Incarnation(8)));
  EXPECT_TRUE(IsLetIn(TestStatement("c2").Incarnation(7)));
}

TEST_F(ClientKickerTest, AHoldOfZeroKeepsNobodyOut) {
  const auto channel = Connect(TestStatement("c1"));
  EXPECT_EQ(Kick(OfClient("c1"), absl::ZeroDuration()), 1);
  EXPECT_EQ(channel->full_ends().at(0).retry_after, absl::ZeroDuration());
  EXPECT_TRUE(IsLetIn(TestStatement("c1")));
}

TEST_F(ClientKickerTest, WithoutAHoldThatIsGivenTheBrokersHolds) {
  const auto channel = Connect(TestStatement("c1"));
  Kick(OfClient("c1"), absl::nullopt);
  EXPECT_EQ(channel->full_ends().at(0).retry_after, absl::Minutes(10));
  now_ += absl::Minutes(10) - kMoment;
  EXPECT_FALSE(IsLetIn(TestStatement("c1")));
  now_ += kMoment;
  EXPECT_TRUE(IsLetIn(TestStatement("c1")));
}

TEST_F(ClientKickerTest, AKickedUnaryClientIsRefusedByItsId) {
  const TestStatement stated = TestStatement("c1").Incarnation(1).Consumer("g");
  ClientChannelPtr stand_in;
  ASSERT_TRUE(UnaryHeartbeat(stated, &stand_in).status.ok());
  EXPECT_EQ(Kick(OfClient("c1")), 1);
  EXPECT_TRUE(stand_in->closed());
  for (int i = 0; i < 2; ++i) {
    const HeartbeatResult refused = UnaryHeartbeat(
        TestStatement("c1").Incarnation(2).Consumer("g"), &stand_in);
    EXPECT_EQ(refused.status.code, absl::StatusCode::kPermissionDenied);
    ASSERT_TRUE(refused.end.has_value());
    EXPECT_EQ(refused.end->retry_after, kMinute);
    EXPECT_TRUE(stand_in->closed());
  }
  EXPECT_EQ(core_.table().counts().channels, 0);
  // The refused heartbeats made no channels that count.
  EXPECT_EQ(core_.table()
                .counts()
                .closed_channels[static_cast<size_t>(RemovalReason::kKicked)],
            1);
  EXPECT_TRUE(IsLetIn(stated));  // A stream is another matter.
  now_ += kMinute;
  EXPECT_TRUE(UnaryHeartbeat(stated).status.ok());
}

TEST_F(ClientKickerTest, AKickedProcessIsHeldWhicheverCallsItMakes) {
  const auto stated = TestStatement("c1").Incarnation(7).Producer("p");
  Connect(stated);
  EXPECT_EQ(Kick(OfClient("c1")), 1);
  EXPECT_EQ(UnaryHeartbeat(stated).status.code,
            absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(UnaryHeartbeat(TestStatement("c1").Incarnation(8).Producer("p"))
                  .status.ok());
}

TEST_F(ClientKickerTest, AKickedUnaryClientIsNotLetInByAStreamOfNoProcess) {
  const auto stated = TestStatement("c1").Producer("p");
  EXPECT_TRUE(UnaryHeartbeat(stated).status.ok());
  EXPECT_EQ(Kick(OfClient("c1")), 1);
  EXPECT_FALSE(IsLetIn(stated));
  EXPECT_TRUE(IsLetIn(TestStatement("c1").Incarnation(7).Producer("p")));
}

TEST_F(ClientKickerTest, WhatAHeldProcessSaysKeepsItsStandInNotAlive) {
  Connect(TestStatement("c1").Incarnation(7).Consumer("a"));
  const auto unary = TestStatement("c1").Incarnation(7).Consumer("b");
  EXPECT_TRUE(UnaryHeartbeat(unary).status.ok());
  // The stand-in is in another group, and stays until it is silent.
  EXPECT_EQ(Kick(OfGroup("a"), absl::Hours(1)), 1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(core_.table().FindStandIn("c1"), nullptr) << i;
    now_ += absl::Seconds(25);
    EXPECT_EQ(UnaryHeartbeat(unary).status.code,
              absl::StatusCode::kPermissionDenied);
  }
  core_.housekeeping().Scan(now_);
  EXPECT_EQ(core_.table().FindStandIn("c1"), nullptr);
}

TEST_F(ClientKickerTest, HousekeepingDropsHoldsThatHaveEnded) {
  for (int i = 0; i < 100; ++i) {
    Connect(TestStatement(absl::StrCat("c", i)).Producer("p"));
  }
  EXPECT_EQ(Kick(OfGroup("p")), 100);
  EXPECT_EQ(core_.table().counts().held_clients, 100);
  now_ += kMinute;
  core_.housekeeping().Scan(now_);
  EXPECT_EQ(core_.table().counts().held_clients, 0);
}

TEST_F(ClientKickerTest, AStreamThatWasLetInBeforeStaysThough) {
  Connect(TestStatement("c1").Consumer("a"));
  const auto other = Connect(TestStatement("c1").Consumer("b"));
  Kick(OfGroup("a"));
  EXPECT_TRUE(Heartbeat(*other, TestStatement("c1").Consumer("b")).status.ok());
}

// --- Very many ---

class KickOfManyTest : public ClientKickerTest {
 protected:
  std::vector<FakeClientChannelPtr> ConnectMany(size_t count) {
    std::vector<FakeClientChannelPtr> channels;
    for (size_t i = 0; i < count; ++i) {
      channels.push_back(
          Connect(TestStatement(absl::StrCat("c", i)).Producer("pay")));
    }
    return channels;
  }
  static size_t Ended(const std::vector<FakeClientChannelPtr>& channels) {
    size_t ended = 0;
    for (const auto& channel : channels) {
      if (channel->closed() && !channel->ends().empty()) ++ended;
    }
    return ended;
  }
};

TEST_F(KickOfManyTest, AsManyAsACallMayEndAreEndedAtOnce) {
  const auto channels = ConnectMany(ClientKicker::kMostAtOnce);
  due_ = 0;
  EXPECT_EQ(Kick({}), ClientKicker::kMostAtOnce);
  EXPECT_EQ(Ended(channels), ClientKicker::kMostAtOnce);
  EXPECT_EQ(core_.kicker().NextDue(), absl::InfiniteFuture());
  EXPECT_EQ(due_, 0);
}

TEST_F(KickOfManyTest, TheRestIsHeldAtOnceAndEndsInPieces) {
  const size_t count =
      ClientKicker::kMostAtOnce + ClientKicker::kMostInARun + 1;
  const auto channels = ConnectMany(count);
  due_ = 0;
  EXPECT_EQ(Kick({}), count);
  EXPECT_EQ(due_, 1);
  EXPECT_EQ(Ended(channels), ClientKicker::kMostAtOnce);
  EXPECT_FALSE(channels.back()->closed());
  EXPECT_FALSE(IsLetIn(TestStatement(absl::StrCat("c", count - 1))));

  EXPECT_EQ(core_.kicker().NextDue(), absl::InfinitePast());
  now_ += absl::Seconds(1);
  core_.kicker().Run(now_);
  EXPECT_EQ(Ended(channels), count - 1);
  EXPECT_EQ(core_.kicker().NextDue(), absl::InfinitePast());
  core_.kicker().Run(now_);
  EXPECT_EQ(Ended(channels), count);
  EXPECT_EQ(core_.kicker().NextDue(), absl::InfiniteFuture());
  // What is left of the hold.
  EXPECT_EQ(channels.back()->full_ends().at(0).retry_after,
            kMinute - absl::Seconds(1));
  core_.kicker().Run(now_);  // Nothing.
}

TEST_F(KickOfManyTest, WhoGoesMeanwhileIsPassedOver) {
  const auto channels = ConnectMany(ClientKicker::kMostAtOnce + 1);
  Kick({});
  core_.housekeeping().OnChannelClose(*channels.back(),
                                      RemovalReason::kDisconnected, now_);
  core_.kicker().Run(now_);
  EXPECT_THAT(channels.back()->ends(), IsEmpty());
  EXPECT_EQ(core_.kicker().NextDue(), absl::InfiniteFuture());
}

TEST_F(KickOfManyTest, EightKicksMayBeUnderWay) {
  ConnectMany(ClientKicker::kMostAtOnce * (ClientKicker::kMostWaiting + 1));
  for (size_t i = 0; i < ClientKicker::kMostWaiting; ++i) Kick({});
  EXPECT_THAT(core_.kicker().Kick({}, kMinute, "", now_),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("kicks under way must be at most 8")));
  while (core_.kicker().NextDue() < now_) core_.kicker().Run(now_);
  EXPECT_EQ(Kick({}), 0);
}

}  // namespace
}  // namespace rmq
